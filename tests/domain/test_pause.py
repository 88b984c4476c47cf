from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.errors import ConfigError, RefusedError
from bot.domain.pause import (
    RESUME,
    RESUME_EARLIER,
    Pause,
    end_words,
    format_pause,
    judge_pause,
    parse_end,
    parse_length,
    parse_pause,
    plan_pause,
    resumed,
    tomorrow_morning,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
RESTORED = Pause(NOW, "the old host may still live")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1m", 1),
        ("30m", 30),
        ("2h", 120),
        ("1d12h", 2160),
        ("90min", 90),
        (" 1H 30M ", 90),
        ("7d", 10080),
    ],
)
def test_a_length(text: str, minutes: int) -> None:
    assert parse_length(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "0m", "8d", "2", "h", "-2h", "2h3", "soon", "off", "99999h"])
def test_what_is_no_length_from_a_minute_to_a_week(text: str) -> None:
    with pytest.raises(ConfigError, match="no length from a minute to a week") as caught:
        parse_length(text)

    assert "30m, 2h or 1d12h" in caught.value.hint
    assert '"akbot resume" ends a pause' in caught.value.hint


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2h", NOW + timedelta(hours=2)),
        ("until 2026-11-24 13:01", NOW + timedelta(minutes=1)),
        ("until 2026-12-01 13:00", NOW + timedelta(days=7)),
        ("until 2026-11-25 08:00", datetime(2026, 11, 25, 7, 0, tzinfo=UTC)),
        (" Until 2026-12-01 12:59 ", datetime(2026, 12, 1, 11, 59, tzinfo=UTC)),
    ],
)
def test_an_end_is_a_length_or_a_moment_of_the_wall(text: str, end: datetime) -> None:
    assert parse_end(text, NOW, BERLIN) == end


@pytest.mark.parametrize(
    "text",
    [
        *("until 2026-11-24 13:00", "until 2026-12-01 13:01", "until 2026-11-31 08:00"),
        *("until 0001-01-01 00:00", "until tomorrow", "2026-11-25 08:00", "until ٢٠٢٦-11-25 08:00"),
    ],
)
def test_what_is_no_end_from_a_minute_to_a_week_away(text: str) -> None:
    with pytest.raises(ConfigError, match="from a minute to a week") as caught:
        parse_end(text, NOW, BERLIN)

    assert "Write " in caught.value.hint


@pytest.mark.parametrize(
    ("now", "morning"),
    [
        ("2026-11-24T12:00Z", "2026-11-25T07:00Z"),
        ("2026-11-24T23:30Z", "2026-11-26T07:00Z"),  # it is the next day there already
        ("2026-10-24T12:00Z", "2026-10-25T07:00Z"),  # the clocks go back in that night
        ("2026-03-28T12:00Z", "2026-03-29T06:00Z"),
    ],
)
def test_tomorrow_morning_is_read_back_as_it_was_named(now: str, morning: str) -> None:
    today = datetime.fromisoformat(now)

    end = tomorrow_morning(today, BERLIN)

    assert end == datetime.fromisoformat(morning)
    assert parse_end(end_words(end, BERLIN), today, BERLIN) == end


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


def test_the_refusal_says_how_it_ends() -> None:
    with pytest.raises(RefusedError) as caught:
        plan_pause(RESTORED, NOW, timedelta(hours=2), "anna")

    assert caught.value.hint == RESTORED.remedy == RESUME
    assert plan_pause(None, NOW, timedelta(hours=2), "anna").remedy == RESUME_EARLIER


def test_a_pause_without_an_end_can_be_read_back() -> None:
    assert parse_pause(format_pause(RESTORED)) == RESTORED


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"since": "soon", "reason": ""}'])
def test_what_is_no_file_of_a_pause_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="not what akbot writes"):
        parse_pause(data)


def test_what_came_of_an_order_to_go_on() -> None:
    assert resumed(was_paused=True) == ""
    assert resumed(was_paused=False) == "nothing was paused"
