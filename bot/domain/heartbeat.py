"""What a dead man's switch outside hears of jobs, in the form of healthchecks.io."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.jobs import Job, JobState, degraded
from bot.domain.slots import SlotState, judge_slot

_MOST = 10_000  # bytes; healthchecks.io keeps 100 kB


@dataclass(frozen=True)
class Beat:
    """What is added to the URL's path, and what is sent with it."""

    suffix: str
    body: bytes = b""


BEGAN = Beat("/start")


def beat_at_end(job: Job, jobs: Sequence[Job], now: datetime) -> Beat | None:
    """What to say of a job that has ended; nothing while its slot is still tried, or by a cancel.

    *jobs* are all that the journal has.
    """
    if job.state is JobState.DONE:
        return Beat("", degraded(job).encode()[:_MOST])
    if job.state is JobState.CANCELLED:
        return None
    if job.slot and judge_slot(jobs, job.kind, job.slot, now) is not SlotState.OVER:
        return None
    return Beat("/fail", job.message.encode()[:_MOST])
