"""How often a bot may write: once a second in a chat, twenty times a minute in a group."""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
NOTHING = timedelta(0)


@dataclass
class RateLimits:
    """The frequency that Telegram documents; *burst* messages may come at once."""

    burst: int = 3
    interval: timedelta = timedelta(seconds=1)
    group_per_minute: int = 20
    _empty_at: dict[int, datetime] = field(default_factory=dict)
    _written: dict[int, list[datetime]] = field(default_factory=dict)

    def retry_after(self, chat: int, now: datetime, *, group: bool) -> int:
        """Return 0 and count the message, or the seconds to wait before the next attempt."""
        empty_at = max(now, self._empty_at.get(chat, now))
        written = [at for at in self._written.get(chat, []) if now - at < MINUTE]
        wait = empty_at - now - self.interval * (self.burst - 1)
        if group and len(written) >= self.group_per_minute:
            wait = max(wait, written[-self.group_per_minute] + MINUTE - now)
        if wait > NOTHING:
            return math.ceil(wait.total_seconds())
        self._empty_at[chat] = empty_at + self.interval
        self._written[chat] = [*written, now]
        return 0
