"""A restore where the database itself is gone: it comes back, and nothing to go back to is kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import PortError, RefusedError
from bot.domain.jobs import JobState
from bot.domain.messages import RunRestore
from bot.domain.restore import goes_back
from bot.domain.restore_from_nothing import NO_WAY_BACK
from bot.entrypoints.render_restore import preview_lines, restored_lines
from bot.services.gate import GateError
from tests.fakes_restore import NEW, OLD, REPOSITORY
from tests.services.mortal import KilledError, Life
from tests.services.restore_world import (
    OF_A_DUMP,
    RESTORE,
    UNDO,
    RestoreWorld,
    process,
    world_with_a_backup,
)

PLAIN = replace(RESTORE, safety_backup=False)
OF_A_PLAIN_DUMP = replace(OF_A_DUMP, safety_backup=False)
MOST_WRITES = 50


@pytest.fixture
async def world() -> RestoreWorld:
    return await world_without_a_database()


async def world_without_a_database(**parts: object) -> RestoreWorld:
    world = await world_with_a_backup(**parts)
    del world.host.databases["authentik"]
    return world


def is_as_before(world: RestoreWorld) -> None:
    host = world.host
    assert set(host.databases) == {"postgres"}
    assert {each.live for each in host.mounts.values()} == {OLD.encode()}
    assert set(host.running.values()) == {f"{REPOSITORY}:2025.2.4"}
    assert host.redis == OLD
    assert not host.left_over()


async def test_it_serves_again_and_nothing_is_kept_of_a_database(world: RestoreWorld) -> None:
    restored = await world.restore(PLAIN)

    assert world.host.served() == {NEW}
    assert set(world.host.databases) == {"authentik", "postgres"}
    assert "authentik" not in world.host.fenced
    [job, _] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.DONE, True)
    told = "\n".join(restored_lines(restored))
    assert "cannot be taken back" in told
    assert "--undo" not in told


async def test_so_does_a_dump(world: RestoreWorld) -> None:
    await world.restore(OF_A_PLAIN_DUMP)

    assert world.host.databases["authentik"] == NEW
    assert not [each for each in world.host.databases if "_before_" in each]


@pytest.mark.parametrize(
    "command",
    [RESTORE, replace(RESTORE, components=frozenset({"media"})), OF_A_DUMP],
    ids=["all", "files", "dump"],
)
async def test_what_cannot_be_backed_up_first_is_refused_with_the_way_on(
    world: RestoreWorld, command: RunRestore
) -> None:
    with pytest.raises(RefusedError, match='database "authentik" is not there') as refused:
        await world.restore(command)

    assert "--no-safety-backup" in refused.value.hint
    is_as_before(world)
    [job, _] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)


async def test_the_plan_says_that_there_is_no_way_back(world: RestoreWorld) -> None:
    told = "\n".join(preview_lines(await world.restores().preview(PLAIN)))

    assert 'The database "authentik" is not there' in told
    assert "--undo" not in told


async def test_an_undo_says_that_there_was_nothing(world: RestoreWorld) -> None:
    await world.restore(PLAIN)

    with pytest.raises(RefusedError, match="there was no database before"):
        await world.restore(UNDO)

    assert world.host.served() == {NEW}


@pytest.fixture
async def restored() -> RestoreWorld:
    """Restored, and what served before is kept; then somebody drops the database."""
    world = await world_with_a_backup()
    await world.restore(PLAIN)
    del world.host.databases["authentik"]
    return world


async def test_what_an_earlier_restore_has_kept_takes_the_place_of_one_that_is_gone(
    restored: RestoreWorld,
) -> None:
    told = "\n".join(preview_lines(await restored.undo_preview()))
    undone = await restored.restore(UNDO)

    assert restored.host.served() == {OLD}
    assert set(restored.host.databases) == {"authentik", "postgres"}
    assert "one more undo" not in told
    assert "cannot be taken back" in told
    assert "cannot be taken back" in "\n".join(restored_lines(undone))
    undo, restore, *_ = await restored.journal.jobs()
    assert (goes_back(undo.plan), goes_back(restore.plan)) == (False, True)


@pytest.mark.parametrize("call", ["claim", "fence", "rename", "swap a mount", "unfence", "start"])
async def test_and_is_still_kept_where_that_fails(restored: RestoreWorld, call: str) -> None:
    [kept] = [each for each in restored.host.databases if "_before_" in each]
    restored.host.outages = {call: 1}

    with pytest.raises(PortError, match=call):
        await restored.restore(UNDO)
    await restored.jobs.recover()

    assert set(restored.host.databases) == {kept, "postgres"}
    assert {each.live for each in restored.host.mounts.values()} == {NEW.encode()}
    await restored.restore(UNDO)
    assert restored.host.served() == {OLD}


async def test_what_does_not_hold_goes_away_again(world: RestoreWorld) -> None:
    world.host.well = set()

    with pytest.raises(GateError):
        await world.restore(PLAIN)

    is_as_before(world)
    [job, _] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)
    assert 'in place again, without a database "authentik"' in job.message


@pytest.mark.parametrize(
    "call",
    [
        *("create", "load", "analyze", "stage", "remove", "keep sessions", "fence", "write tag"),
        *("rename", "swap a mount", "flush", "unfence", "start"),
    ],
)
async def test_whatever_fails_once_leaves_the_state_before(world: RestoreWorld, call: str) -> None:
    world.host.outages = {call: 1}

    with pytest.raises(PortError, match=call):
        await world.restore(PLAIN)
    await world.jobs.recover()

    is_as_before(world)
    [job, _] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("command", [PLAIN, OF_A_PLAIN_DUMP], ids=["backup", "dump"])
async def test_killed_at_any_write_it_serves_or_is_as_before(
    tmp_path: Path,
    command: RunRestore,
    after: bool,  # noqa: FBT001
) -> None:
    outcomes = set()
    for dies_at in range(1, MOST_WRITES):
        journal = Journal(StateFolder(tmp_path / f"state-{dies_at}"))
        world = await world_without_a_database(journal=journal.jobs)
        try:
            await process(world, journal, Life(dies_at, after)).restore(command)
        except KilledError:
            await process(world, journal, Life()).jobs.recover()
            outcomes.add(await judged(world, journal))
        else:
            await journal.close()
            break
        await journal.close()
    else:
        pytest.fail("it never came to its end")
    assert outcomes == {JobState.INTERRUPTED, JobState.DONE}


async def judged(world: RestoreWorld, journal: Journal) -> JobState:
    """What became of it, once it is certain that all is well."""
    assert not await journal.jobs.open_jobs()
    newest, *others = await journal.jobs.jobs()
    if not others:  # it was killed before its job was written
        is_as_before(world)
        return JobState.INTERRUPTED
    if newest.state is JobState.DONE:
        assert world.host.databases["authentik"] == NEW
        assert set(world.host.running.values()) == {f"{REPOSITORY}:2025.2.1"}
        assert NO_WAY_BACK in newest.message
        assert not goes_back(newest.plan)
    else:
        is_as_before(world)
    assert newest.swept
    return newest.state
