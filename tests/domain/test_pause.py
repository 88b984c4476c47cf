from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import ConfigError, RefusedError
from bot.domain.pause import (
    Pause,
    format_pause,
    judge_pause,
    parse_length,
    parse_pause,
    plan_pause,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RESTORED = Pause(NOW, "the old host may still live")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("30m", 30), ("2h", 120), ("1d12h", 2160), ("90min", 90), (" 1H 30M ", 90), ("7d", 10080)],
)
def test_a_length(text: str, minutes: int) -> None:
    assert parse_length(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "0m", "8d", "2", "h", "-2h", "2h3", "soon", "2w", "99999h"])
def test_what_is_no_length_from_a_minute_to_a_week(text: str) -> None:
    with pytest.raises(ConfigError, match="no length from a minute to a week"):
        parse_length(text)


def test_a_planned_pause_ends_by_itself_and_can_be_read_back() -> None:
    pause = plan_pause(None, NOW, timedelta(hours=2), "anna")

    assert parse_pause(format_pause(pause)) == pause
    assert pause.holds(NOW + timedelta(minutes=119))
    assert not pause.holds(NOW + timedelta(hours=2))
    assert not pause.holds_all
    assert judge_pause(pause, NOW + timedelta(hours=2)) == []
    assert "until 2026-11-24 14:00 UTC" in judge_pause(pause, NOW)[0].message


def test_a_pause_that_was_made_by_a_clock_that_was_ahead_holds_no_longer_than_it_was_meant() -> (
    None
):
    pause = plan_pause(None, NOW + timedelta(days=365), timedelta(hours=2), "anna")

    assert not pause.holds(NOW)
    assert not pause.holds(NOW + timedelta(days=300))
    assert judge_pause(pause, NOW) == []
    assert pause.holds(pause.since - timedelta(minutes=5)), "a clock is set back a little, too"


def test_a_later_pause_takes_the_place_of_a_planned_one() -> None:
    first = plan_pause(None, NOW, timedelta(hours=2), "anna")

    assert plan_pause(first, NOW, timedelta(minutes=5), "b").until == NOW + timedelta(minutes=5)


def test_a_restored_host_stays_paused_whatever_is_planned() -> None:
    with pytest.raises(RefusedError, match="all is paused already"):
        plan_pause(RESTORED, NOW, timedelta(hours=2), "anna")

    assert RESTORED.holds(NOW + timedelta(days=1000))
