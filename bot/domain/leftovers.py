"""The databases that restores and updates have made beside Authentik's, and who removes them.

What a job keeps goes once its time has passed. What no job knows of stays for ever, such as that of
a state folder which is lost: only a person can tell whether anything in it is wanted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.domain.findings import Finding, Level
from bot.domain.jobs import Job
from bot.domain.kept import keeps_something
from bot.domain.restore import plan_of as restore_plan_of
from bot.domain.update import plan_of as update_plan_of

_SUBJECT = "leftovers"
_PAGE = 'deploy/RUNBOOK.md, "Half-done renames"'
_OURS = re.compile(
    r"\w+_(?P<role>restore|before|failed)_(?P<job>\d{8}t\d{6}z_[a-z0-9]{4})(?:_\d+)?"
)
_MEANINGS = {
    "restore": "loaded from a backup: perhaps not complete, perhaps in use for a while",
    "before": "what served before a restore or an update",
    "failed": "what an update has left that did not hold",
}


@dataclass(frozen=True)
class Databases:
    """All of the server: whether each lets anybody in, by its name. *live* is Authentik's own."""

    live: str
    are_open: Mapping[str, bool]


def judge_leftovers(found: Databases, service: str, jobs: Iterable[Job]) -> list[Finding]:
    """Which jobs keep which, and a warning for each that none of *jobs*, all of the journal, does.

    *service* is PostgreSQL's in the project, empty where it runs elsewhere.
    """
    at_work = [job for job in jobs if not job.swept or keeps_something(job)]
    owners = {_as_named(made): job.id for job in at_work for made in _made_by(job)}
    kept: list[str] = []
    left: list[Finding] = []
    for name in sorted(found.are_open):
        if match := _OURS.fullmatch(name):
            if owner := owners.get(match["job"]):
                kept.append(f'"{name}" by {owner}')
            else:
                left.append(_left(name, match["role"], service))
    is_closed = found.are_open.get(found.live) is False
    if is_closed and all(job.swept for job in at_work):
        mend = _command(service, f'ALTER DATABASE "{found.live}" ALLOW_CONNECTIONS true')
        message = f'nobody is let into the database "{found.live}", and no job is at work'
        left.append(Finding(_SUBJECT, Level.FAILURE, message, f"See {_PAGE}, then {mend}"))
    if kept:
        words = f"kept for the way back, and removed in time: {', '.join(kept)}"
        left.insert(0, Finding(_SUBJECT, Level.OK, words))
    return left


def _made_by(job: Job) -> Iterator[str]:
    """The ids after which things are named that are now this job's; an undo takes them over."""
    yield job.id
    if update := update_plan_of(job.plan):
        yield update.job
    if (restore := restore_plan_of(job.plan)) and restore.undoes:
        yield restore.undoes


def _as_named(job: str) -> str:
    return job.lower().replace("-", "_")


def _left(name: str, role: str, service: str) -> Finding:
    drop = _command(service, f'DROP DATABASE "{name}"')
    return Finding(
        _SUBJECT,
        Level.WARNING,
        f'the database "{name}" is left, {_MEANINGS[role]}; no job in the journal keeps it',
        f"To use it see {_PAGE}; to remove it {drop}",
    )


def _command(service: str, statement: str) -> str:
    if not service:
        return f"run there: {statement};"
    psql = 'psql -U "$POSTGRES_USER" -d postgres'
    return f"run: docker compose exec -T {service} sh -c '{psql}' <<< '{statement}'"
