"""Jobs in the background of the daemon: begun on request, owned here, ended in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from bot.domain.catalogue import BackupRecord
from bot.domain.copies import may_copy
from bot.domain.errors import BotError, BusyError, RefusedError
from bot.domain.jobs import ALL_JOBS, Job, JobKind, JobState, Trigger
from bot.domain.messages import Command, RunBackup, RunCopy, RunPrune, RunRestore
from bot.domain.restore_plan import Preview
from bot.domain.stack import Stack
from bot.services.backup import BackedUp
from bot.services.job_in_hand import working_on
from bot.services.jobs import Begun
from bot.services.journal_ports import JobJournal
from bot.services.ports import Clock, Publish
from bot.services.standing import Standing
from bot.services.verify import Verified

logger = logging.getLogger(__name__)

_STOPPING = "the bot is being stopped"


@dataclass
class JobRunner:
    """Port `Operations`; *run_job* does a whole job and says when it has begun.

    *copies*: a copy follows each backup that lies in all stores. *prunes*: a prune follows each
    scheduled one that leaves no doubt.
    """

    journal: JobJournal
    clock: Clock
    run_job: Callable[[Command, Begun | None], Awaitable[object]]
    list_backups: Callable[[], Awaitable[Sequence[BackupRecord]]]
    find_stack: Callable[[], Awaitable[Stack]]
    pin_backup: Callable[[str, bool], Awaitable[BackupRecord]]
    read_back: Callable[[str, Publish], Awaitable[Verified]]
    preview: Callable[[RunRestore], Awaitable[Preview]]
    standing: Standing
    copies: bool = False
    prunes: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _closing: bool = False

    async def start(self, command: Command) -> Job:
        if self._closing:
            raise RefusedError(_STOPPING, hint="Ask again in a minute.")
        begun: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._run(command, begun))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(begun)

    async def _run(self, command: Command, begun: asyncio.Future[Job]) -> None:
        """Hand an error to whoever waits for the beginning; later the journal has it."""
        try:
            result = await self.run_job(command, begun.set_result)
        except Exception as error:  # boundary: nobody else waits for this task
            if not begun.done():
                begun.set_exception(error)
                return
            with working_on(begun.result().id):
                if isinstance(error, BotError):
                    logger.warning("job %s failed: %s", begun.result().id, error)
                else:
                    logger.exception("job %s failed on an error of akbot itself", begun.result().id)
            return
        finally:
            if not begun.done():
                begun.set_exception(RefusedError(_STOPPING))
        if self.copies and isinstance(result, BackedUp) and not result.missing:
            await self._follow_with(RunCopy(trigger=Trigger.SCHEDULE, actor="schedule"))
        if self.prunes and _leaves_no_doubt(command, result):
            await self._follow_with(RunPrune(trigger=Trigger.SCHEDULE, actor="schedule"))

    async def _follow_with(self, command: Command) -> None:
        """What a new backup makes possible or needful; a failure is a job of its own."""
        if self._closing:
            return
        begun: list[Job] = []
        try:
            await self.run_job(command, begun.append)
        except Exception as error:  # boundary: nobody else waits for this task
            with working_on(begun[0].id if begun else ""):
                if isinstance(error, BusyError):
                    logger.info("%s: %s", command.kind, error)
                elif isinstance(error, BotError):
                    logger.warning("%s: %s", command.kind, error)
                else:
                    logger.exception("%s failed on an error of akbot itself", command.kind)

    async def catch_up(self) -> None:
        """Copy what a store lacks that was away, unless that just failed; then later, or by hand.

        A failure is told as that of any job, so it is not to come every hour.
        """
        if not self.copies or not may_copy(await self.journal.jobs(ALL_JOBS), self.clock.now()):
            return
        copying = RunCopy(trigger=Trigger.SCHEDULE, actor="schedule")
        task = asyncio.create_task(self._follow_with(copying))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    async def close(self, patience: float) -> None:
        """Begin nothing more; what runs has *patience* seconds to end, then it is undone."""
        self._closing = True
        if patience and self._tasks:
            await self._wait(patience)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _wait(self, patience: float) -> None:
        over = asyncio.ensure_future(self.clock.sleep(patience))
        while self._tasks and not over.done():
            await asyncio.wait({*self._tasks, over}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()

    async def cancel(self, actor: str, kinds: Collection[JobKind]) -> Job | None:
        for job in await self.standing.open_jobs():
            if job.state is JobState.RUNNING and job.kind in kinds:
                asked = await self.journal.ask_to_cancel(job.id, actor)
                if asked:
                    return asked
        return None

    async def jobs(self, limit: int) -> Sequence[Job]:
        return await self.journal.jobs(limit)

    async def jobs_as_they_stand(self, limit: int) -> Sequence[Job]:
        return await self.standing.jobs(limit)

    async def job(self, job_id: str) -> Job | None:
        return await self.journal.job(job_id)

    async def backups(self) -> Sequence[BackupRecord]:
        return await self.list_backups()

    async def pin(self, wanted: str, *, pinned: bool) -> BackupRecord:
        return await self.pin_backup(wanted, pinned)

    async def verify(self, wanted: str, publish: Publish) -> Verified:
        return await self.read_back(wanted, publish)

    async def plan_restore(self, command: RunRestore) -> Preview:
        return await self.preview(command)

    async def stack(self) -> Stack:
        return await self.find_stack()


def _leaves_no_doubt(command: Command, result: object) -> bool:
    return (
        isinstance(command, RunBackup)
        and command.trigger is Trigger.SCHEDULE
        and isinstance(result, BackedUp)
        and not result.manifest.warnings
    )
