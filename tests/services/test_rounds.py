"""Looks that are no job, at the slots of a schedule."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
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
    fails: Exception | None = None,
) -> list[str]:
    """When it was looked, between *began* and *end*, as a clock in Berlin shows it."""
    clock = SimulatedClock(began)
    seen: list[datetime] = []

    async def look() -> None:
        seen.append(clock.now())
        if fails:
            raise fails

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


@pytest.mark.parametrize(
    "fails", [PortError("the journal is away"), ValueError("an error of ours")]
)
async def test_a_look_that_fails_does_not_end_the_rounds(
    fails: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    began = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)

    assert await looks(began, began + 2 * DAY, fails=fails) == ["24 09:00", "25 09:00"]
    assert "look for new versions" in caplog.text
