"""What a person should see to, as a report has it. Pure."""

from bot.domain.alarms import Protection, judge, latest_known
from bot.domain.backup_id import created_at
from bot.domain.catalogue import BackupState, begun_by, newest_good
from bot.domain.drill import judge_drills
from bot.domain.findings import Finding, Level, judge_spread
from bot.domain.incident import WARNINGS, Incident
from bot.domain.incident_history import causes
from bot.domain.jobs import Job, JobKind, JobState, degraded
from bot.domain.pause import judge_pause
from bot.domain.report_facts import NOT_WELL, Facts
from bot.domain.update_outlook import Outlook

_TOLD_BY_AGE = frozenset({JobKind.BACKUP, JobKind.DRILL})
_TOLD_ONCE = frozenset({JobKind.DRILL})  # that it could not do all of its work
_LOOK = 'See "akbot check".'
_BACK_UP = 'Run "akbot backup", and "akbot run" for the schedule.'


def needs_of(facts: Facts) -> list[Finding]:
    """What a person should see to, the worst first."""
    found = [
        *_unprotected(facts),
        *_of_jobs(facts),
        *_of_incidents(facts),
        *_of_update(facts.outlook),
        *judge_pause(facts.pause, facts.now),
    ]
    return [
        *(each for each in found if each.level is Level.FAILURE),
        *(each for each in found if each.level is Level.WARNING),
    ]


def _unprotected(facts: Facts) -> list[Finding]:
    """What is wrong with the backups, or keeps anybody from knowing."""
    found = [
        Finding("store", Level.FAILURE, f"{_store(name)} does not answer: {why}", _LOOK)
        for name, why in facts.silent.items()
    ]
    newest = newest_good(begun_by(facts.records, latest_known(facts.now)))
    if facts.records or not facts.silent:  # else nobody knows what there is
        there = Protection(
            kind=JobKind.BACKUP,
            good=created_at(newest.id) if newest else None,
            since=facts.installed,
            jobs=facts.jobs,
        )
        expected = facts.expected
        if alarm := judge(there, expected.backup_within, expected.catch_up, facts.now):
            remedy = 'Mend that, then run "akbot backup".' if alarm.failed else _BACK_UP
            found.append(Finding("backup", Level.FAILURE, alarm.words, remedy))
        drills = judge_drills(
            facts.drill, newest.created if newest else None, facts.now, facts.expected.drills
        )
        found += [each for each in (drills, judge_spread(facts.records)) if each]
    damaged = sum(each.state is BackupState.DAMAGED for each in facts.records)
    if damaged:
        words = "1 backup is damaged" if damaged == 1 else f"{damaged} backups are damaged"
        found.append(Finding("backups", Level.WARNING, words, 'See "akbot backups".'))
    return found


def _store(name: str) -> str:
    return f'store "{name}"' if name else "the store"


def _of_jobs(facts: Facts) -> list[Finding]:
    """Jobs that wait for a person, and kinds of work whose last run did not do it."""
    stuck = [
        Finding(
            job.kind,
            Level.FAILURE,
            f"the {job.kind} {job.id} was given up: {job.message}",
            f'Look at the stack, then run "akbot jobs settle {job.id}".',
        )
        for job in facts.stuck
    ]
    last: dict[JobKind, Job] = {}
    for job in facts.jobs:
        if job.state is not JobState.RUNNING:
            last.setdefault(job.kind, job)
    failed = [
        Finding(kind, Level.WARNING, words, f'See "akbot jobs {job.id}".')
        for kind, job in last.items()
        if job.ended and job.ended > facts.begin and (words := _failure(job))
    ]
    return stuck + failed


def _failure(job: Job) -> str:
    """What the last job of its kind did not do, in a sentence; "" for nothing."""
    if (lack := degraded(job)) and job.kind not in _TOLD_ONCE:
        return f"the last {job.kind} did only a part of its work: {lack}"
    if job.kind in _TOLD_BY_AGE or job.state not in NOT_WELL:
        return ""
    how = "was rolled back" if job.state is JobState.ROLLED_BACK else "did not end well"
    return f"the last {job.kind} {how}: {job.message}"


def _of_incidents(facts: Facts) -> list[Finding]:
    return [
        Finding("containers", _level(each.incident), each.incident.words, 'See "akbot status".')
        for each in causes(facts.incidents)
        if each.ended is None
    ]


def _level(incident: Incident) -> Level:
    return Level.WARNING if incident.trouble in WARNINGS else Level.FAILURE


def _of_update(outlook: Outlook | str | None) -> list[Finding]:
    if outlook is None:
        return []
    if isinstance(outlook, str):
        words = f"whether there is a newer Authentik is not known: {outlook}"
        return [Finding("update", Level.WARNING, words, 'See "akbot update --check".')]
    if not any(each.security for each in outlook.hops):
        return []
    words = f"Authentik {outlook.target} mends a security hole of {outlook.current}, which runs"
    return [Finding("update", Level.WARNING, words, 'Run "akbot update".')]
