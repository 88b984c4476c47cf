"""The report of a span of time: what protects the stack, how it served, and what needs a person.

Pure: facts go in, a report comes out; how it is worded is the business of whoever shows it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.alarms import Protection, judge
from bot.domain.backup_id import created_at
from bot.domain.catalogue import BackupRecord, BackupState, newest_good
from bot.domain.downtime import seconds_away
from bot.domain.drill import DrillReport, Verdict, judge_drills
from bot.domain.findings import Finding, Level, judge_spread
from bot.domain.incident_history import PastIncident, causes, time_without
from bot.domain.jobs import PARTIAL, REMEMBERED, Job, JobKind, JobState, degraded
from bot.domain.pause import Pause, judge_pause
from bot.domain.schedule import Schedule
from bot.domain.slots import CATCH_UP
from bot.domain.update_outlook import Outlook

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
LONGEST_DAYS = REMEMBERED.days
"""Of a report: of what was before nothing is known any more."""
_BAD = frozenset({JobState.FAILED, JobState.INTERRUPTED, JobState.ROLLED_BACK})
_TOLD_BY_AGE = frozenset({JobKind.BACKUP, JobKind.DRILL})


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a person has set: *backup_within* None for any time, *drills* None for no schedule.

    *catch_up* is how long a planned backup is tried.
    """

    backup_within: timedelta | None = None
    drills: Schedule | None = None
    catch_up: timedelta = CATCH_UP


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known at *now* of the time since *begin*.

    *installed*: nothing was watched before. *jobs* and *records* are all that there are, newest
    first; *silent* says by its name why a store did not answer, "" for the only one. *outlook* is a
    sentence where whether there is an update could not be found out, None where nobody is to be
    asked. Without *serving*, which are services, nobody logs in.
    """

    begin: datetime
    now: datetime
    installed: datetime
    expected: Expected = field(default_factory=Expected)
    serving: Collection[str] = ()
    jobs: Sequence[Job] = ()
    stuck: Sequence[Job] = ()
    incidents: Sequence[PastIncident] = ()
    records: Sequence[BackupRecord] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    drill: DrillReport | None = None
    outlook: Outlook | str | None = None
    pause: Pause | None = None


@dataclass(frozen=True, kw_only=True)
class BackupsReport:
    """*made* and *failed* count runs in the time of the report, *proven* drills that passed in it.

    *kept* good ones lie in the stores by now, of *kept_size* bytes in all; *newest* is when the
    newest was made, of *newest_size* bytes, *drilled* when the last drill that passed began.
    """

    made: int = 0
    failed: int = 0
    proven: int = 0
    kept: int = 0
    kept_size: int = 0
    newest: datetime | None = None
    newest_size: int = 0
    drilled: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LoginReport:
    """For how many of *watched* seconds nobody could log in: by *incidents*, and by *jobs*."""

    watched: float
    incidents: float = 0
    jobs: float = 0

    @property
    def share(self) -> float:
        """Of the time in which people could; 1 for all of it."""
        away = min(self.incidents + self.jobs, self.watched)
        return 1 - away / self.watched if self.watched else 1.0


@dataclass(frozen=True, kw_only=True)
class IncidentsReport:
    """*seconds* in all; *worst* is the longest, in a sentence, of *worst_seconds*."""

    count: int = 0
    seconds: float = 0
    worst: str = ""
    worst_seconds: float = 0


@dataclass(frozen=True, kw_only=True)
class UpdateReport:
    """*target* is "" where nothing newer is wanted; *held*: not offered yet.

    *unknown* says why nobody knows, "" where somebody does.
    """

    current: str = ""
    target: str = ""
    held: bool = False
    security: bool = False
    unknown: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All of it; *needs* is what a person should see to, the worst first."""

    begin: datetime
    end: datetime
    backups: BackupsReport
    login: LoginReport
    incidents: IncidentsReport
    update: UpdateReport | None
    needs: tuple[Finding, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing happened that is worth a word, and nobody has to do anything."""
        return not self.needs and not self.incidents.count and not self.backups.failed


def report_of(facts: Facts) -> Report:
    """The report that *facts* make."""
    return Report(
        begin=facts.begin,
        end=facts.now,
        backups=_backups(facts),
        login=_login(facts),
        incidents=_incidents(facts),
        update=_update(facts.outlook),
        needs=tuple(_needs(facts)),
    )


def _backups(facts: Facts) -> BackupsReport:
    good = [each for each in facts.records if each.state is BackupState.GOOD]
    newest = newest_good(facts.records)
    ended = [job for job in facts.jobs if job.ended and job.ended > facts.begin]
    backups = [job for job in ended if job.kind is JobKind.BACKUP and PARTIAL not in job.plan]
    drills = [job for job in ended if job.kind is JobKind.DRILL and job.state is JobState.DONE]
    return BackupsReport(
        made=sum(job.state is JobState.DONE for job in backups),
        failed=sum(job.state in _BAD for job in backups),
        proven=len(drills),
        kept=len(good),
        kept_size=sum(each.stored_size for each in good),
        newest=newest.created if newest else None,
        newest_size=newest.stored_size if newest else 0,
        drilled=_drilled(facts),
    )


def _drilled(facts: Facts) -> datetime | None:
    """By this journal, or by what lies beside the backups: another host may have drilled one."""
    done = (job for job in facts.jobs if job.kind is JobKind.DRILL and job.state is JobState.DONE)
    moments = [created_at(job.id) for job in done]
    if facts.drill and facts.drill.verdict is Verdict.PASS:
        moments.append(facts.drill.began)
    return max(moments, default=None)


def _login(facts: Facts) -> LoginReport:
    begin = min(max(facts.begin, facts.installed), facts.now)
    away = [
        seconds
        for job in facts.jobs
        if job.ended and job.ended > begin and (seconds := seconds_away(job)) is not None
    ]
    return LoginReport(
        watched=(facts.now - begin).total_seconds(),
        incidents=time_without(facts.serving, facts.incidents, begin, facts.now).total_seconds(),
        jobs=sum(away),
    )


def _incidents(facts: Facts) -> IncidentsReport:
    found = causes(facts.incidents)
    if not found:
        return IncidentsReport()
    lasted = [each.lasted(facts.now).total_seconds() for each in found]
    worst = max(found, key=lambda each: each.lasted(facts.now))
    return IncidentsReport(
        count=len(found),
        seconds=sum(lasted),
        worst=f"{worst.incident.root} was {worst.incident.trouble}",
        worst_seconds=max(lasted),
    )


def _update(outlook: Outlook | str | None) -> UpdateReport | None:
    if outlook is None:
        return None
    if isinstance(outlook, str):
        return UpdateReport(unknown=outlook)
    return UpdateReport(
        current=str(outlook.current),
        target="" if outlook.up_to_date else str(outlook.target),
        held=bool(outlook.holds),
        security=any(each.security for each in outlook.hops),
    )


def _needs(facts: Facts) -> list[Finding]:
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
    newest = newest_good(facts.records)
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
            f"the {job.kind} {job.id} was given up after {job.crashes} kills",
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
    if lack := degraded(job):
        return f"the last {job.kind} did only a part of its work: {lack}"
    if job.kind in _TOLD_BY_AGE or job.state not in _BAD:
        return ""
    how = "was rolled back" if job.state is JobState.ROLLED_BACK else "did not end well"
    return f"the last {job.kind} {how}: {job.message}"


def _of_incidents(facts: Facts) -> list[Finding]:
    return [
        Finding("containers", Level.FAILURE, each.incident.words, 'See "akbot status".')
        for each in causes(facts.incidents)
        if each.ended is None
    ]


def _of_update(outlook: Outlook | str | None) -> list[Finding]:
    update = _update(outlook)
    if update is None or not (update.unknown or (update.target and update.security)):
        return []
    if update.unknown:
        words = f"whether there is a newer Authentik is not known: {update.unknown}"
        return [Finding("update", Level.WARNING, words, 'See "akbot update --check".')]
    words = f"Authentik {update.target} mends a security hole of {update.current}, which runs"
    return [Finding("update", Level.WARNING, words, 'Run "akbot update".')]


_LOOK = 'See "akbot check".'
_BACK_UP = 'Run "akbot backup", and "akbot run" for the schedule.'
