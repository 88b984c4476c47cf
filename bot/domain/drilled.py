"""Which backups a drill has tried here, and what it found, as the journal remembers it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.drill import VERDICT, Verdict
from bot.domain.jobs import READS, Job, JobKind, JobState


@dataclass(frozen=True)
class Drilled:
    """What the newest drill of a backup has shown; one that could not run has shown nothing."""

    at: datetime
    passed: bool


def drilled(jobs: Iterable[Job]) -> dict[str, Drilled]:
    """By the id of the backup; *jobs* in any order."""
    found: dict[str, Drilled] = {}
    for job in jobs:
        backup, passed = job.plan.get(READS), job.state is JobState.DONE
        if job.kind is not JobKind.DRILL or backup is None:
            continue
        if not passed and job.plan.get(VERDICT) != Verdict.FAIL:
            continue
        if backup not in found or found[backup].at < job.started:
            found[backup] = Drilled(job.started, passed)
    return found
