"""How long a job may take: as long as the last one did that was the same work and went well."""

from collections.abc import Hashable, Sequence
from datetime import timedelta

from bot.domain.drill import VERDICT, Verdict
from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.restore import UNDO
from bot.domain.update import plan_of
from bot.domain.updated import REHEARSED


def took_last(job_id: str, newest: Sequence[Job]) -> timedelta | None:
    """How long that was, *newest* jobs first; None where nothing is known that can be compared."""
    work = next((_work(each) for each in newest if each.id == job_id), None)
    if work is None:
        return None
    whole = (each for each in newest if each.state is JobState.DONE and not each.crashes)
    alike = (each.ended - each.started for each in whole if each.ended and _work(each) == work)
    return next(alike, None)


def _work(job: Job) -> Hashable:
    """What jobs have in common that take about as long; None where that is not known.

    A restore from a chat is always a whole one. How many steps an update has it knows only once
    all is ready for the first.
    """
    match job.kind:
        case JobKind.DRILL:
            return job.kind, job.plan.get(VERDICT) == Verdict.READ
        case JobKind.ROLLBACK:
            return job.kind
        case JobKind.RESTORE:
            return job.kind, job.trigger, job.label == UNDO
        case JobKind.UPDATE:
            steps = _steps(job)
            return (job.kind, steps, REHEARSED in job.plan) if steps else None
        case _:
            return None


def _steps(job: Job) -> int:
    """Of an update; 0 where they are not known, or only to the akbot that made it."""
    try:
        plan = plan_of(job.plan)
    except ValueError:
        return 0
    return len(plan.hops) if plan else 0
