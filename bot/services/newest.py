"""When what protects a stack was made last: the moments by which alarms go."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.alarms import newest_whole
from bot.domain.backup_id import created_at
from bot.domain.catalogue import BackupRecord, newest_good
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

    async def backup(self) -> datetime | None:
        """When the newest good backup was begun; None where there is none."""
        newest = newest_good(await self.backups())
        return created_at(newest.id) if newest else None

    async def drill(self) -> datetime | None:
        """When the newest drill was begun that passed, here or elsewhere; None for none.

        Where the private key is kept off the host, one counts that has read all that it could.
        """
        report = await self.drills.newest(await self.stack())
        here = newest_whole(await self.jobs.jobs(ALL_JOBS), JobKind.DRILL)
        passed = [report.began] if report and report.verdict in _WELL else []
        passed += [created_at(here.id)] if here else []
        return max(passed, default=None)
