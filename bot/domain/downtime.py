"""Whether, and for how long, a job keeps people from logging in, as its facts say."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.domain import restore, update
from bot.domain.bootstrap import BOOTSTRAP
from bot.domain.jobs import TAKE_SERVER_AWAY, Job, JobKind, JobState

_GONE = "gone"
_SINCE = "gone_since"  # the same moment, which stays known once the server is back
AWAY = "away"
"""Fact of a job: for how many seconds nobody was served, in all of it so far."""


def restarts_things(job: Job) -> bool:
    """Whether *job* runs and has come so far that containers go and come because of it.

    Until then, while a person is asked, images are pulled and a backup and a rehearsal are made,
    all should serve as ever. Between two hops of an update it counts as on its way.
    """
    if job.kind not in TAKE_SERVER_AWAY or job.state is not JobState.RUNNING:
        return False
    if job.kind is JobKind.RESTORE:
        return BOOTSTRAP in job.plan or restore.phase_of(job.plan) is not restore.Phase.BESIDE
    return update.phase_of(job.plan) is not update.Phase.READY or update.hop_of(job.plan) > 1


def gone(now: datetime) -> dict[str, str]:
    """The fact of a job that takes the server away at this moment."""
    return {_GONE: now.isoformat(), _SINCE: now.isoformat()}


def came_back(seconds: float) -> dict[str, str]:
    """The facts of a job after which the server serves; it was away for *seconds* in all."""
    return {_GONE: "", AWAY: f"{max(seconds, 0):.1f}"}


def seconds_away(job: Job) -> float | None:
    """For how many seconds nobody was served because of *job*; None where that is not known.

    What was undone counts up to the job's end. A process that died in it cannot say what served
    until the next one came.
    """
    facts = job.plan
    if job.kind not in TAKE_SERVER_AWAY or job.crashes or not (_has(facts) and job.ended):
        return None
    since = facts.get(_GONE)
    unsaid = (job.ended - datetime.fromisoformat(since)).total_seconds() if since else 0.0
    return float(facts.get(AWAY, "0")) + max(unsaid, 0.0)


def away_between(job: Job) -> tuple[datetime, datetime] | None:
    """From when to when that was; of an update in several steps as if they were one, the last."""
    seconds = seconds_away(job)
    if seconds is None or job.ended is None:
        return None
    away, since = timedelta(seconds=seconds), job.plan.get(_SINCE)
    came_back = not job.plan.get(_GONE)
    end = job.ended
    if since and came_back:
        end = min(datetime.fromisoformat(since) + away, job.ended)
    return end - away, end


def _has(facts: Mapping[str, str]) -> bool:
    return _GONE in facts or AWAY in facts
