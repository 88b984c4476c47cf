"""Schedules and chat held back until a person says that this host is the one that serves.

A restored host has the old one's schedules and its bot's token: two that work with them get in each
other's way, and the old host may still live.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.findings import Finding, Level

PAUSED = "paused"
"""The name of the file in the state folder; while it is there, all is held back."""
RESUME = 'Once the old host is off, "akbot resume".'
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Pause:
    """Since when, and why, in a sentence without an end."""

    since: datetime
    reason: str

    @property
    def words(self) -> str:
        """In a sentence, for whoever wonders why nothing happens."""
        return f"schedules and chat are paused since {self.since:%Y-%m-%d %H:%M} UTC: {self.reason}"


def format_pause(pause: Pause) -> bytes:
    """What stands in the file."""
    return json.dumps({"since": pause.since.isoformat(), "reason": pause.reason}).encode() + b"\n"


def parse_pause(data: bytes) -> Pause:
    """Read the file. Raises ValueError where it is none, which is no reason to go on."""
    try:
        document = json.loads(data)
        since = datetime.fromisoformat(document["since"])
        pause = Pause(since.astimezone(UTC), str(document["reason"])[:_LONGEST_REASON])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("it is not what akbot writes") from error
    return pause


def judge_pause(pause: Pause | None) -> list[Finding]:
    """What `check` says of it; nothing where nothing is paused."""
    return [Finding("pause", Level.WARNING, pause.words, RESUME)] if pause else []
