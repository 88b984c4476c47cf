"""Remove what restores and updates have kept, once nobody needs the way back any more."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.catalogue import BackupRecord
from bot.domain.jobs import Job
from bot.domain.kept import KEPT_FOR, images_gone_back_to, images_left_by, keeps_something, may_go
from bot.domain.kept_moved import moved_since
from bot.domain.restore import KEPT, RestorePlan, plan_of
from bot.domain.update import plan_of as update_plan_of
from bot.services.journal_ports import JobJournal, JobLock
from bot.services.ports import Clock
from bot.services.restore_ports import Workplace
from bot.services.update_kept import UpdateKept

_ALL = 10_000  # jobs, more than the journal keeps


@dataclass(frozen=True)
class KeptService:
    """Sweeps; *list_backups* is asked only where something may go.

    Nothing goes while an update is unfinished.
    """

    journal: JobJournal
    lock: JobLock
    clock: Clock
    workplace: Workplace
    updates: UpdateKept
    list_backups: Callable[[], Awaitable[Sequence[BackupRecord]]]
    kept_for: timedelta = KEPT_FOR

    async def sweep(self) -> Sequence[str]:
        """Remove what may go; the jobs that had kept it.

        Raises BusyError while a job runs, PortError where stack or store do not answer.
        """
        if await self.journal.open_jobs():
            return ()
        jobs = await self.journal.jobs(_ALL)
        keeping = [job for job in jobs if keeps_something(job)]
        if not keeping:
            return ()
        records, now = await self.list_backups(), self.clock.now()
        over = [job for job in keeping if may_go(job, jobs, records, now, self.kept_for)]
        if not over:
            return ()
        needed = images_gone_back_to(job for job in jobs if job not in over)
        async with self.lock.hold(None):
            for job in over:
                await self._remove(job, jobs, needed)
        return [job.id for job in over]

    async def _remove(self, job: Job, jobs: Sequence[Job], needed: frozenset[str]) -> None:
        plan = plan_of(job.plan)
        if plan:
            moved = moved_since(job, jobs)
            lie = [moved[each].target if each in moved else each for each in plan.sources]
            await self._drop(plan, lie)
        if update := update_plan_of(job.plan):
            await self.updates.drop(update, images_left_by(job) - needed)
        await self.journal.plan(job.id, {KEPT: ""})

    async def _drop(self, plan: RestorePlan, folders: Sequence[str]) -> None:
        """Its *folders* are where updates since have put them."""
        tools = await self.workplace.tools(plan.site, plan.job)
        for name in (plan.outgoing, plan.incoming) if plan.database else ():
            await tools.databases.drop(name)
        await tools.files.discard(folders)
        if plan.compose:
            await tools.project.discard(plan.compose.files, plan.job)
            await tools.files.remove_empty(plan.compose.left)
        if tools.sessions:
            await tools.sessions.discard()
