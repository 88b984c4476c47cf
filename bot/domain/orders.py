"""Orders: what somebody had akbot do, or wanted, and that was no job. Written down likewise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.jobs import Job, JobState, Trigger
from bot.domain.log_masking import mask_keys


class OrderKind(StrEnum):
    """What was to be done; the value is the command's name. What becomes a job is no order."""

    PAUSE = "pause"
    RESUME = "resume"
    MUTE = "mute"
    PIN = "pin"
    UNPIN = "unpin"
    VERIFY = "verify"
    BACKUP = "backup"
    DRILL = "drill"
    RESTORE = "restore"
    UPDATE = "update"
    ROLLBACK = "rollback"
    CANCEL = "cancel"


class Unmet(StrEnum):
    """How an order ended of which nothing came: it may or can not be, or no, or no word in time."""

    REFUSED = "refused"
    DECLINED = "declined"
    EXPIRED = "expired"


MOST_UNMET = 3
"""How many of those a list shows, so that they hide nothing that was done."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One of them. *id* names it for good; the other fields say what those of a job do.

    *label* is what it was about: a length, a backup. *message* has no key or token in it.
    """

    id: str
    kind: OrderKind
    trigger: Trigger
    actor: str
    started: datetime
    origin: str = ""
    label: str = ""
    state: JobState | Unmet = JobState.DONE
    message: str = ""
    ended: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", mask_keys(self.message))

    @property
    def words(self) -> str:
        """What was asked for: `pause 2h`."""
        return f"{self.kind} {self.label}".rstrip()


Entry = Job | Order
"""A line of the list of all that was asked for."""

STOPPED = "the bot was stopped in it"


def read_state(text: str) -> JobState | Unmet:
    """The state that *text* names. Raises ValueError where it is none."""
    return Unmet(text) if text in [*Unmet] else JobState(text)


def with_unmet(entries: Sequence[Entry], unmet: Sequence[Order], *, is_whole: bool) -> list[Entry]:
    """*entries* with the newest MOST_UNMET of *unmet* among them.

    None that is older than the last of *entries*, unless those are all that there are.
    """
    oldest = None if is_whole or not entries else entries[-1].started
    fitting = [each for each in unmet if oldest is None or each.started >= oldest]
    return newest_first((), [*entries, *fitting[:MOST_UNMET]], len(entries) + MOST_UNMET)


def newest_first(jobs: Sequence[Job], orders: Sequence[Entry], limit: int) -> list[Entry]:
    """Both in one list, by when each began, cut to *limit*."""
    entries: list[Entry] = [*jobs, *orders]
    return sorted(entries, key=lambda each: each.started, reverse=True)[:limit]
