"""What becomes of a planned moment, its slot: begun, begun again after a failure, or given up."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from bot.domain.jobs import OUTAGE, Job, JobKind, JobState

CATCH_UP = timedelta(hours=6)
"""For how long after it a slot that was missed or failed is still worth a run, unless set."""
TRIED_AGAIN_AFTER = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=45))
"""How long after its end a scheduled run that failed is tried again: three times in all."""
_CAME_TO_NOTHING = frozenset({JobState.FAILED, JobState.INTERRUPTED, JobState.STUCK})


class SlotState(StrEnum):
    """Whether a slot needs a run: now, perhaps later, or no more."""

    DUE = "due"
    WAITS = "waits"
    OVER = "over"


def runs_of(jobs: Sequence[Job], kind: JobKind, slot: datetime) -> list[Job]:
    """The runs of *slot*, in the order in which they began."""
    runs = (job for job in jobs if job.kind is kind and job.slot == slot)
    return sorted(runs, key=lambda job: job.started)


def judge_slot(jobs: Sequence[Job], kind: JobKind, slot: datetime, now: datetime) -> SlotState:
    """Whether the work of *kind* that was planned for *slot* is to be begun.

    A run that was interrupted is made up for at once, one that failed after a while; what a person
    cancelled, and what but for an outage was no backup that failed, is not tried again.
    """
    runs = runs_of(jobs, kind, slot)
    if not runs:
        return SlotState.DUE
    newest = runs[-1]
    if newest.state is JobState.RUNNING:
        return SlotState.WAITS
    if len(runs) > len(TRIED_AGAIN_AFTER) or not all(map(_may_be_repeated, runs)):
        return SlotState.OVER
    if newest.state is JobState.INTERRUPTED:
        return SlotState.DUE
    return _waited(_end(newest), TRIED_AGAIN_AFTER[len(runs) - 1], now)


def given_up(
    jobs: Sequence[Job], kind: JobKind, slot: datetime, catch_up: timedelta
) -> datetime | None:
    """When nobody tries *slot* any more, whose newest run came to nothing; it may be yet to come.

    That is after its last try, or once the time is over in which it is tried, *catch_up*. Where
    slots come thick the next one takes over before either, and can make good what this one did not:
    it is once a run of a later one came to nothing, too. None while it runs, or where a person
    cancelled it, or it is good.
    """
    runs = runs_of(jobs, kind, slot)
    if not runs or not came_to_nothing(runs[-1]):
        return None
    end = _end(runs[-1])
    is_over = judge_slot(jobs, kind, slot, end) is SlotState.OVER
    later = [
        _end(job)
        for job in jobs
        if job.kind is kind and job.slot and job.slot > slot and came_to_nothing(job)
    ]
    return min([end if is_over else max(end, slot + catch_up), *later])


def came_to_nothing(job: Job) -> bool:
    """Whether *job* is over without having done its work, and no person wanted that."""
    return job.state in _CAME_TO_NOTHING


def _end(job: Job) -> datetime:
    return job.ended or job.started


def judge_look(failures: Sequence[datetime], end: datetime, now: datetime) -> SlotState:
    """Whether one looks, or again, at a slot, where looks failed at the moments *failures*.

    They are those of this slot, the oldest first; at *end* it is too late for another.
    """
    if not failures:
        return SlotState.DUE
    if len(failures) > len(TRIED_AGAIN_AFTER):
        return SlotState.OVER
    after = TRIED_AGAIN_AFTER[len(failures) - 1]
    return SlotState.OVER if failures[-1] + after >= end else _waited(failures[-1], after, now)


def _waited(failed: datetime, after: timedelta, now: datetime) -> SlotState:
    # a clock that was set back must not hold it up, so the distance counts in both directions
    return SlotState.DUE if abs(now - failed) >= after else SlotState.WAITS


def _may_be_repeated(job: Job) -> bool:
    return job.state is JobState.INTERRUPTED or (
        job.state is JobState.FAILED and (job.kind is JobKind.BACKUP or OUTAGE in job.plan)
    )


def slot_is_due(jobs: Sequence[Job], kind: JobKind, slot: datetime, now: datetime) -> bool:
    """Whether `judge_slot` says that it is to be begun now."""
    return judge_slot(jobs, kind, slot, now) is SlotState.DUE


def next_try(job: Job) -> timedelta | None:
    """How long after the end of *job* its slot is tried again, at the soonest; None for never."""
    if job.slot is None or job.state is not JobState.FAILED or not _may_be_repeated(job):
        return None
    return TRIED_AGAIN_AFTER[0]


def share_of_delay(slot: datetime, host: datetime) -> float:
    """By which share of the longest delay the work of *slot* begins later, from 0 to below 1.

    It looks like chance and is the same after every restart; *host* is when that installation
    began, so that several hosts do not begin all at once.
    """
    digest = sha256(f"{slot.isoformat()} {host.isoformat()}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
