"""What holds work back that begins by itself: a restored host that nobody has confirmed, or a plan.

A restored host has the old one's schedules and its bot's token: two that work with them get in each
other's way, and the old host may still live. So chat and schedules wait until a person ends that.
A pause for planned work holds schedules and alarms, and ends by itself; the chat goes on.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from bot.domain.errors import ConfigError, RefusedError
from bot.domain.findings import Finding, Level

PAUSED = "paused"
"""The name of the file in the state folder; while it is there and valid, work is held back."""
RESTORED = ".akbot-paused"
"""Likewise beside akbot.env, for a bot that has its state folder somewhere else."""
RESUME = 'Once the old host is off, "akbot resume".'
RESUME_EARLIER = 'It ends by itself; "akbot resume" ends it now.'
LONGEST_PAUSE = timedelta(days=7)
_SHORTEST_PAUSE = timedelta(minutes=1)
_MORNING = time(8)
_END = re.compile(r"until ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2})")
_END_FORM = "%Y-%m-%d %H:%M"
_LONGEST_REASON = 300
_LENGTH = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m(?:in)?)?")


@dataclass(frozen=True)
class Pause:
    """Since when, and why, in a sentence without an end; *until* only for planned work."""

    since: datetime
    reason: str
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it still holds anything back.

        A clock that was ahead when it was made, and is right now, does not lengthen it by as much.
        """
        return self.until is None or abs(now - self.since) < self.until - self.since

    @property
    def holds_all(self) -> bool:
        """Whether the chat waits, too, and a person must end it."""
        return self.until is None

    @property
    def words(self) -> str:
        """In a sentence, for whoever wonders why nothing happens."""
        return self.words_in(UTC)

    def words_in(self, zone: tzinfo) -> str:
        """The same, by the clock there."""
        if self.until:
            until = f"{self.until.astimezone(zone):%Y-%m-%d %H:%M %Z}"
            return f"schedules are paused until {until}: {self.reason}"
        since = f"{self.since.astimezone(zone):%Y-%m-%d %H:%M %Z}"
        return f"schedules and chat are paused since {since}: {self.reason}"

    @property
    def remedy(self) -> str:
        """How it ends."""
        return RESUME if self.holds_all else RESUME_EARLIER


def parse_length(text: str) -> timedelta:
    """How long `2h`, `90m` or `1d12h` is.

    Raises:
        ConfigError: it is no length, or none from a minute to a week.
    """
    found = _LENGTH.fullmatch(text.strip().lower().replace(" ", ""))
    days, hours, minutes = (int(each or 0) for each in found.groups()) if found else (0, 0, 0)
    length = timedelta(days=days, hours=hours, minutes=minutes)
    if not _SHORTEST_PAUSE <= length <= LONGEST_PAUSE:
        raise ConfigError(
            f'"{text[:40]}" is no length from a minute to a week',
            hint='Write 30m, 2h or 1d12h, for example; "akbot resume" ends a pause.',
        )
    return length


def end_words(moment: datetime, zone: tzinfo) -> str:
    """*moment* by a clock in *zone*, as `parse_end` reads it."""
    return f"until {moment.astimezone(zone):{_END_FORM}}"


def parse_end(text: str, now: datetime, zone: tzinfo) -> datetime:
    """When a pause of that length ends, or the one that `until 2026-11-25 08:00` names.

    Raises:
        ConfigError: it is neither, or not from a minute to a week away.
    """
    found = _END.fullmatch(text.strip().lower())
    if found is None:
        return now + parse_length(text)
    try:
        end = datetime.strptime(found[1], _END_FORM).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        end = now  # no such day, and so no length either
    if not _SHORTEST_PAUSE <= end - now <= LONGEST_PAUSE:
        raise ConfigError(
            f'"{text[:40]}" is no moment from a minute to a week away',
            hint="Write until 2026-11-25 08:00, for example.",
        )
    return end


def tomorrow_morning(now: datetime, zone: tzinfo) -> datetime:
    """08:00 of the day after today, by a clock in *zone*."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, _MORNING, zone).astimezone(UTC)


def plan_pause(found: Pause | None, now: datetime, length: timedelta, actor: str) -> Pause:
    """The pause to write; a later one takes the place of one that was planned before.

    Raises:
        RefusedError: this host waits for its confirmation, which a length must not end.
    """
    if found and found.holds_all:
        raise RefusedError(f"all is paused already: {found.words}", hint=found.remedy)
    return Pause(now, f"planned work, says {actor}"[:_LONGEST_REASON], now + length)


def paused(pause: Pause) -> str:
    """What came of an order to pause."""
    return until_words(pause.until or pause.since)


def until_words(moment: datetime) -> str:
    """Until when, for whoever reads later what was done."""
    return f"until {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def resumed(was_paused: bool) -> str:  # noqa: FBT001 - it is what the order returned
    """Likewise, of the end of a pause."""
    return "" if was_paused else "nothing was paused"


def format_pause(pause: Pause) -> bytes:
    """What stands in the file."""
    document = {"since": pause.since.isoformat(), "reason": pause.reason}
    if pause.until:
        document["until"] = pause.until.isoformat()
    return json.dumps(document).encode() + b"\n"


def parse_pause(data: bytes) -> Pause:
    """Read the file. Raises ValueError where it is none, which is no reason to go on."""
    try:
        document = json.loads(data)
        since = datetime.fromisoformat(document["since"])
        until = datetime.fromisoformat(document["until"]) if "until" in document else None
        pause = Pause(
            since.astimezone(UTC),
            str(document["reason"])[:_LONGEST_REASON],
            until.astimezone(UTC) if until else None,
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("it is not what akbot writes") from error
    return pause


def judge_pause(pause: Pause | None, now: datetime) -> list[Finding]:
    """What `check` says of it; nothing where nothing is paused."""
    if pause is None or not pause.holds(now):
        return []
    return [Finding("pause", Level.WARNING, pause.words, pause.remedy)]
