"""What becomes of a job that somebody asks to stop: told and done by the same rule.

A job that is beyond its point of no return goes to its end, and a wish to stop it is not even left.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from bot.domain import restore, update
from bot.domain.jobs import Job, JobKind


class Stop(StrEnum):
    """What happens on the wish."""

    STOPS = "stops"  # what it has begun beside what serves is removed
    UNTOUCHED = "untouched"  # it stops, and what serves was not touched yet
    COMES_BACK = "comes back"  # it stops, and what served before serves again
    STAYS = "stays"  # it stops; the versions of the way that held stay
    GOES_BACK = "goes back"  # what served before comes back already
    GOES_ON = "goes on"  # it is brought to its end
    IS_DONE = "is done"  # it is done but for tidying up
    SETTLES = "settles"  # its process is gone, and what it left is being put right


_HEEDED = frozenset({Stop.STOPS, Stop.UNTOUCHED, Stop.COMES_BACK, Stop.STAYS})


def can_stop(job: Job) -> bool:
    """Whether a wish to stop *job* is heeded."""
    return judge_stop(job) in _HEEDED


def judge_stop(job: Job) -> Stop:
    """Decide about *job*, which runs, by what it has written down of its plan."""
    if job.crashes:
        return Stop.SETTLES
    judge = _JUDGES.get(job.kind)
    return judge(job.plan) if judge else Stop.STOPS


def _of_restore(facts: Mapping[str, str]) -> Stop:
    if restore.PLAN not in facts:
        return Stop.UNTOUCHED
    match restore.phase_of(facts):
        case restore.Phase.BESIDE:
            return Stop.UNTOUCHED
        case restore.Phase.SWITCH | restore.Phase.START:
            return Stop.COMES_BACK
        case restore.Phase.KEEP:
            return Stop.IS_DONE


def _of_update(facts: Mapping[str, str]) -> Stop:
    if update.PLAN not in facts:
        return Stop.UNTOUCHED
    match update.phase_of(facts):
        case update.Phase.READY:
            return Stop.STAYS if update.promoted(facts) else Stop.UNTOUCHED
        case update.Phase.SWITCH | update.Phase.START:
            return Stop.COMES_BACK
        case update.Phase.BACK | update.Phase.RETURNED:
            return Stop.GOES_BACK
        case update.Phase.KEEP:
            return Stop.IS_DONE


def _of_rollback(facts: Mapping[str, str]) -> Stop:
    if update.PLAN not in facts:
        return Stop.UNTOUCHED
    return Stop.IS_DONE if update.phase_of(facts) is update.Phase.KEEP else Stop.GOES_ON


_JUDGES: Mapping[JobKind, Callable[[Mapping[str, str]], Stop]] = {
    JobKind.RESTORE: _of_restore,
    JobKind.UPDATE: _of_update,
    JobKind.ROLLBACK: _of_rollback,
}
