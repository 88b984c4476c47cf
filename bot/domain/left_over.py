"""The databases that restores and updates have made beside Authentik's, and who removes them.

What a job keeps goes once its time has passed. What no job knows of stays for ever, such as that of
a state folder which is lost: only a person can tell whether anything in it is wanted.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from bot.domain.findings import Finding, Level
from bot.domain.jobs import Job, JobState
from bot.domain.restore import KEPT
from bot.domain.restore import plan_of as restore_plan_of
from bot.domain.update import plan_of as update_plan_of

_OURS = re.compile(r"_(?:restore|before|failed)_(?P<job>\d{8}t\d{6}z_[a-z0-9]{4})(?:_\d+)?$")
_SUBJECT = "databases beside"


def judge_left(names: Iterable[str], jobs: Sequence[Job]) -> list[Finding]:
    """What is kept and by which job, and a warning of what nobody will remove."""
    owners = {_key(made): job.id for job in jobs if _has_a_say(job) for made in _made_by(job)}
    kept: list[str] = []
    left: list[str] = []
    for name in sorted(names):
        if found := _OURS.search(name):
            owner = owners.get(found["job"])
            (kept if owner else left).append(f'"{name}"' + (f" by {owner}" if owner else ""))
    findings = []
    if kept:
        words = f"kept for the way back, and removed in time: {', '.join(kept)}"
        findings.append(Finding(_SUBJECT, Level.OK, words))
    if left:
        findings.append(
            Finding(
                _SUBJECT,
                Level.WARNING,
                f"no job knows of {', '.join(left)}, so that nobody removes it",
                'See "Half-done renames" in RUNBOOK.md for what is in it; then DROP DATABASE.',
            )
        )
    return findings


def _has_a_say(job: Job) -> bool:
    """It keeps something, or is not at its end, so that what it has made is looked after."""
    return bool(job.plan.get(KEPT)) or not job.swept or job.state is JobState.RUNNING


def _made_by(job: Job) -> Iterator[str]:
    """The ids after which things are named that are now this job's; an undo takes them over."""
    yield job.id
    if update := update_plan_of(job.plan):
        yield update.job
    if (restore := restore_plan_of(job.plan)) and restore.undoes:
        yield restore.undoes


def _key(job: str) -> str:
    return job.lower().replace("-", "_")
