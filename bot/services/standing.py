"""Jobs as a person should see them: one whose process is gone does not run, whatever it wrote."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.domain.jobs import Job, JobState, as_it_stands
from bot.services.journal_ports import JobJournal


@dataclass(frozen=True)
class Standing:
    """*has_job* says whether a process works on a job at this moment: the lock knows at once.

    The journal does only once somebody has settled what a killed process left.
    """

    journal: JobJournal
    has_job: Callable[[], Awaitable[bool]]

    async def jobs(self, limit: int) -> list[Job]:
        """The newest ones, the newest first."""
        return await self._seen(lambda: self.journal.jobs(limit))

    async def open_jobs(self) -> list[Job]:
        """Those that run, or of which something may be left."""
        return await self._seen(self.journal.open_jobs)

    async def _seen(self, read: Callable[[], Awaitable[Sequence[Job]]]) -> list[Job]:
        jobs = await read()
        running = {job.id for job in jobs if job.state is JobState.RUNNING}
        if not running or await self.has_job():
            return list(jobs)
        # one that ran before the lock was seen free and runs after has nobody: else it just ended
        return [as_it_stands(job, somebody_works=job.id not in running) for job in await read()]
