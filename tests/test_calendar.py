"""Which report is told when: by the calendar, made up for, and not two at the same time."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import PortError
from bot.domain.schedule import Schedule
from bot.entrypoints.calendar import Calendar
from bot.entrypoints.scheduler import Rounds
from tests.services.simulated_time import SimulatedClock

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEKLY, DAILY = Schedule("0 8 * * 1", UTC), Schedule("0 8 * * *", UTC)


@dataclass
class Told:
    """A ReportTeller that remembers."""

    told: list[str] = field(default_factory=list)
    failures: int = 0  # so many times the journal is away first

    async def week(self, slot: datetime) -> None:
        if self.failures:
            self.failures -= 1
            raise PortError("the journal is away")
        self.told.append(f"week until {slot:%a %H:%M}")

    async def day(self, slot: datetime, *, only_trouble: bool) -> None:
        self.told.append(f"day until {slot:%a %H:%M}{', if trouble' if only_trouble else ''}")


@pytest.mark.parametrize(
    ("hours", "weekly", "daily", "told"),
    [
        pytest.param(7, WEEKLY, DAILY, [], id="not yet"),
        pytest.param(8, WEEKLY, DAILY, ["week until Mon 08:00"], id="the report says it all"),
        pytest.param(13.9, WEEKLY, DAILY, ["week until Mon 08:00"], id="it was missed"),
        pytest.param(14, WEEKLY, DAILY, [], id="too late"),
        pytest.param(32, WEEKLY, DAILY, ["day until Tue 08:00"], id="another day"),
        pytest.param(8, None, DAILY, ["day until Mon 08:00"], id="no report"),
        pytest.param(32, WEEKLY, None, [], id="no line"),
        pytest.param(
            9,
            WEEKLY,
            Schedule("0 9 * * *", UTC),
            ["week until Mon 08:00", "day until Mon 09:00"],
            id="at different times",
        ),
    ],
)
async def test_what_is_told(
    hours: float, weekly: Schedule | None, daily: Schedule | None, told: list[str]
) -> None:
    teller = Told()
    clock = SimulatedClock(MONDAY + timedelta(hours=hours))
    calendar = Calendar(teller, weekly, daily, clock, timedelta(hours=6))

    await calendar.week()
    await calendar.day()

    assert teller.told == told


async def test_a_day_may_be_told_only_where_there_was_trouble() -> None:
    teller = Told()
    clock = SimulatedClock(MONDAY + timedelta(hours=32))
    await Calendar(teller, WEEKLY, DAILY, clock, timedelta(hours=6), only_trouble=True).day()

    assert teller.told == ["day until Tue 08:00, if trouble"]


async def test_a_report_that_fails_at_first_is_told_once_as_that_of_its_week() -> None:
    teller = Told(failures=3)
    clock = SimulatedClock(MONDAY)
    calendar = Calendar(teller, WEEKLY, DAILY, clock, timedelta(hours=6))
    rounds = Rounds("report", WEEKLY, calendar.week, clock, MONDAY)
    running = asyncio.ensure_future(rounds.run())
    await clock.run_until(MONDAY + timedelta(days=3))
    running.cancel()
    await asyncio.wait([running])

    assert teller.told == ["week until Mon 08:00"]
