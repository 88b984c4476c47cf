"""The journal fills once nobody is served: what serves again stays, and is told of.

The journal is the real one behind a disk that is full, the host is in memory.
"""

from dataclasses import replace

import pytest

from bot.adapters.journal import Journal
from bot.cli_codes import ROLLED_BACK, exit_code
from bot.domain.errors import PortError, RollbackFailedError, UpdateFailedError
from bot.domain.jobs import Job, JobState
from tests.fakes_roll import LIVE, Behaviour, Content, RollHost
from tests.services.filling import FREE, FillingJournal
from tests.services.roll_world import RollWorld, world_of
from tests.services.test_update import STRAIGHT

NEW = "2025.2.4"
DISTURBS = {"remove", "write tag", "start", "start created", "swap", "gate"}
CALLED_OFF = ("remove", Behaviour(migrations=("new-2",)))
SWAPPED = ("gate", Behaviour(migrations=("new-2",), drops_rows=True, holds=False))
SHORT_OF_ROWS = ("gate", Behaviour(leaves=50, holds=False))


def world_with(journal: Journal, new: Behaviour) -> RollWorld:
    return world_of(journal, host=RollHost(behaviours={NEW: new}))


def fill(
    world: RollWorld, journal: Journal, at: str = "remove", *, ballast: bool = True
) -> FillingJournal:
    world.host.calls.clear()
    world.journal = filling = FillingJournal(journal.jobs, world.host, at, ballast)
    return filling


async def fails(world: RollWorld) -> UpdateFailedError:
    with pytest.raises(UpdateFailedError, match=r"2025\.2\.1 serves again") as failed:
        await world.update(STRAIGHT)
    assert exit_code(failed.value) == ROLLED_BACK
    return failed.value


async def settled_with_room(
    world: RollWorld, journal: Journal, filling: FillingJournal
) -> tuple[Job, Job]:
    """The job while it waits for room, and once there is some."""
    for _ in range(2):
        await world.jobs.recover(at_leisure=True)
    [waiting] = await journal.jobs.open_jobs()
    filling.has_room = True
    [settled] = await world.jobs.recover()
    return waiting, settled


@pytest.mark.parametrize(
    ("case", "rows", "kept"),
    [(CALLED_OFF, 100, []), (SWAPPED, 100, ["failed"]), (SHORT_OF_ROWS, 50, ["before"])],
    ids=["called off", "swapped", "short of rows"],
)
async def test_what_serves_again_is_left_alone(
    journal: Journal, case: tuple[str, Behaviour], rows: int, kept: list[str]
) -> None:
    """The end of the job is all that could be written."""
    at, new = case
    world = world_with(journal, new)
    filling = fill(world, journal, at)
    await fails(world)
    world.host.write()
    done = len(world.host.calls)

    waiting, settled = await settled_with_room(world, journal, filling)

    assert not DISTURBS & {*world.host.calls[done:]}
    assert (world.host.running, world.host.live.rows) == ("2025.2.1", rows + 1)
    assert [each.split("_")[1] for each in world.host.databases if each != LIVE] == kept
    assert (waiting.state, settled.state) == (JobState.ROLLED_BACK, JobState.ROLLED_BACK)
    assert settled.swept
    assert "2025.2.1 serves again" in settled.message
    assert "not yet cleaned up" not in settled.message


async def test_a_swap_of_which_nothing_could_be_written_is_no_stranger_s(
    journal: Journal,
) -> None:
    """The ballast is gone as well: all that the journal says is that the new one was started."""
    world = world_with(journal, SWAPPED[1])
    filling = fill(world, journal, "gate", ballast=False)
    told = await fails(world)
    world.host.write()
    filling.has_room = True

    [settled] = await world.jobs.recover()

    [note] = told.__notes__
    assert f"could not be written down: write the journal: no space left on the device. {FREE}" in (
        note
    )
    assert "may start server and worker once more" in note
    assert (settled.state, settled.swept) == (JobState.ROLLED_BACK, True)
    assert "2025.2.1 serves again on the database as it was before" in settled.message
    assert (world.host.running, world.host.live) == ("2025.2.1", Content(101))
    assert world.host.evidence == {settled.id: NEW}, "what went has said, not what came back"


@pytest.mark.parametrize("ballast", [True, False])
async def test_a_rollback_that_has_held_is_done(journal: Journal, *, ballast: bool) -> None:
    world = world_with(journal, Behaviour(migrations=("new-2",)))
    await world.update(STRAIGHT)
    fill(world, journal, ballast=ballast)

    done = await world.roll_back()

    assert done.version == "2025.2.1"
    assert "2025.2.1 serves again" in done.words
    assert "no space left on the device" in done.words
    assert world.host.calls.count("swap") == 1
    assert world.host.calls.count("gate") == 1


async def test_a_rollback_goes_no_second_way(journal: Journal) -> None:
    world = world_with(journal, Behaviour(migrations=("new-2",)))
    await world.update(STRAIGHT)
    filling = fill(world, journal)
    await world.roll_back()
    world.host.write()
    done = len(world.host.calls)

    for _ in range(2):
        await world.jobs.recover(at_leisure=True)
    filling.has_room = True
    [settled] = await world.jobs.recover()

    assert not DISTURBS & {*world.host.calls[done:]}
    assert (settled.state, settled.swept) == (JobState.DONE, True)
    assert "2025.2.1 serves again on the database as it was before" in settled.message
    [job, update] = await journal.jobs.jobs()
    assert (job.plan["kept"], update.plan["kept"]) == ("failed", "")
    assert (world.host.running, world.host.live) == ("2025.2.1", Content(101))


async def test_whoever_finishes_a_rollback_goes_its_way_once(journal: Journal) -> None:
    """The journal fills while the next process goes it."""
    world = world_with(journal, Behaviour(migrations=("new-2",)))
    await world.update(STRAIGHT)
    world.host.fails = {"swap"}
    with pytest.raises(RollbackFailedError):
        await world.roll_back()
    world.host.fails = set()
    filling = fill(world, journal)
    await world.jobs.recover()
    done = len(world.host.calls)

    await world.jobs.recover()
    filling.has_room = True
    [settled] = await world.jobs.recover()

    assert not DISTURBS & {*world.host.calls[done:]}
    assert (settled.state, settled.swept) == (JobState.DONE, True)
    assert (world.host.running, world.host.live) == ("2025.2.1", Content(100))


def updating(journal: Journal, *, hops: bool = False) -> RollWorld:
    behaviours = {NEW: Behaviour(migrations=("new-2",))}
    if hops:
        behaviours["2025.4.4"] = Behaviour(migrations=("new-2", "new-4"))
    return world_of(journal, host=RollHost(behaviours=behaviours))


@pytest.mark.parametrize("ballast", [True, False])
async def test_a_version_that_has_held_stays(journal: Journal, *, ballast: bool) -> None:
    """The journal has no room for its promotion, or for no more than that."""
    world = updating(journal)
    filling = fill(world, journal, "gate", ballast=ballast)

    done = await world.update(STRAIGHT)
    world.host.write()
    filling.has_room = True
    settled = await world.jobs.recover()

    assert (done.version, world.host.running) == (NEW, NEW)
    assert (f"no space left on the device. {FREE}" in done.words) is not ballast
    assert "swap" not in world.host.calls
    assert world.host.live.rows == 101
    [job] = await journal.jobs.jobs(1)
    assert (job.state, job.swept, job.plan["phase"]) == (JobState.DONE, True, "keep")
    assert [each.id for each in settled] == ([] if ballast else [job.id])
    assert (await world.roll_back()).version == "2025.2.1", "there is still the way back"


async def test_an_end_that_could_be_written_keeps_what_had_held(journal: Journal) -> None:
    """There is room again between the promotion and the end, but not for long."""
    world = updating(journal)
    filling = fill(world, journal, "gate", ballast=False)
    filling.takes |= {"finish"}

    done = await world.update(STRAIGHT)
    world.host.write()
    acted = len(world.host.calls)
    waiting, settled = await settled_with_room(world, journal, filling)

    assert done.version == NEW
    assert not DISTURBS & {*world.host.calls[acted:]}
    assert "no space left on the device" in waiting.message
    assert (waiting.state, settled.state) == (JobState.DONE, JobState.DONE)
    assert settled.swept
    assert (world.host.running, world.host.live.rows) == (NEW, 101)
    assert settled.message == "2025.2.4 serves: it had held at the gate"
    assert (await world.roll_back()).version == "2025.2.1"


@pytest.mark.parametrize(
    "takes",
    [{"finish", "note"}, {"finish"}, set[str]()],
    ids=["with ballast", "its end alone", "nothing"],
)
async def test_a_step_that_has_held_stays(journal: Journal, takes: set[str]) -> None:
    """Of a way of two, the second of which is not begun."""
    world = updating(journal, hops=True)
    filling = fill(world, journal, "gate", ballast=False)
    filling.takes |= takes

    with pytest.raises(PortError, match="no space left on the device") as failed:
        await world.update(replace(STRAIGHT, tag="2025.4.4"))
    world.host.write()
    filling.has_room = True
    await world.jobs.recover()

    told = "".join(failed.value.__notes__)
    assert "2025.2.4 serves: 1 of 2 steps were made" in told
    [job] = await journal.jobs.jobs(1)
    assert job.swept
    assert "2025.2.4 serves: 1 of 2 steps were made" in job.message
    assert (world.host.running, world.host.live.rows) == (NEW, 101)
    assert "swap" not in world.host.calls
    assert (await world.roll_back()).version == "2025.2.1"
