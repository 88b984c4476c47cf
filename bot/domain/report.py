"""The report of a span of time: what protects the stack, how it served, and what needs a person.

Pure: facts go in, a report comes out; how it is worded is the business of whoever shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.backup_id import created_at
from bot.domain.catalogue import BackupState, newest_good
from bot.domain.container_state import DOCKER
from bot.domain.drill import Verdict
from bot.domain.drilled import has_passed
from bot.domain.findings import Finding
from bot.domain.incident import WARNINGS
from bot.domain.incident_history import PastIncident, causes
from bot.domain.jobs import PARTIAL, REMEMBERED, JobKind, JobState
from bot.domain.outages import away_in_incidents, away_in_jobs, time_away
from bot.domain.report_facts import NOT_WELL, Facts
from bot.domain.report_needs import needs_of
from bot.domain.update_outlook import Outlook

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
LONGEST_DAYS = REMEMBERED.days
"""Of a report: of what was before nothing is known any more."""


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
    """For how many of *watched* seconds nobody could log in: by *incidents*, else by *jobs*.

    For *blind* seconds more Docker did not answer, so that nobody knows.
    """

    watched: float
    blind: float = 0
    incidents: float = 0
    jobs: float = 0

    @property
    def share(self) -> float:
        """Of the time in which people could; 1 for all of it."""
        away = min(self.incidents + self.jobs, self.watched)
        return 1 - away / self.watched if self.watched else 1.0


@dataclass(frozen=True, kw_only=True)
class IncidentsReport:
    """*seconds* in all; *worst* is the longest and its trouble, of *worst_seconds*.

    What was before the time of the report is in none of them.
    """

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
    """All of it; *needs* is what a person should see to, the worst first.

    While there were *warnings* alone all worked.
    """

    begin: datetime
    end: datetime
    backups: BackupsReport
    login: LoginReport
    incidents: IncidentsReport
    update: UpdateReport | None
    warnings: IncidentsReport = field(default_factory=IncidentsReport)
    needs: tuple[Finding, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing happened that is worth a word, and nobody has to do anything."""
        happened = self.incidents.count or self.warnings.count or self.backups.failed
        return not self.needs and not happened


def report_of(facts: Facts) -> Report:
    """The report that *facts* make."""
    found = causes(facts.incidents)
    return Report(
        begin=facts.begin,
        end=facts.now,
        backups=_backups(facts),
        login=_login(facts),
        incidents=_incidents([each for each in found if not _is_warning(each)], facts),
        warnings=_incidents([each for each in found if _is_warning(each)], facts),
        update=_update(facts.outlook),
        needs=tuple(needs_of(facts)),
    )


def _backups(facts: Facts) -> BackupsReport:
    good = [each for each in facts.records if each.state is BackupState.GOOD]
    newest = newest_good(facts.records)
    ended = [job for job in facts.jobs if job.ended and job.ended > facts.begin]
    backups = [job for job in ended if job.kind is JobKind.BACKUP and PARTIAL not in job.plan]
    drills = [job for job in ended if has_passed(job)]
    return BackupsReport(
        made=sum(job.state is JobState.DONE for job in backups),
        failed=sum(job.state in NOT_WELL for job in backups),
        proven=len(drills),
        kept=len(good),
        kept_size=sum(each.stored_size for each in good),
        newest=newest.created if newest else None,
        newest_size=newest.stored_size if newest else 0,
        drilled=_drilled(facts),
    )


def _drilled(facts: Facts) -> datetime | None:
    """By this journal, or by what lies beside the backups: another host may have drilled one."""
    moments = [created_at(job.id) for job in facts.jobs if has_passed(job)]
    if facts.drill and facts.drill.verdict is Verdict.PASS:
        moments.append(facts.drill.began)
    return max(moments, default=None)


def _login(facts: Facts) -> LoginReport:
    begin = min(max(facts.begin, facts.installed), facts.now)
    in_incidents = away_in_incidents(facts.incidents, facts.serving, facts.now)
    blind = away_in_incidents(facts.incidents, {DOCKER, *facts.serving}, facts.now)
    down = time_away(in_incidents, begin, facts.now)
    or_blind = time_away(blind, begin, facts.now)
    away = time_away([*in_incidents, *away_in_jobs(facts.jobs)], begin, facts.now)
    return LoginReport(
        watched=(facts.now - begin - (or_blind - down)).total_seconds(),
        blind=(or_blind - down).total_seconds(),
        incidents=down.total_seconds(),
        jobs=(away - down).total_seconds(),
    )


def _is_warning(each: PastIncident) -> bool:
    return each.incident.trouble in WARNINGS


def _incidents(found: Sequence[PastIncident], facts: Facts) -> IncidentsReport:
    if not found:
        return IncidentsReport()
    lasted = [each.lasted(facts.begin, facts.now).total_seconds() for each in found]
    worst_seconds = max(lasted)
    worst = found[lasted.index(worst_seconds)].incident
    return IncidentsReport(
        count=len(found),
        seconds=sum(lasted),
        worst=f"{worst.root} ({worst.trouble})",
        worst_seconds=worst_seconds,
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
