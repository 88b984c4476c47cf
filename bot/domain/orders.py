"""Orders: what somebody had akbot do that changes no stack. No jobs, and written down likewise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.jobs import Job, JobState, Trigger


class OrderKind(StrEnum):
    """What was to be done; the value is the command's name."""

    PAUSE = "pause"
    RESUME = "resume"
    MUTE = "mute"
    PIN = "pin"
    UNPIN = "unpin"
    VERIFY = "verify"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One of them. *id* names it for good; the other fields say what those of a job do.

    *label* is what it was about: a length, a backup.
    """

    id: str
    kind: OrderKind
    trigger: Trigger
    actor: str
    started: datetime
    origin: str = ""
    label: str = ""
    state: JobState = JobState.DONE
    message: str = ""
    ended: datetime | None = None

    @property
    def words(self) -> str:
        """What was asked for: `pause 2h`."""
        return f"{self.kind} {self.label}".rstrip()


Entry = Job | Order
"""A line of the list of all that was asked for."""

STOPPED = "the bot was stopped in it"


def newest_first(jobs: Sequence[Job], orders: Sequence[Order], limit: int) -> list[Entry]:
    """Both in one list, by when each began, cut to *limit*."""
    entries: list[Entry] = [*jobs, *orders]
    return sorted(entries, key=lambda each: each.started, reverse=True)[:limit]
