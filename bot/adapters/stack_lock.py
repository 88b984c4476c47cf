"""One mutating job at a time: a kernel lock in the state folder, and one in the stack's PostgreSQL.

The first holds among processes and containers that share the folder, the second among all that work
on the same stack.
"""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.adapters.database_lock import database_lock
from bot.adapters.engine import DockerEngine
from bot.adapters.psql import PsqlSession
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import BusyError
from bot.domain.jobs import Job, JobState, describe
from bot.services.journal_ports import JobJournal


class StackLock:
    """Port `JobLock`; *journal* says what runs where the folder's own lock is held."""

    def __init__(self, folder: StateFolder, engine: DockerEngine, journal: JobJournal) -> None:
        self._folder = folder
        self._engine = engine
        self._journal = journal

    @asynccontextmanager
    async def hold(self, job: Job | None) -> AsyncGenerator[None]:
        async with AsyncExitStack() as locks:
            try:
                await locks.enter_async_context(self._folder.hold())
            except BusyError as error:
                raise await self._named(error) from error
            state_id = await self._folder.id()
            name = f"{job.kind} {job.id}" if job else "recovery"
            await locks.enter_async_context(database_lock(self._session, name, state_id))
            yield

    @asynccontextmanager
    async def _session(self, name: str) -> AsyncGenerator[PsqlSession]:
        stack = await self._engine.find_stack()
        async with self._engine.database(stack).maintenance(name) as session:
            yield session

    async def _named(self, error: BusyError) -> BusyError:
        """The same, with what runs, as far as the journal has it already."""
        running = [job for job in await self._journal.open_jobs() if job.state is JobState.RUNNING]
        if not running:
            words = "akbot cleans up what an earlier job left, or another one just begins"
            return BusyError(f"busy: {words}", hint="Try again in a minute.")
        return BusyError(f"busy: {describe(running[-1])}", hint=error.hint)
