"""What updates have kept goes once its time has passed, and nothing that another one needs."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import UpdateFailedError
from bot.domain.restore import KEPT
from bot.services.kept import KeptService
from bot.services.rehearsal import RehearsalFailedError
from bot.services.update_kept import UpdateKept
from tests.fakes_roll import LIVE, REPOSITORY, Behaviour, Content, RollHost
from tests.fakes_stack import make_stack
from tests.services.mortal import KilledError, Life
from tests.services.roll_world import KEPT_FOR, PATCH, UPDATE, RollWorld, process, world_of
from tests.services.stored import store_backup
from tests.services.test_update_check import image

HOUR = timedelta(hours=1)
MOST_WRITES = 60
OLD, NEW = (f"{REPOSITORY}:{each}" for each in ("2025.2.1", "2025.2.4"))
STRAIGHT = replace(UPDATE, rehearse=False)
NO_TRACE = Behaviour(notes_itself=False)
MIGRATES = Behaviour(migrations=("new-4",))
LOSES_ROWS = Behaviour(notes_itself=False, leaves=90, holds=False)
MIGRATES_AND_FAILS = Behaviour(migrations=("new-x",), holds=False)


def world_with(journal: Journal, host: RollHost) -> RollWorld:
    """For as many jobs as a test here needs."""
    world = world_of(journal, host=host)
    world.clock.suffixes += ["aaaa", "bbbb", "cccc"]
    return world


def pass_time(world: RollWorld, hours: int) -> None:
    world.clock.at += hours * HOUR
    world.gate_clock.at += hours * HOUR


async def sweep(world: RollWorld, kept_for: timedelta = 24 * HOUR) -> int:
    """Of how many jobs what they had kept went."""
    updates = UpdateKept(world.workplace, world.project)
    place = world.workplace
    kept = KeptService(
        world.journal, world.lock, world.clock, place, updates, world.records, kept_for
    )
    return len(await kept.sweep())


async def failed_to_patch(journal: Journal) -> RollWorld:
    """The next version will hold."""
    host = RollHost(behaviours={"2025.2.4": MIGRATES_AND_FAILS, "2025.4.4": MIGRATES})
    world = world_with(journal, host)
    with pytest.raises(UpdateFailedError, match=r"2025\.2\.1 serves again"):
        await world.update(replace(PATCH, rehearse=False))
    return world


async def test_the_image_of_a_way_back_stays_though_an_earlier_update_went_from_it_too(
    journal: Journal,
) -> None:
    world = await failed_to_patch(journal)
    pass_time(world, 20)
    await world.update(STRAIGHT)
    pass_time(world, 5)

    assert await sweep(world) == 1, "the first update's"

    assert OLD in world.host.images
    world.host.registry_is_away = True
    assert (await world.roll_back()).version == "2025.2.1"


async def test_it_goes_with_the_last_update_that_keeps_a_way_back_to_it(journal: Journal) -> None:
    world = await failed_to_patch(journal)
    pass_time(world, 20)
    await world.update(STRAIGHT)
    pass_time(world, 5)
    await sweep(world)
    pass_time(world, 20)
    await world.back_up()

    assert await sweep(world) == 1, "the second update's"

    assert OLD not in world.host.images
    assert f"{REPOSITORY}:2025.4.4" in world.host.images, "it serves"


async def failed_in_its_second_hop(journal: Journal) -> RollWorld:
    """What that hop has left is there; the rollback of the first one will leave nothing."""
    host = RollHost(behaviours={"2025.2.4": NO_TRACE, "2025.4.4": MIGRATES_AND_FAILS})
    world = world_with(journal, host)
    with pytest.raises(UpdateFailedError, match=r"2025\.2\.4 serves again"):
        await world.update(STRAIGHT)
    assert any("_failed_" in each for each in host.databases)
    return world


async def test_what_a_later_hop_has_left_goes_a_day_after_the_rollback(journal: Journal) -> None:
    world = await failed_in_its_second_hop(journal)
    pass_time(world, 20)
    await world.roll_back()
    [left] = world.host.databases.keys() - {LIVE}

    pass_time(world, 5)
    await world.back_up()
    assert await sweep(world) == 0
    assert left in world.host.databases

    pass_time(world, 20)
    assert await sweep(world) == 1
    assert list(world.host.databases) == [LIVE]
    assert OLD in world.host.images, "it serves"


async def test_of_a_rollback_that_leaves_nothing_only_the_image_goes_later(
    journal: Journal,
) -> None:
    host = RollHost(behaviours={"2025.2.4": NO_TRACE})
    world = world_with(journal, host)
    await world.update(replace(PATCH, rehearse=False))

    await world.roll_back()

    assert list(host.databases) == [LIVE]
    assert NEW in host.images
    pass_time(world, 25)
    await world.back_up()
    assert await sweep(world) == 1, "the rollback's"
    assert NEW not in host.images
    assert OLD in host.images, "it serves"
    assert not any(job.plan.get(KEPT) for job in await journal.jobs.jobs())


@pytest.mark.parametrize(
    "behaviour",
    [NO_TRACE, MIGRATES, replace(MIGRATES, lacks_disk=True)],
    ids=["stayed", "swapped", "tried again later"],
)
async def test_the_image_of_a_version_that_did_not_hold_goes_a_day_later(
    journal: Journal, behaviour: Behaviour
) -> None:
    host = RollHost(behaviours={"2025.2.4": replace(behaviour, holds=False)})
    world = world_with(journal, host)
    with pytest.raises(UpdateFailedError):
        await world.update(replace(PATCH, rehearse=False))
    pass_time(world, 20)
    await world.back_up()
    assert await sweep(world) == 0
    assert NEW in host.images

    pass_time(world, 5)
    assert await sweep(world) == 1

    assert list(host.images) == [OLD]
    assert list(host.databases) == [LIVE]


async def test_the_image_of_a_version_that_failed_on_the_copy_goes_a_day_later(
    journal: Journal,
) -> None:
    host = RollHost(behaviours={"2025.2.4": replace(MIGRATES, holds=False)})
    world = world_with(journal, host)
    with pytest.raises(RehearsalFailedError):
        await world.update(PATCH)
    assert NEW in host.images
    pass_time(world, 25)
    await world.back_up()

    assert await sweep(world) == 1

    assert list(host.images) == [OLD]
    assert host.live == Content()


async def test_the_compose_files_of_before_go_with_an_update_that_was_undone(
    journal: Journal,
) -> None:
    """Also where its database stayed, and nothing else is kept."""
    old, new = "2025.8.6", "2025.10.4"
    host = RollHost(
        running=old,
        tag=old,
        images={f"{REPOSITORY}:{old}": make_stack().server.image_id},
        databases={LIVE: Content(versions=(old,))},
        behaviours={new: replace(NO_TRACE, holds=False)},
    )
    world = world_with(journal, host)
    world.registry.images |= {tag: image(tag) for tag in (old, new)}
    host.pullable.add(f"{REPOSITORY}:{new}")
    with pytest.raises(UpdateFailedError, match=r"2025\.8\.6 serves again on the same database"):
        await world.update(replace(STRAIGHT, tag=new, apply_compose=True))
    assert host.compose_kept
    assert list(host.databases) == [LIVE]
    pass_time(world, 25)
    await world.back_up()

    assert await sweep(world) == 1

    assert not host.compose_kept


async def test_it_stays_where_it_serves_after_all(journal: Journal) -> None:
    host = RollHost(behaviours={"2025.2.4": Behaviour(holds=False, lacks_disk=True)})
    world = world_with(journal, host)
    with pytest.raises(UpdateFailedError):
        await world.update(replace(PATCH, rehearse=False))
    host.behaviours["2025.2.4"] = NO_TRACE
    pass_time(world, 20)
    await world.update(replace(PATCH, rehearse=False))

    pass_time(world, 5)
    assert await sweep(world) == 1

    assert {OLD, NEW} <= host.images.keys()


async def test_where_rows_are_missing_the_copy_stays_as_long_as_is_said(journal: Journal) -> None:
    """They may have been written since the backup, and be nowhere else."""
    host = RollHost(behaviours={"2025.2.4": LOSES_ROWS})
    world = world_with(journal, host)
    host.write()
    began = world.gate_clock.at

    with pytest.raises(UpdateFailedError) as failed:
        await world.update(replace(PATCH, rehearse=False))

    assert host.live.rows == 90
    [copy] = host.databases.keys() - {LIVE}
    assert host.databases[copy].rows == 101
    until = began + KEPT_FOR
    assert f'kept as database "{copy}" until {until:%Y-%m-%d}' in str(failed.value)
    assert '"A row that was deleted" in RUNBOOK.md' in str(failed.value)
    pass_time(world, 71)
    await world.back_up()
    assert await sweep(world, KEPT_FOR) == 0
    assert copy in host.databases
    pass_time(world, 2)
    assert await sweep(world, KEPT_FOR) == 1
    assert list(host.databases) == [LIVE]


async def test_likewise_of_a_later_hop(journal: Journal) -> None:
    """Its rollback takes over what it has left."""
    host = RollHost(behaviours={"2025.2.4": NO_TRACE, "2025.4.4": LOSES_ROWS})
    world = world_with(journal, host)
    with pytest.raises(UpdateFailedError, match="is kept as database"):
        await world.update(STRAIGHT)
    assert sorted(each.rows for each in host.databases.values()) == [90, 100, 100]

    await world.roll_back()

    pass_time(world, 25)
    await world.back_up()
    assert sorted(each.rows for each in host.databases.values()) == [90, 100, 100]
    assert await sweep(world) == 1
    assert list(host.databases) == [LIVE]


async def test_likewise_of_a_rollback(journal: Journal) -> None:
    host = RollHost(behaviours={"2025.2.4": replace(LOSES_ROWS, holds=True)})
    world = world_with(journal, host)
    await world.update(replace(PATCH, rehearse=False))

    done = await world.roll_back()

    [copy] = host.databases.keys() - {LIVE}
    assert host.databases[copy].rows == 100
    assert f'kept as database "{copy}" until' in done.words
    pass_time(world, 25)
    await world.back_up()
    assert await sweep(world) == 1
    assert list(host.databases) == [LIVE]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_wherever_it_is_killed_no_row_is_lost(
    tmp_path: Path,
    after: bool,  # noqa: FBT001
) -> None:
    for dies_at in range(1, MOST_WRITES):
        journal = Journal(StateFolder(tmp_path / f"state-{dies_at}"))
        host = RollHost(behaviours={"2025.2.4": LOSES_ROWS})
        world = world_with(journal, host)
        died = False
        try:
            await process(world, journal, Life(dies_at, after)).update(
                replace(PATCH, rehearse=False)
            )
        except KilledError:
            died = True
            host.boot()  # a person's `docker compose up -d`
            await process(world, journal, Life()).jobs.recover()
        except UpdateFailedError:
            pass
        assert max(each.rows for each in host.databases.values()) == 100, dies_at
        assert len(host.databases) == (1 if host.live.rows == 100 else 2), dies_at
        pass_time(world, 25)
        store_backup(world, world.clock.at, suffix="zzzz")
        await sweep(world)
        assert list(host.databases) == [LIVE], dies_at
        await journal.close()
        if not died:
            return
    pytest.fail("it never came to its end")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_what_a_later_hop_has_left_goes_though_the_rollback_was_killed(
    tmp_path: Path,
    after: bool,  # noqa: FBT001
) -> None:
    for dies_at in range(1, MOST_WRITES):
        journal = Journal(StateFolder(tmp_path / f"state-{dies_at}"))
        world = await failed_in_its_second_hop(journal)
        died = False
        try:
            await process(world, journal, Life(dies_at, after)).roll_back()
        except KilledError:
            died = True
            world.host.boot()  # a person's `docker compose up -d`
            await process(world, journal, Life()).jobs.recover()
        pass_time(world, 25)
        store_backup(world, world.clock.at, suffix="zzzz")
        await sweep(world)
        assert list(world.host.databases) == [LIVE], dies_at
        await journal.close()
        if not died:
            return
    pytest.fail("it never came to its end")
