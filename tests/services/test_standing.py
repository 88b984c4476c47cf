"""A job whose process was killed: what it is shown as before anybody has settled it."""

from dataclasses import replace

import pytest

from bot.domain.jobs import JobKind, JobState
from tests.contracts.state_places import a_job
from tests.services.test_prune_schedule import runner
from tests.services.world import World

JOB = a_job()


@pytest.fixture
async def world() -> World:
    """Its journal has a job that runs, of another process."""
    world = World()
    await world.journal.begin(JOB)
    return world


async def test_it_runs_while_somebody_holds_the_lock(world: World) -> None:
    world.lock.held = True

    assert await world.standing.jobs(5) == [JOB]
    assert await world.standing.open_jobs() == [JOB]


async def test_it_does_not_run_once_the_lock_is_free(world: World) -> None:
    [shown] = await world.standing.jobs(5)
    [is_open] = await world.standing.open_jobs()

    assert shown == is_open
    assert shown.state is JobState.INTERRUPTED
    assert shown.message == (
        "the command was stopped in it; what it left is cleaned up by the next akbot that starts"
    )


async def test_nobody_waits_for_a_killed_job_to_stop(world: World) -> None:
    operations = runner(world)

    assert await operations.cancel("Ada (7)", frozenset(JobKind)) is None
    assert [job.state for job in await operations.jobs_as_they_stand(5)] == [JobState.INTERRUPTED]

    world.lock.held = True
    assert await operations.cancel("Ada (7)", frozenset(JobKind) - {JOB.kind}) is None
    assert await operations.cancel("Ada (7)", frozenset(JobKind)) == replace(
        JOB, cancelled_by="Ada (7)"
    )
