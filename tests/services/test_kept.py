"""What a restore keeps for an undo goes after a day *and* a newer backup, and not before."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.jobs import Trigger
from bot.services.kept import KeptService
from bot.services.update_kept import UpdateKept
from tests.fakes_compose import FakeComposeFiles
from tests.fakes_restore import NEW, OLD
from tests.services.restore_world import RESTORE, UNDO, RestoreWorld, world_with_a_backup
from tests.services.stored import store_backup

HOUR = timedelta(hours=1)


@pytest.fixture
async def world() -> RestoreWorld:
    """A stack that was restored."""
    world = await world_with_a_backup()
    await world.restore(RESTORE)
    return world


def kept(world: RestoreWorld) -> KeptService:
    return KeptService(
        world.journal,
        world.lock,
        world.clock,
        world.workplace,
        UpdateKept(world.workplace, FakeComposeFiles()),
        world.records,
    )


async def after(world: RestoreWorld, passed: timedelta, *backups: timedelta) -> bool:
    """Whether it is gone *passed* after the restore, with backups made so long after it."""
    began = world.clock.at
    for each in backups:
        store_backup(world, began + each, suffix="zzzz")
    world.clock.at = began + passed
    return bool(await kept(world).sweep())


@pytest.mark.parametrize(
    ("passed", "backups", "gone"),
    [
        (25 * HOUR, [10 * HOUR], True),
        (23 * HOUR, [10 * HOUR], False),
        (1000 * HOUR, [], False),
        (25 * HOUR, [-10 * HOUR], False),
    ],
)
async def test_it_goes_after_a_newer_backup_and_a_day(
    world: RestoreWorld,
    passed: timedelta,
    backups: list[timedelta],
    gone: bool,  # noqa: FBT001
) -> None:
    assert await after(world, passed, *backups) is gone

    assert bool(world.host.left_over()) is not gone
    assert world.host.served() == {NEW}
    assert not gone or not await kept(world).sweep(), "once"


async def test_a_safety_backup_is_none_that_lets_it_go(world: RestoreWorld) -> None:
    store_backup(world, world.clock.at + HOUR, trigger=Trigger.SAFETY, suffix="zzzz")
    world.clock.at += 48 * HOUR

    assert not await kept(world).sweep()


async def test_a_wrong_restore_of_the_evening_is_undone_the_next_morning(
    world: RestoreWorld,
) -> None:
    assert not await after(world, 12 * HOUR, 7 * HOUR)

    await world.restore(UNDO)

    assert world.host.served() == {OLD}


async def test_the_journal_does_not_forget_what_is_kept(world: RestoreWorld) -> None:
    far = world.clock.at + timedelta(days=400)

    await world.journal.compact(far)

    assert [job.kind for job in await world.journal.jobs()] == ["restore"]
    assert await after(world, timedelta(days=2), 10 * HOUR)
    await world.journal.compact(far)
    assert not await world.journal.jobs()


async def test_a_second_restore_leaves_the_first_ones_alone(world: RestoreWorld) -> None:
    first = set(world.host.left_over())
    await world.restore(replace(RESTORE, safety_backup=False))

    assert first < set(world.host.left_over())
