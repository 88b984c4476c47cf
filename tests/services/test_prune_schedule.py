"""After a scheduled backup that leaves no doubt, what it makes needless is deleted."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.domain.errors import PortError, RefusedError
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.messages import Command, RunBackup, RunPrune
from bot.services.jobs import Begun
from bot.services.runner import JobRunner
from tests.fakes import FakeStore
from tests.fakes_stack import make_facts
from tests.services.stored import ids_in, store_nights
from tests.services.test_prune import make_world
from tests.services.world import World

AT_NIGHT = RunBackup(trigger=Trigger.SCHEDULE, actor="schedule")


def runner(world: World) -> JobRunner:
    return JobRunner(
        world.journal,
        world.clock,
        world.start,
        world.records,
        world.engine.find_stack,
        world.pin,
        world.read_back,
        world.preview,
        world.standing,
        prunes=True,
    )


async def run_to_its_end(runner: JobRunner, command: RunBackup) -> None:
    await runner.start(command)
    await asyncio.gather(*runner._tasks)


async def outcomes(world: World) -> list[tuple[JobKind, JobState]]:
    jobs: Sequence[Job] = await world.journal.jobs()
    return [(job.kind, job.state) for job in reversed(jobs)]


@pytest.fixture
def world() -> World:
    world = make_world()
    store_nights(world, 5)
    return world


async def test_a_scheduled_backup_is_followed_by_a_prune(world: World) -> None:
    await run_to_its_end(runner(world), AT_NIGHT)

    assert await outcomes(world) == [
        (JobKind.BACKUP, JobState.DONE),
        (JobKind.PRUNE, JobState.DONE),
    ]
    assert len(ids_in(world)) == 3
    [prune, _] = await world.journal.jobs()
    assert (prune.trigger, prune.actor, prune.slot) == (Trigger.SCHEDULE, "schedule", None)


@pytest.mark.parametrize("trigger", [Trigger.CLI, Trigger.CHAT])
async def test_one_that_a_person_asked_for_deletes_nothing(world: World, trigger: Trigger) -> None:
    await run_to_its_end(runner(world), replace(AT_NIGHT, trigger=trigger))

    assert len(ids_in(world)) == 6


async def test_one_that_failed_deletes_nothing(world: World) -> None:
    del world.engine.disk.archives["/certs"]

    await run_to_its_end(runner(world), AT_NIGHT)

    assert await outcomes(world) == [(JobKind.BACKUP, JobState.FAILED)]
    assert len(ids_in(world)) == 5


async def test_one_with_a_warning_deletes_nothing(world: World) -> None:
    """The database may be empty, and the old backups be all that is left of it."""
    world.engine.postgres.found = make_facts(authentik_core_user=0)

    await run_to_its_end(runner(world), AT_NIGHT)

    assert await outcomes(world) == [(JobKind.BACKUP, JobState.DONE)]
    assert len(ids_in(world)) == 6


async def test_a_prune_that_fails_leaves_the_backup_done(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class Keeper(FakeStore):
        async def delete(self, *keys: str) -> None:
            raise PortError(f'delete object "{keys[0]}": access denied')

    world.store = Keeper(world.store.objects)

    await run_to_its_end(runner(world), AT_NIGHT)

    assert await outcomes(world) == [
        (JobKind.BACKUP, JobState.DONE),
        (JobKind.PRUNE, JobState.FAILED),
    ]
    assert "prune: 0 deleted, 3 kept, 3 could not be deleted" in caplog.text
    assert "job 2" not in caplog.text, "no word of a backup that failed"


async def test_an_error_of_ours_in_it_harms_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(command: Command, begun: Begun | None) -> object:
        if isinstance(command, RunPrune):
            raise ZeroDivisionError(command)
        return await world.start(command, begun)

    await run_to_its_end(replace(runner(world), run_job=broken), AT_NIGHT)

    assert await outcomes(world) == [(JobKind.BACKUP, JobState.DONE)]
    assert "prune failed on an error of akbot itself" in caplog.text


async def test_a_daemon_that_stops_begins_none(world: World) -> None:
    daemon = runner(world)
    await daemon.start(AT_NIGHT)
    closing = asyncio.create_task(daemon.close(60))
    while not closing.done():
        await asyncio.sleep(0)
        if not daemon._tasks:
            world.clock.wake()

    assert await outcomes(world) == [(JobKind.BACKUP, JobState.DONE)]
    with pytest.raises(RefusedError):
        await daemon.start(AT_NIGHT)


async def test_where_everything_is_kept_none_is_begun(world: World) -> None:
    await run_to_its_end(replace(runner(world), prunes=False), AT_NIGHT)

    assert await outcomes(world) == [(JobKind.BACKUP, JobState.DONE)]
