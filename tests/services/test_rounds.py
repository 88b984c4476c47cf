"""Looks that are no job, at the slots of a schedule."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import repeat
from zoneinfo import ZoneInfo

import pytest

from bot.domain.errors import PortError
from bot.domain.schedule import Schedule
from bot.entrypoints.scheduler import Rounds
from tests.services.simulated_time import SimulatedClock

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


async def looks(
    began: datetime,
    end: datetime,
    *,
    since: datetime | None = None,
    schedule: str = "0 9 * * *",
    fails: Iterable[Exception] = (),
) -> list[str]:
    """When it was looked, between *began* and *end*, as a clock in Berlin shows it.

    The first looks raise what is in *fails*.
    """
    clock = SimulatedClock(began)
    seen: list[datetime] = []
    errors = iter(fails)

    async def look() -> None:
        seen.append(clock.now())
        if error := next(errors, None):
            raise error

    plan = Schedule(schedule, BERLIN)
    rounds = Rounds("look for new versions", plan, look, clock, since or began)
    await _run(rounds.run, clock, end)
    return [f"{each.astimezone(BERLIN):%d %H:%M}" for each in seen]


async def _run(run: Callable[[], Awaitable[None]], clock: SimulatedClock, end: datetime) -> None:
    running = asyncio.ensure_future(run())
    await clock.run_until(end)
    running.cancel()
    await asyncio.wait([running])


async def test_once_at_each_slot_of_the_local_clock_summer_or_winter() -> None:
    before_the_change = datetime(2026, 10, 24, 0, 0, tzinfo=UTC)

    assert await looks(before_the_change, before_the_change + 3 * DAY) == [
        *("24 09:00", "25 09:00", "26 09:00")
    ]


async def test_the_hour_that_comes_twice_counts_once() -> None:
    before = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)

    assert await looks(before, before + DAY, schedule="30 2 * * *") == ["25 02:30"]


@pytest.mark.parametrize(
    ("hours", "seen"), [(5, ["24 14:00"]), (7, [])], ids=["made up for", "too long ago"]
)
async def test_a_slot_that_was_missed(hours: int, seen: list[str]) -> None:
    began = datetime(2026, 11, 24, 8 + hours, 0, tzinfo=UTC)

    assert await looks(began, began + timedelta(hours=1), since=began - DAY) == seen


async def test_nothing_was_missed_before_the_installation() -> None:
    began = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)

    assert await looks(began, began + timedelta(hours=1)) == []


AWAY = PortError("the journal is away", retryable=True)
TRIES = ["09:00", "09:05", "09:20", "10:05"]


@pytest.mark.parametrize("fails", [AWAY, ValueError("an error of ours")], ids=["away", "ours"])
async def test_a_look_that_keeps_failing_is_given_up_until_the_next_slot(
    fails: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    began = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)

    assert await looks(began, began + 2 * DAY, fails=repeat(fails)) == [
        *(f"24 {each}" for each in TRIES),
        *(f"25 {each}" for each in TRIES),
    ]
    assert caplog.text.count("look for new versions") == 8
    assert caplog.text.count("given up until the next time") == 2


@pytest.mark.parametrize("failures", [1, 2, 3])
async def test_a_look_that_failed_is_tried_again_until_it_is_done(failures: int) -> None:
    began = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    seen = await looks(began, began + 2 * DAY, fails=[AWAY] * failures)

    assert seen == [*(f"24 {each}" for each in TRIES[: failures + 1]), "25 09:00"]


async def test_a_report_of_a_week_is_not_lost_to_one_failure() -> None:
    began = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    seen = await looks(began, began + 8 * DAY, schedule="0 8 * * 1", fails=[AWAY])

    assert seen == ["23 08:00", "23 08:05", "30 08:00"]


async def test_no_look_is_tried_again_that_would_come_too_late(
    caplog: pytest.LogCaptureFixture,
) -> None:
    began = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
    end = began + timedelta(hours=4)

    assert await looks(began, end, since=began - DAY, fails=repeat(AWAY)) == [
        *("24 14:30", "24 14:35", "24 14:50")
    ]
    assert caplog.text.count("given up until the next time") == 1


async def test_where_slots_come_thick_the_next_one_is_looked_at_in_its_own_time() -> None:
    began = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    end = began + timedelta(minutes=14)
    seen = await looks(began, end, schedule="*/6 * * * *", fails=repeat(AWAY))

    assert seen == ["24 09:06", "24 09:11", "24 09:12"]


async def test_what_was_given_up_stays_so_though_the_clock_is_set_back() -> None:
    clock = SimulatedClock(datetime(2026, 11, 24, 0, 0, tzinfo=UTC))
    seen: list[datetime] = []

    async def look() -> None:
        seen.append(clock.now())
        raise AWAY

    rounds = Rounds("look", Schedule("0 9 * * *", UTC), look, clock, clock.now())
    running = asyncio.ensure_future(rounds.run())
    await clock.run_until(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
    clock.jump(timedelta(hours=-4))
    await clock.run_until(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
    running.cancel()
    await asyncio.wait([running])

    assert [f"{each:%H:%M}" for each in seen] == TRIES
