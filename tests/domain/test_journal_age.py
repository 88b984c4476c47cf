"""From when on the journal forgets, whatever the clock says."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.jobs import REMEMBERED
from bot.domain.journal_age import DAYS_REMEMBERED, forgets_before

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TODAY = NOW.date()


def days_until(day: date, number: int) -> set[date]:
    return {day - timedelta(days=each) for each in range(number)}


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


AHEAD = NOW + timedelta(days=4000)
HISTORY = days_until(TODAY, 400)
SELDOM = {TODAY - timedelta(days=7 * each) for each in range(DAYS_REMEMBERED)}


@pytest.mark.parametrize(
    ("days", "now", "before"),
    [
        pytest.param(set(), NOW, None, id="nothing is written"),
        pytest.param(days_until(TODAY, 20), AHEAD, None, id="young, and the clock far ahead"),
        pytest.param(
            HISTORY, NOW, midnight(TODAY - timedelta(days=DAYS_REMEMBERED - 1)), id="a year"
        ),
        pytest.param(
            HISTORY, AHEAD, midnight(TODAY - timedelta(days=DAYS_REMEMBERED - 1)), id="far ahead"
        ),
        pytest.param(
            HISTORY | days_until(AHEAD.date(), 5),
            AHEAD,
            midnight(TODAY - timedelta(days=DAYS_REMEMBERED - 6)),
            id="far ahead for five days",
        ),
        pytest.param(
            days_until(date(1970, 1, 5), 5) | days_until(TODAY, DAYS_REMEMBERED),
            NOW,
            midnight(TODAY - timedelta(days=DAYS_REMEMBERED - 1)),
            id="it began before the clock was set",
        ),
        pytest.param(SELDOM, NOW, midnight(min(SELDOM)), id="a day of each week"),
        pytest.param(
            HISTORY, NOW - timedelta(days=50), NOW - timedelta(days=50) - REMEMBERED, id="set back"
        ),
    ],
)
def test_only_what_is_old_by_the_clock_and_by_the_days_that_passed_is_forgotten(
    days: set[date], now: datetime, before: datetime | None
) -> None:
    assert forgets_before(now, days) == before
