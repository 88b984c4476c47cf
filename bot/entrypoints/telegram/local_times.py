"""What sentences for hosts and journals say in UTC, on the clock of whoever reads the chat."""

import re
from datetime import UTC, datetime

from bot.domain.durations import duration
from bot.entrypoints.telegram.texts import Wall

_IN_UTC = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d) UTC\b", re.ASCII)


def local(text: str, wall: Wall) -> str:
    """*text* with such moments as on *wall*, and how long ago; or in how long, of one to come."""
    return _IN_UTC.sub(lambda found: _moment(found[0], found[1], wall), text)


def _moment(whole: str, moment: str, wall: Wall) -> str:
    try:
        then = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        if then <= wall.now:
            return wall.moment(then)
        return f"{wall.time(then)} (in {duration((then - wall.now).total_seconds())})"
    except (ValueError, OverflowError):  # foreign words: no such day, or none that a zone can show
        return whole
