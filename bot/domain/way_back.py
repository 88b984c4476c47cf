"""A way back that cannot be gone yet: how often it is tried, and when people hear of it again."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.domain import restore, update
from bot.domain.jobs import TAKE_SERVER_AWAY, Job, JobKind, JobState

TRIES = "tries"
"""Fact of a job that took the server away: how often its way back was tried later on, in vain."""
TRIED = "tried"
"""Fact of it: when that was last, in ISO's form."""
QUICK_TRIES = 3
SLOW_BEAT = timedelta(minutes=10)
_PHASES: frozenset[str] = frozenset(
    {
        *(restore.Phase.SWITCH, restore.Phase.START),
        *(update.Phase.SWITCH, update.Phase.START, update.Phase.BACK),
    }
)
_WAITS = frozenset({JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED})


def nobody_may_be_served(job: Job) -> bool:
    """Whether an ended *job* has taken the server away, and nothing serves again for certain."""
    phase = job.plan.get(restore.PHASE if job.kind is JobKind.RESTORE else update.PHASE)
    return phase in _PHASES and may_end_otherwise(job)


def may_end_otherwise(job: Job) -> bool:
    """Whether what an ended *job* has left may give it another end: what serves is still open."""
    return job.kind in TAKE_SERVER_AWAY and not job.swept and job.state in _WAITS


def tries_of(job: Job) -> int:
    """How often the way back was tried in vain after the job had failed."""
    return int(job.plan.get(TRIES, "0"))


def is_slow(job: Job) -> bool:
    """Whether it was tried so often that only a person can help: then it has time."""
    return tries_of(job) >= QUICK_TRIES


def needs_a_person(job: Job) -> bool:
    """Whether it is told so: one that was cut off may first be tried before Docker is up."""
    tried = job.state is not JobState.INTERRUPTED or is_slow(job)
    return nobody_may_be_served(job) and tried


def rests(job: Job, now: datetime) -> bool:
    """Whether nobody needs to try again yet."""
    if not is_slow(job) or TRIED not in job.plan:
        return False
    since = now - datetime.fromisoformat(job.plan[TRIED])
    return timedelta(0) <= since < SLOW_BEAT


def one_more_try(job: Job, now: datetime) -> Mapping[str, str]:
    """The facts of the job once it was tried in vain *now*."""
    return {TRIES: str(tries_of(job) + 1), TRIED: now.isoformat()}


def people_hear_again(job: Job) -> bool:
    """Whether this was the last of the quick tries: once more, and then never again."""
    return tries_of(job) == QUICK_TRIES
