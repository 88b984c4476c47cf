"""A restore that dies at any of the journal's writes: one whole state serves, nothing is left."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import PortError
from bot.domain.jobs import JobKind, JobState
from bot.domain.messages import RunRestore
from tests.fakes_restore import NEW, OLD, REPOSITORY, SERVICES
from tests.services.mortal import KilledError, Life
from tests.services.restore_world import (
    OF_A_DUMP,
    RESTORE,
    UNDO,
    RestoreWorld,
    process,
    world_with_a_backup,
)

WITH_REDIS = replace(RESTORE, with_redis=True, safety_backup=False)
FILES = replace(RESTORE, components=frozenset({"media", "certs"}), safety_backup=False)
PLAIN = replace(RESTORE, safety_backup=False)
COMMANDS = {
    "all": RESTORE, "redis": WITH_REDIS, "files": FILES, "undo": UNDO, "dump": OF_A_DUMP,
}  # fmt: skip
MOST_WRITES = 50
SWITCH = [
    "stopping and removing server and worker", "keeping what Redis holds", "closing the databases",
    "setting AUTHENTIK_TAG to 2025.2.1", "swapping the databases", "swapping the files",
    "emptying Redis", "removing server and worker once more", "starting", "waiting until it holds",
]  # fmt: skip
BY_FILES = frozenset({"swapping the files", *SWITCH[:1], *SWITCH[-3:]})
# In which steps a process must have died, before or after the write that begins them.
KILLED_IN: dict[str, frozenset[str]] = {
    "all": frozenset(SWITCH) | {"backing up the state before", "getting the image"},
    "redis": (
        frozenset(SWITCH) - {"emptying Redis"}
        | {"checking redis", "restoring redis beside what serves", "loading Redis"}
    ),
    "files": BY_FILES | {"checking certs", "restoring media beside what serves"},
    "undo": (
        frozenset(SWITCH)
        - {"emptying Redis", "setting AUTHENTIK_TAG to 2025.2.1"}
        | {"getting the state before", "setting AUTHENTIK_TAG to 2025.2.4", "loading Redis"}
    ),
    "dump": (
        frozenset(SWITCH)
        - {"swapping the files"}
        | {"loading the dump where it reaches nothing", "restoring the dump beside what serves"}
    ),
}  # fmt: skip


async def prepared(journal: Journal, command: RunRestore) -> RestoreWorld:
    world = await world_with_a_backup(journal=journal.jobs)
    if command.undo:
        await world.restore(PLAIN)
        assert world.host.served() == {NEW}
    return world


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", COMMANDS)
async def test_killed_at_any_write_one_whole_state_serves(
    tmp_path: Path,
    name: str,
    after: bool,  # noqa: FBT001
) -> None:
    command, outcomes = COMMANDS[name], set()
    died_in: set[str] = set()
    for dies_at in range(1, MOST_WRITES):
        journal = Journal(StateFolder(tmp_path / f"state-{dies_at}"))
        world = await prepared(journal, command)
        life = Life(dies_at, after)
        try:
            await process(world, journal, life).restore(command)
        except KilledError:
            died_in.update(each.step for each in await journal.jobs.open_jobs())
            await process(world, journal, Life()).jobs.recover()
            outcomes.add(await judged(world, journal, command))
        else:
            await journal.close()
            break
        await journal.close()
    else:
        pytest.fail("it never came to its end")
    assert outcomes >= {JobState.INTERRUPTED, JobState.DONE}
    assert died_in >= KILLED_IN[name]


async def judged(world: RestoreWorld, journal: Journal, command: RunRestore) -> JobState:
    """What became of it, once it is certain that all is well."""
    host = world.host
    before, goal = (NEW, OLD) if command.undo else (OLD, NEW)
    assert not await journal.jobs.open_jobs()
    jobs = [job for job in await journal.jobs.jobs() if job.kind is JobKind.RESTORE]
    newest = jobs[0] if jobs else None
    begun = newest is not None and len(jobs) == (2 if command.undo else 1)
    state = newest.state if newest and begun else JobState.INTERRUPTED
    is_done = state is JobState.DONE
    media, templates = (
        host.mounts[f"/mnt/{each}"].live.decode() for each in ("media", "templates")
    )
    if command.dump:
        version = {OLD: "2025.2.4", NEW: "2025.2.1"}[goal if is_done else before]
        assert host.databases["authentik"] == (goal if is_done else before)
        assert (media, templates) == (OLD, OLD)
        assert set(host.running.values()) == {f"{REPOSITORY}:{version}"}
    elif command.components:
        assert media == (goal if is_done else before)
        assert (templates, host.databases["authentik"]) == (OLD, OLD)
    else:
        assert host.served() == {goal if is_done else before}
    if not is_done and not command.undo:
        assert host.redis == OLD
    kept = [jobs[0].id] if is_done else [jobs[-1].id] if command.undo else []
    assert not host.left_over(*kept)
    assert host.running
    assert "authentik" not in host.fenced
    if newest and begun:
        assert newest.crashes <= 1, "0: it had been written that it is done"
    records = await world.records()
    assert all(each.summary for each in records), "no half a backup is left"
    return state


@pytest.mark.parametrize("name", COMMANDS)
async def test_each_failure_is_swapped_back(tmp_path: Path, name: str) -> None:
    """Whatever call fails once: the state before serves, whole, and the job says so."""
    command = COMMANDS[name]
    journal = Journal(StateFolder(tmp_path / "first"))
    world = await prepared(journal, command)
    world.host.calls.clear()
    await world.restore(command)
    # by the time that it discards something it serves, and has held
    calls = [each for each in dict.fromkeys(world.host.calls) if each != "discard"]
    await journal.close()
    for number, failing in enumerate(calls):
        journal = Journal(StateFolder(tmp_path / f"{number}"))
        world = await prepared(journal, command)
        world.host.fails = {failing}
        with pytest.raises(PortError, match=failing):
            await world.restore(command)
        world.host.fails = set()
        await world.jobs.recover()
        [job, *_] = await journal.jobs.jobs()
        assert (job.state, job.swept) == (JobState.FAILED, True), failing
        before = NEW if command.undo else OLD
        assert world.host.served() == {before}, failing
        if not command.undo:
            assert world.host.redis == OLD
            assert not world.host.left_over(), failing
        else:
            await world.restore(UNDO)
            assert world.host.served() == {OLD}, failing
        await journal.close()


async def test_killed_while_it_recovers_it_recovers_the_next_time(tmp_path: Path) -> None:
    for dies_at in (1, 2):
        for after in (False, True):
            journal = Journal(StateFolder(tmp_path / f"{dies_at}{after}"))
            world = await prepared(journal, PLAIN)
            writes = Life()
            await process(world, journal, writes).restore(PLAIN)
            await journal.close()
            journal = Journal(StateFolder(tmp_path / f"again-{dies_at}{after}"))
            world = await prepared(journal, PLAIN)
            with pytest.raises(KilledError):
                await process(world, journal, Life(len(writes.writes) - 3)).restore(PLAIN)
            with pytest.raises(KilledError):
                await process(world, journal, Life(dies_at, after)).jobs.recover()

            await process(world, journal, Life()).jobs.recover()

            [job, _] = await journal.jobs.jobs()
            assert world.host.served() == {NEW if job.state is JobState.DONE else OLD}
            await journal.close()


async def died_at_last(
    write: str, command: RunRestore, world: RestoreWorld, journal: Journal, elsewhere: Path
) -> None:
    """Its process is gone before its last *write* of that kind."""
    other = Journal(StateFolder(elsewhere))
    life = Life()
    await process(await prepared(other, command), other, life).restore(command)
    await other.close()
    last = max(number for number, name in enumerate(life.writes, 1) if name == write)
    with pytest.raises(KilledError):
        await process(world, journal, Life(last)).restore(command)


async def died_before_start(
    command: RunRestore, world: RestoreWorld, journal: Journal, elsewhere: Path
) -> None:
    """All is swapped, and nothing runs but what a person has started by hand since."""
    await died_at_last("plan", command, world, journal, elsewhere)
    assert not world.host.running
    world.host.fenced.discard("authentik")
    tag = "2025.2.1" if command is PLAIN else "2025.2.4"
    world.host.running = dict.fromkeys(SERVICES, f"{REPOSITORY}:{tag}")


async def died_after_start(world: RestoreWorld, journal: Journal, elsewhere: Path) -> None:
    """Its containers run; its process is gone before the gate."""
    await died_at_last("step", PLAIN, world, journal, elsewhere)
    assert world.host.running
    assert world.host.served() == {NEW}


async def test_the_days_writes_stay_when_it_comes_back_eight_hours_later(
    journal: Journal, tmp_path: Path
) -> None:
    world = await prepared(journal, PLAIN)
    await died_after_start(world, journal, tmp_path / "other")
    world.host.write()
    world.gate_clock.at += timedelta(hours=8)

    [settled] = await process(world, journal, Life()).jobs.recover()

    assert settled.state is JobState.DONE
    assert "serves" in settled.message
    assert world.host.databases["authentik"] == "new+"
    await world.restore(UNDO)
    assert world.host.served() == {OLD}


async def test_what_a_person_has_opened_by_hand_in_the_middle_of_the_switch_stays(
    journal: Journal, tmp_path: Path
) -> None:
    world = await prepared(journal, PLAIN)
    await died_before_start(PLAIN, world, journal, tmp_path / "other")
    assert world.host.databases["authentik"] == NEW
    world.host.write()

    [settled] = await process(world, journal, Life()).jobs.recover()

    assert settled.state is JobState.DONE
    assert world.host.databases["authentik"] == "new+"


async def test_files_that_a_person_has_put_into_service_in_the_middle_of_the_switch_stay(
    journal: Journal, tmp_path: Path
) -> None:
    world = await prepared(journal, FILES)
    await died_before_start(FILES, world, journal, tmp_path / "other")
    content = world.host.mounts["/mnt/media"].live

    [settled] = await process(world, journal, Life()).jobs.recover()

    assert settled.state is JobState.DONE
    assert world.host.mounts["/mnt/media"].live == content != OLD.encode()


async def test_what_does_not_hold_after_hours_goes_back_and_is_kept_aside(
    journal: Journal, tmp_path: Path
) -> None:
    world = await prepared(journal, PLAIN)
    await died_after_start(world, journal, tmp_path / "other")
    world.host.write()
    world.host.well = {OLD}

    [settled] = await process(world, journal, Life()).jobs.recover()

    assert settled.state is JobState.INTERRUPTED
    assert world.host.served() == {OLD}
    [aside] = [name for name in world.host.databases if "_restore_" in name]
    assert world.host.databases[aside] == "new+"
    assert f'kept as database "{aside}"' in settled.message


async def test_after_three_crashes_a_person_is_asked(journal: Journal) -> None:
    world = await prepared(journal, PLAIN)
    with pytest.raises(KilledError):
        await process(world, journal, Life(6)).restore(PLAIN)
    for _ in range(2):
        with pytest.raises(KilledError):
            await process(world, journal, Life(1, after=True)).jobs.recover()

    [stuck] = await process(world, journal, Life()).jobs.recover()

    assert stuck.state is JobState.STUCK
    assert f"akbot jobs settle {stuck.id}" in stuck.message
