"""What an update came to, and how long the next one will keep people away, going by it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.downtime import AWAY
from bot.domain.durations import duration
from bot.domain.jobs import Job, JobKind
from bot.domain.update import promoted

REHEARSED = "rehearsed"
"""Fact of an update's job: so many seconds a step took on the copy, on the average."""


@dataclass(frozen=True)
class Updated:
    """What serves now, and how long it took; for *away* seconds of it nobody was served."""

    job: str
    before: str | None
    version: str
    hops: int
    seconds: float
    away: float

    @property
    def words(self) -> str:
        """In a sentence, for the journal."""
        before = f" in place of {self.before}" if self.before else ""
        steps = f", in {self.hops} steps" if self.hops > 1 else ""
        return (
            f"{self.version} serves{before}{steps}, after {duration(self.seconds)};"
            f" nobody could log in for {duration(self.away)}"
        )


@dataclass(frozen=True)
class Prediction:
    """About how many seconds nobody will be served, going by *source*."""

    seconds: float
    source: str


def predict_away(jobs: Sequence[Job], steps: int) -> Prediction | None:
    """Of an update in so many *steps*, by the last one here, else by the last rehearsal.

    None where there was neither. *jobs* are the newest first.
    """
    facts = [job.plan for job in jobs if job.kind is JobKind.UPDATE]
    made = (float(each[AWAY]) / promoted(each) for each in facts if AWAY in each and promoted(each))
    rehearsed = (float(each[REHEARSED]) for each in facts if REHEARSED in each)
    for found, source in ((made, "the last update here"), (rehearsed, "the last rehearsal here")):
        seconds = next(found, None)
        if seconds is not None:
            return Prediction(seconds * steps, source)
    return None
