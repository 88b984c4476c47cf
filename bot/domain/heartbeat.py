"""What a dead man's switch outside hears of jobs, in the form of healthchecks.io."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.alarms import latest_known
from bot.domain.jobs import PARTIAL, Job, JobKind, JobState, degraded
from bot.domain.slots import came_to_nothing, given_up, runs_of

_MOST = 10_000  # bytes; healthchecks.io keeps 100 kB


@dataclass(frozen=True)
class Beat:
    """What is added to the URL's path, and what is sent with it."""

    suffix: str
    body: bytes = b""


BEGAN = Beat("/start")


def beat_at_end(job: Job) -> Beat | None:
    """What to say of a job that has ended; nothing by a cancel.

    Nor of a planned one that came to nothing: its slot may be tried again, see `newly_given_up`.
    """
    if job.state is JobState.DONE:
        return Beat("", degraded(job).encode()[:_MOST])
    if job.state is JobState.CANCELLED or job.slot:
        return None
    return failure(job)


def failure(job: Job) -> Beat:
    """That there is no hope for what *job* was to do, and why."""
    return Beat("/fail", job.message.encode()[:_MOST])


@dataclass(frozen=True)
class Known:
    """What is told no more: slots that were given up before *since*, and those that were *told*."""

    since: datetime
    told: Collection[datetime] = ()


def newly_given_up(
    jobs: Sequence[Job], kind: JobKind, known: Known, catch_up: timedelta, now: datetime
) -> list[Job]:
    """The newest run of each slot that is given up by *now*, the oldest slot first.

    *jobs* are all that the journal has, *catch_up* is how long a slot is tried. What failed before
    the newest good one is nobody's concern any more.
    """
    ours = [job for job in jobs if job.kind is kind]
    whole = [job for job in ours if job.state is JobState.DONE and PARTIAL not in job.plan]
    until = latest_known(now)
    good = max((job.started for job in whole if job.started <= until), default=None)
    slots = {
        job.slot
        for job in ours
        if job.slot
        and job.slot not in known.told
        and came_to_nothing(job)
        and (good is None or job.started > good)
        and max(job.ended or job.started, job.slot + catch_up) >= known.since
    }
    moments = {slot: given_up(ours, kind, slot, catch_up) for slot in sorted(slots)}
    return [
        runs_of(ours, kind, slot)[-1]
        for slot, moment in moments.items()
        if moment and known.since <= moment <= now
    ]
