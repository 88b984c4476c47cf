"""A Redis that cannot start: noticed while all serves, and no hindrance on the way back."""

from dataclasses import replace

import pytest

from bot.adapters.journal import Journal
from bot.domain.errors import PortError, UpdateFailedError
from bot.domain.jobs import JobState
from bot.domain.rollback import RollbackPreview
from bot.domain.update_preview import UpdatePreview
from tests.fakes_restore import OLD
from tests.fakes_roll import Behaviour
from tests.services.restore_world import world_with_a_backup
from tests.services.roll_world import FAR, PATCH, world_of

STRAIGHT = replace(PATCH, rehearse=False)
MIGRATES = Behaviour(migrations=("new-2",))


async def test_an_update_notices_it_while_the_version_before_serves(journal: Journal) -> None:
    world = world_of(journal)

    async def then_it_dies(_: UpdatePreview | RollbackPreview) -> bool:
        world.host.redis_is_dead = True
        return True

    with pytest.raises(PortError, match="start Redis"):
        await world.update(STRAIGHT, then_it_dies)

    assert "remove" not in world.host.calls
    assert world.host.running == "2025.2.1"
    [job] = await journal.jobs.jobs()
    assert "Nothing was changed" in job.message


async def test_a_version_that_does_not_hold_goes_back_without_it(journal: Journal) -> None:
    world = world_of(journal)
    world.host.behaviours["2025.2.4"] = replace(MIGRATES, holds=False)
    world.host.redis_dies_at = "start"

    with pytest.raises(UpdateFailedError, match="people must log in again"):
        await world.update(STRAIGHT)

    assert (world.host.running, world.host.tag) == ("2025.2.1", "2025.2.1")
    [job] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.ROLLED_BACK, True)


@pytest.mark.parametrize(
    ("dies_at", "begins"),
    [pytest.param("", "start created", id="well"), pytest.param("swap", "start", id="dead")],
)
async def test_only_a_redis_that_answers_is_not_waited_for(
    journal: Journal, dies_at: str, begins: str
) -> None:
    """Compose waits until Docker has seen Redis well, which takes it half a minute by default."""
    world = world_of(journal)
    world.host.behaviours["2025.2.4"] = MIGRATES
    await world.update(STRAIGHT)
    world.host.calls.clear()
    world.host.redis_dies_at = dies_at

    await world.roll_back()

    calls = world.host.calls
    assert [each for each in calls if each in {"start", "start created"}] == [begins]
    last_removal = len(calls) - 1 - calls[::-1].index("remove")
    order = [calls.index("write tag"), last_removal, calls.index("create"), calls.index(begins)]
    assert order == sorted(order), "what a person starts meanwhile is the version before"
    assert calls.index("swap") < len(calls) - 1 - calls[::-1].index("unfence")


async def test_of_a_version_that_has_its_sessions_elsewhere_no_more_is_said(
    journal: Journal,
) -> None:
    world = world_of(journal)
    world.host.behaviours["2025.6.4"] = replace(world.host.behaviours["2025.6.4"], holds=False)
    world.host.redis_dies_at = "put sessions back"

    with pytest.raises(UpdateFailedError, match="came in by forward auth") as caught:
        await world.update(replace(FAR, rehearse=False))

    assert "people must log in again" not in str(caught.value)
    assert world.host.running == "2025.4.4"


async def test_a_rollback_goes_without_it(journal: Journal) -> None:
    world = world_of(journal)
    world.host.behaviours["2025.2.4"] = MIGRATES
    await world.update(STRAIGHT)
    world.host.redis_is_dead = True

    done = await world.roll_back()

    assert world.host.running == "2025.2.1"
    assert "people must log in again" in done.words


async def test_a_restore_notices_it_while_all_serves() -> None:
    world = await world_with_a_backup()
    world.host.redis_dies_at = "load"

    with pytest.raises(PortError, match="start Redis"):
        await world.restore()

    assert "remove" not in world.host.calls
    assert world.host.served() == {OLD}
    assert not world.host.left_over()


async def test_a_restore_goes_back_without_it() -> None:
    world = await world_with_a_backup()
    world.host.redis_dies_at = "flush"

    with pytest.raises(PortError, match="start Redis") as caught:
        await world.restore()

    assert "people must log in again" in caught.value.__notes__[0]
    assert world.host.served() == {OLD}
    assert not world.host.is_removed
