"""The image of the version before was deleted meanwhile, and its registry may be away as well."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.journal import Journal
from bot.domain.errors import RefusedError, RollbackFailedError, UpdateFailedError
from bot.domain.jobs import JobState
from bot.domain.messages import JobEnded
from bot.domain.way_back import QUICK_TRIES, SLOW_BEAT, tries_of
from tests.fakes_roll import REDIS_IMAGE, REPOSITORY, Behaviour
from tests.services.roll_world import PATCH, RollWorld, world_of
from tests.services.test_update import AWAY_WITH_REDIS, world_with_redis_going

STRAIGHT = replace(PATCH, rehearse=False)
MIGRATES = Behaviour(migrations=("new-2",))
OLD = f"{REPOSITORY}:2025.2.1"


def world_of_a_faulty_patch(journal: Journal) -> RollWorld:
    world = world_of(journal)
    world.host.behaviours["2025.2.4"] = replace(MIGRATES, holds=False)
    return world


def delete_image(world: RollWorld) -> None:
    """Once nothing runs of it, somebody prunes images."""
    del world.host.images[OLD]


def told_again(world: RollWorld) -> list[str]:
    """What listeners heard of how jobs ended."""
    return [event.job.message for _, event in world.told if isinstance(event, JobEnded)]


async def fail(world: RollWorld, *words: str) -> None:
    """Update to what does not hold, while the way back is closed."""
    started = world.host.behaviours["2025.2.4"]
    assert not started.holds
    delete_image(world)
    with pytest.raises(RollbackFailedError) as failed:
        await world.update(STRAIGHT)
    for each in words:
        assert each in str(failed.value)


async def test_it_is_pulled_again(journal: Journal) -> None:
    world = world_of_a_faulty_patch(journal)
    delete_image(world)

    with pytest.raises(UpdateFailedError, match=r"2025\.2\.1 serves again"):
        await world.update(STRAIGHT)

    assert world.host.running == "2025.2.1"


async def test_where_it_cannot_be_had_a_person_hears_at_once_what_to_do(journal: Journal) -> None:
    world = world_of_a_faulty_patch(journal)
    world.host.registry_is_away = True

    await fail(world, "2025.2.4 did not hold", f"docker pull {OLD}")

    [job] = await journal.jobs.open_jobs()
    assert job.state is JobState.FAILED
    assert world.host.running == "2025.2.4", "what serves at least a little is left alone"
    assert told_again(world) == [job.message]


async def test_the_way_back_goes_on_with_a_slower_beat_until_the_image_is_there(
    journal: Journal,
) -> None:
    world = world_of_a_faulty_patch(journal)
    world.host.registry_is_away = True
    await fail(world)
    world.told.clear()

    tries = 0
    for _ in range(30):  # minutes
        world.host.calls.clear()
        await world.jobs.recover(at_leisure=True)
        tries += "name image" in world.host.calls
        world.clock.at += timedelta(minutes=1)
    heard = told_again(world)
    world.host.registry_is_away = False
    [settled] = await world.jobs.recover()

    quick, slow = QUICK_TRIES, (30 - QUICK_TRIES) // (SLOW_BEAT // timedelta(minutes=1))
    assert quick + slow <= tries <= quick + slow + 1
    assert len(heard) == 1, "once more after the quick tries, and then never again"
    assert (settled.state, settled.swept) == (JobState.ROLLED_BACK, True)
    assert world.host.running == "2025.2.1"
    assert "docker pull" not in settled.message


async def test_a_command_does_not_wait_for_the_beat(journal: Journal) -> None:
    world = world_of_a_faulty_patch(journal)
    world.host.registry_is_away = True
    await fail(world)
    for _ in range(QUICK_TRIES):
        await world.jobs.recover(at_leisure=True)
    world.host.registry_is_away = False
    assert not await world.jobs.recover(at_leisure=True)

    [settled] = await world.jobs.recover()

    assert settled.state is JobState.ROLLED_BACK


async def test_what_was_started_again_and_could_not_be_looked_at_is_told_as_it_is(
    journal: Journal,
) -> None:
    world = world_of_a_faulty_patch(journal)
    world.host.fails = {"gate"}

    with pytest.raises(RollbackFailedError):
        await world.update(STRAIGHT)

    assert world.host.running == "2025.2.1"
    [heard] = [event.job for _, event in world.told if isinstance(event, JobEnded)]
    assert (heard.plan["phase"], heard.swept) == ("returned", False)


async def test_a_way_back_that_was_gone_is_not_counted_as_tried_in_vain(journal: Journal) -> None:
    world = world_of_a_faulty_patch(journal)
    world.host.fails = {"gate", "end sessions"}
    with pytest.raises(RollbackFailedError):
        await world.update(STRAIGHT)
    world.host.fails = {"gate"}

    await world.jobs.recover()

    [left] = await journal.jobs.open_jobs()
    assert (left.plan["phase"], tries_of(left)) == ("returned", 0)


async def test_a_rollback_is_refused_before_anybody_is_taken_away(journal: Journal) -> None:
    world = world_of(journal)
    world.host.behaviours["2025.2.4"] = MIGRATES
    await world.update(STRAIGHT)
    delete_image(world)
    world.host.registry_is_away = True
    world.host.calls.clear()

    with pytest.raises(RefusedError, match=r"was deleted.*Nothing was changed") as refused:
        await world.roll_back()

    assert "docker pull" in refused.value.hint
    assert "remove" not in world.host.calls
    assert world.host.running == "2025.2.4"


@pytest.mark.parametrize("gone", [REDIS_IMAGE, "proxy:2025.2.1"])
async def test_what_else_comes_back_with_the_version_before_is_had_first(
    journal: Journal, gone: str
) -> None:
    """Somebody prunes the images of a Redis that has gone, and of outposts."""
    world = world_with_redis_going(journal)
    world.host.outposts = ("proxy",)
    await world.update(AWAY_WITH_REDIS)
    world.host.deleted, world.host.registry_is_away = {gone}, True
    world.host.calls.clear()

    with pytest.raises(RefusedError, match=rf'"{gone}".*Nothing was changed'):
        await world.roll_back()

    assert world.host.running == "2025.10.4"
    assert "remove" not in world.host.calls
    world.host.registry_is_away = False
    await world.roll_back()
    assert (world.host.running, world.host.redis) == ("2025.2.1", "sessions")


async def test_without_an_outpost_of_before_what_serves_a_little_is_left_alone(
    journal: Journal,
) -> None:
    world = world_of_a_faulty_patch(journal)
    world.host.outposts = ("proxy",)
    world.host.deleted = {"proxy:2025.2.1"}
    world.host.registry_is_away = True

    with pytest.raises(RollbackFailedError, match=r"proxy:2025\.2\.1"):
        await world.update(STRAIGHT)

    assert world.host.running == "2025.2.4"
    world.host.registry_is_away = False
    await world.jobs.recover()
    assert world.host.running == "2025.2.1"


async def test_an_outpost_is_had_again_once_the_compose_files_are_those_of_before(
    journal: Journal,
) -> None:
    world = world_with_redis_going(journal)
    world.host.outposts = ("proxy",)
    world.host.deleted_at = {"apply compose": "proxy:2025.8.6"}
    world.host.behaviours["2025.10.4"] = replace(world.host.behaviours["2025.10.4"], holds=False)

    with pytest.raises(UpdateFailedError):
        await world.update(AWAY_WITH_REDIS)

    assert world.host.running == "2025.8.6"


async def test_a_rollback_that_was_begun_and_cannot_go_on_has_failed(
    journal: Journal,
) -> None:
    world = world_of(journal)
    world.host.behaviours["2025.2.4"] = MIGRATES
    await world.update(STRAIGHT)
    world.host.fails = {"swap"}

    with pytest.raises(RollbackFailedError, match="swap: it failed") as failed:
        await world.roll_back()

    assert "akbot status" in failed.value.hint
    world.host.fails = set()
    [settled] = await world.jobs.recover()
    assert (settled.state, world.host.running) == (JobState.DONE, "2025.2.1")
