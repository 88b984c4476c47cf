"""What an update came to, and how long the next one will keep people away, going by it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.domain.bootstrap import BOOTSTRAP
from bot.domain.downtime import AWAY, seconds_away
from bot.domain.durations import duration
from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.update import UpdatePlan, promoted
from bot.domain.update_words import to_be_moved_words

REHEARSED = "rehearsed"
"""Fact of an update's job: so many seconds a step took on the copy, on the average."""
START_ESTIMATE = 60.0
"""Seconds: for so long Authentik's own health check lets a start take (its start period)."""
_START_THE_OLD = frozenset({JobKind.RESTORE, JobKind.ROLLBACK})


@dataclass(frozen=True)
class Updated:
    """What serves now, and how long it took; for *away* seconds of it nobody was served.

    *left_behind* are outposts of the project that did not go along; *left* says, after a space,
    what is still to be cleaned up.
    """

    job: str
    before: str | None
    version: str
    hops: int
    seconds: float
    away: float
    left_behind: tuple[str, ...] = ()
    left: str = ""

    @property
    def words(self) -> str:
        """In a sentence, for the journal."""
        before = f" in place of {self.before}" if self.before else ""
        steps = f", in {self.hops} steps" if self.hops > 1 else ""
        return (
            f"{self.version} serves{before}{steps}, after {duration(self.seconds)};"
            f" nobody could log in for {duration(self.away)}"
            f"{to_be_moved_words(self.left_behind)}{self.left}"
        )


def updated(job: str, plan: UpdatePlan, seconds: float, away: float, left: str = "") -> Updated:
    """What the update of that *plan* came to once its last version has held."""
    return Updated(
        job,
        plan.site.version,
        plan.target.version,
        len(plan.hops),
        seconds,
        away,
        plan.left_behind,
        left,
    )


@dataclass(frozen=True)
class Prediction:
    """About how many seconds nobody will be served, going by *source*, "" for nothing done here.

    *rough*: how long migrations take was never measured here, so it is an estimate.
    """

    seconds: float
    source: str = ""
    rough: bool = False


def predict_away(jobs: Sequence[Job], steps: int) -> Prediction:
    """Of an update in so many *steps*: by the last one here, else by the last rehearsal.

    Where there was neither, by what last started the version of then, else by START_ESTIMATE.
    *jobs* are the newest first.
    """
    facts = [job.plan for job in jobs if job.kind is JobKind.UPDATE]
    made = (float(each[AWAY]) / promoted(each) for each in facts if AWAY in each and promoted(each))
    rehearsed = (float(each[REHEARSED]) for each in facts if REHEARSED in each)
    for found, source in ((made, "the last update here"), (rehearsed, "the last rehearsal here")):
        seconds = next(found, None)
        if seconds is not None:
            return Prediction(seconds * steps, source)
    started = next(_starts(jobs), Prediction(START_ESTIMATE, rough=True))
    return replace(started, seconds=started.seconds * steps)


def _starts(jobs: Sequence[Job]) -> Iterator[Prediction]:
    """By each restore and rollback that went as it should."""
    for job in jobs:
        if job.kind in _START_THE_OLD and job.state is JobState.DONE and BOOTSTRAP not in job.plan:
            seconds = seconds_away(job)
            if seconds:
                yield Prediction(seconds, f"the last {job.kind} here", rough=True)
