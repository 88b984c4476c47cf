"""That people want to hear of no new incident for a while, and the file that says so."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Mute:
    """*seen*: when it was looked at last, by a clock that can be set back."""

    seen: datetime
    until: datetime

    def at(self, now: datetime) -> "Mute":
        """As it is *now*: by as much as the clock was set back it ends earlier."""
        return Mute(now, self.until - max(self.seen - now, timedelta()))


def format_mute(mute: Mute) -> bytes:
    """What stands in the file."""
    document = {"seen": mute.seen.isoformat(), "until": mute.until.isoformat()}
    return json.dumps(document).encode() + b"\n"


def parse_mute(data: bytes) -> Mute:
    """Read the file. Raises ValueError where it is none."""
    try:
        document = json.loads(data)
        seen, until = (datetime.fromisoformat(document[each]) for each in ("seen", "until"))
        return Mute(seen.astimezone(UTC), until.astimezone(UTC))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("it is not what akbot writes") from error
