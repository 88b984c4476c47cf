"""What a restore keeps for an undo goes after a day *and* a newer backup, and not before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.jobs import Trigger
from bot.domain.kept import may_go
from bot.services.kept import KeptService
from bot.services.update_kept import UpdateKept
from tests.domain.test_kept import MADE
from tests.domain.test_retention import backup
from tests.fakes_compose import FakeComposeFiles
from tests.fakes_restore import NEW, OLD
from tests.services.restore_world import RESTORE, UNDO, RestoreWorld, world_with_a_backup
from tests.services.stored import store_backup

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


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


async def test_a_clock_in_2030_lets_nothing_go(world: RestoreWorld) -> None:
    """Not even with a good backup that was made by it: no day has passed."""
    restored, jumped = world.clock.at, world.clock.at.replace(year=2030)
    store_backup(world, jumped, suffix="zzzz")

    world.clock.at = jumped + HOUR
    assert not await kept(world).sweep()
    assert world.host.left_over()
    world.clock.at = restored + 30 * HOUR
    assert not await kept(world).sweep(), "nothing newer has been made until now"
    world.clock.at = jumped + 25 * HOUR
    assert await kept(world).sweep()


async def test_a_clock_in_1970_makes_no_older_backup_a_newer_one() -> None:
    """The journal knows what was there before."""
    world = await world_with_a_backup()
    backed_up, world.clock.at = world.clock.at, datetime(1970, 1, 1, tzinfo=UTC)
    await world.restore(replace(RESTORE, safety_backup=False))

    world.clock.at = backed_up + 30 * HOUR
    assert not await kept(world).sweep()
    store_backup(world, backed_up + 29 * HOUR, suffix="zzzz")
    assert await kept(world).sweep()


@given(
    st.lists(st.integers(1, 60 * 24), max_size=6),
    st.integers(0, 60 * 24 - 1),
    st.sampled_from([1970, 2030, 2100]),
)
def test_no_clock_lets_anything_go_within_a_day(
    backups: list[int], minutes: int, year: int
) -> None:
    """Whatever is made by a clock that is wrong from some moment on."""
    ended = MADE.ended
    assert ended
    wrong = [ended.replace(year=year) + each * MINUTE for each in backups]
    records = [backup(each, number) for number, each in enumerate(wrong)]
    now = ended.replace(year=year) + minutes * MINUTE

    assert not may_go(MADE, [MADE], records, now)


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
