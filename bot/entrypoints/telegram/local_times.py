"""What sentences for hosts and journals say in UTC, on the clock of whoever reads the chat."""

import re
from datetime import UTC, datetime

from bot.entrypoints.telegram.texts import Wall

_IN_UTC = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d)(?::\d\d)? UTC\b", re.ASCII)
_SINCE = re.compile(r"\bsince (\d\d:\d\d) UTC\b", re.ASCII)  # of something that ran that day
_QUOTED = re.compile(r"(<pre>.*?</pre>)", re.DOTALL)


def localised(html: str, wall: Wall) -> str:
    """A whole message with its moments so; what it quotes line by line stays as it was written."""
    parts = _QUOTED.split(html)
    return "".join(part if _QUOTED.match(part) else local(part, wall) for part in parts)


def local(text: str, wall: Wall) -> str:
    """*text* with such moments as on *wall*, and how long ago; or in how long, of one to come.

    Of a time without a day nobody knows how long ago it was.
    """
    text = _IN_UTC.sub(lambda found: _moment(found[0], found[1], wall), text)
    return _SINCE.sub(lambda found: _since(found[0], found[1], wall), text)


def _moment(whole: str, moment: str, wall: Wall) -> str:
    try:
        return wall.moment(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    except (ValueError, OverflowError):  # foreign words: no such day, or none that a zone can show
        return whole


def _since(whole: str, time: str, wall: Wall) -> str:
    try:
        of_day = datetime.strptime(time, "%H:%M").replace(tzinfo=UTC).timetz()
    except ValueError:
        return whole
    then = datetime.combine(wall.now.astimezone(UTC).date(), of_day)
    return f"since {then.astimezone(wall.zone):%H:%M}"
