"""The file that says that nobody wants to hear of new incidents for a while."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.mute import Mute, format_mute, parse_mute

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MUTE = Mute(NOW, NOW + timedelta(hours=2))


def test_what_was_written_is_read_back() -> None:
    assert parse_mute(format_mute(MUTE)) == MUTE


def test_its_moments_are_read_as_those_of_utc() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    mute = parse_mute(format_mute(Mute(NOW.astimezone(berlin), MUTE.until.astimezone(berlin))))

    assert (mute.seen.tzinfo, mute.until.tzinfo) == (UTC, UTC)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"seen": "x", "until": "y"}', b"\xff"])
def test_another_file_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="not what akbot writes"):
        parse_mute(data)


@pytest.mark.parametrize(
    ("later", "hours"), [(timedelta(hours=1), 2), (timedelta(), 2), (timedelta(hours=-1), 1)]
)
def test_a_clock_that_is_set_back_makes_it_no_longer(later: timedelta, hours: float) -> None:
    assert MUTE.at(NOW + later) == Mute(NOW + later, NOW + timedelta(hours=hours))
