"""Which backups a drill has tried here, and what it found, as the journal remembers it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.drill import KEYLESS, VERDICT, DrillReport, Verdict
from bot.domain.jobs import DEGRADED, READS, Job, JobKind, JobState, degraded

_NO_KEY = "the private key is not on this host"


@dataclass(frozen=True)
class Drilled:
    """What the newest drill of a backup has shown; one that restored nothing has shown nothing."""

    at: datetime
    passed: bool


def drilled(jobs: Iterable[Job]) -> dict[str, Drilled]:
    """By the id of the backup; *jobs* in any order."""
    found: dict[str, Drilled] = {}
    for job in jobs:
        backup, passed = job.plan.get(READS), has_passed(job)
        if job.kind is not JobKind.DRILL or backup is None:
            continue
        if not passed and job.plan.get(VERDICT) != Verdict.FAIL:
            continue
        if backup not in found or found[backup].at < job.started:
            found[backup] = Drilled(job.started, passed)
    return found


def has_passed(job: Job) -> bool:
    """Whether *job* is a drill that has proven a backup: it was restored, and was what it was."""
    is_done = job.kind is JobKind.DRILL and job.state is JobState.DONE
    return is_done and job.plan.get(VERDICT) != Verdict.READ


def keyless_was_told(newest: Sequence[Job]) -> bool:
    """Whether a planned drill has said that there is no key, since the last drill that had one.

    *newest* jobs first.
    """
    for job in newest:
        if job.kind is not JobKind.DRILL or VERDICT not in job.plan:
            continue
        if KEYLESS not in job.plan:
            return False
        if degraded(job):
            return True
    return False


def outcome_words(report: DrillReport, *, told: bool) -> str:
    """What is written down of a drill that found nothing wrong, and told where it has lacked.

    *told*: that no key is here has been said before.
    """
    if report.verdict is not Verdict.READ:
        return report.words
    if told:
        return f"{report.words}, and was not restored: {_NO_KEY}"
    return f"{report.words}; {DEGRADED}{_NO_KEY}, so it was not restored"
