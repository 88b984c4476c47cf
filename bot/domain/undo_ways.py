"""To which state an undo of the last restore goes, and how an older one is to be had."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.restore import KEPT, Kept, plan_of

_MOST = 3
_BY_HAND = 'by hand: "Half-done renames" in RUNBOOK.md'


@dataclass(frozen=True)
class Ways:
    """What serves after the undo is *to*; *older* states come back otherwise, a sentence each."""

    to: str = ""
    older: tuple[str, ...] = ()


def ways_of(
    done: Job, jobs: Sequence[Job], stored: Collection[str], doubtful: Collection[str] = ()
) -> Ways:
    """For an undo of the restore *done*, one of *jobs*, the newest first.

    *stored* has the ids of those whose safety backup is whole in a store, *doubtful* of those of
    which a store that does not answer may have it.
    """
    plan = plan_of(done.plan)
    if plan is None:
        return Ways()
    until = f"{done.started:%Y-%m-%d %H:%M} UTC"
    if plan.undoes:
        to = f"{plan.source} as it served until {until}, when it was taken back"
    else:
        to = f"what served until {until}, before {plan.source}"
    earlier = jobs[jobs.index(done) + 1 :]
    older = [
        way
        for job in earlier
        if job.id != plan.undoes and (way := _way_before(job, stored, doubtful))
    ]
    return Ways(to, tuple(older[:_MOST]))


def _way_before(job: Job, stored: Collection[str], doubtful: Collection[str]) -> str:
    """How what served before *job* comes back, "" where nothing is left of it or it is no restore.

    An undo has made no backup: what it replaced came from a restore.
    """
    plan = plan_of(job.plan) if job.kind is JobKind.RESTORE else None
    if plan is None or plan.undoes or job.state is not JobState.DONE:
        return ""
    before = f"what served before {plan.source} was restored on {job.started:%Y-%m-%d}"
    if job.id in stored:
        return f"{before}: akbot restore {job.id}"
    if job.plan.get(KEPT) == Kept.BEFORE and plan.database:
        return f"{before} is kept as database {plan.outgoing}, {_BY_HAND}"
    if job.id in doubtful:
        return f"{before}: akbot restore {job.id}, if a store that does not answer still has it"
    return ""
