"""When what protects a stack was made last: the moments by which alarms go."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.alarms import newest_whole
from bot.domain.backup_id import created_at
from bot.domain.catalogue import BackupRecord, begun_by, newest_good
from bot.domain.drill import Verdict
from bot.domain.jobs import ALL_JOBS, JobKind
from bot.services.drill_history import DrillHistory
from bot.services.journal_ports import JobJournal

_WELL = frozenset({Verdict.PASS, Verdict.READ})


@dataclass(frozen=True)
class Newest:
    """*backups* asks the stores, *stack* for the name there. PortError where none answers."""

    backups: Callable[[], Awaitable[Sequence[BackupRecord]]]
    drills: DrillHistory
    jobs: JobJournal
    stack: Callable[[], Awaitable[str]]

    async def backup(self, until: datetime) -> datetime | None:
        """When the newest good backup was begun, *until* then; None where there is none."""
        newest = newest_good(begun_by(await self.backups(), until))
        return created_at(newest.id) if newest else None

    async def drill(self, until: datetime) -> datetime | None:
        """When the newest drill was begun, *until* then, that passed, here or elsewhere.

        Where the private key is kept off the host, one counts that has read all that it could.
        """
        report = await self.drills.newest(await self.stack())
        jobs = [job for job in await self.jobs.jobs(ALL_JOBS) if job.started <= until]
        here = newest_whole(jobs, JobKind.DRILL)
        passed = [report.began] if report and report.verdict in _WELL else []
        passed += [created_at(here.id)] if here else []
        return max((each for each in passed if each <= until), default=None)
