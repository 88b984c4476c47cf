"""What becomes of a backup that did not end well: it is found whole, or nothing of it is left.

The same for one that failed, one that was cancelled, and one whose process was killed.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.catalogue import BackupState
from bot.domain.errors import BotError, PortError
from bot.domain.jobs import Job, JobState, Outcome, Remedy, cut_off, judge_unfinished
from bot.domain.manifest import MANIFEST, SIGNATURE_SUFFIX, backup_prefix
from bot.domain.signature import PublicKey
from bot.services.catalogue import find_backup
from bot.services.journal_ports import JobJournal
from bot.services.ports import BackupStore, Clock, Engine

STACK = "stack"
"""The one fact of a backup's plan: the stack's folder in the store."""

_NOT_YET = " (not yet cleaned up: "
logger = logging.getLogger(__name__)

_WHOLE = (BackupState.GOOD, BackupState.PARTIAL)


@dataclass(frozen=True)
class Undo:
    """Settles jobs that did not end well; *trusted* says whose signatures count."""

    engine: Engine
    store: BackupStore
    journal: JobJournal
    clock: Clock
    trusted: Callable[[], frozenset[PublicKey]]

    async def recover(self) -> list[Job]:
        """Settle every open job; the caller holds the lock, so none of them is running.

        What cannot be undone yet, because the store or the Engine does not answer, stays open.
        Returns those of which that is news, as they stand now.
        """
        settled: list[Job] = []
        for job in await self.journal.open_jobs():
            died = job.state is JobState.RUNNING
            left = await self.journal.crashed(job.id) if died else job
            try:
                outcome = await self.settle(left, JobState.INTERRUPTED, cut_off(job))
            except asyncio.CancelledError:  # stopped in order, so that was no crash
                parked = not_yet(JobState.INTERRUPTED, cut_off(job), "stopped again in it")
                await self.journal.finish(job.id, parked, job.ended or self.clock.now())
                raise
            ended = job.ended or self.clock.now()
            await self.journal.finish(job.id, outcome, ended)
            if died or outcome.swept:
                settled.append(left.ending(outcome, ended))
        return settled

    async def sweep_containers(self) -> None:
        """Remove throw-away containers that have ended and that nobody is left to remove."""
        try:
            await self.engine.remove_throw_aways("")
        except BotError as error:  # an Engine that is away is told by whatever needs it
            logger.debug("sweep containers: %s", error)

    async def settle(self, job: Job, state: JobState, reason: str) -> Outcome:
        """Find out whether *job* had done its work; if not, undo it and let it end in *state*.

        A job that had ended before, and only was not undone, keeps its own end.
        """
        ended = job.state if job.state is not JobState.RUNNING else state
        words = job.message if job.state is not JobState.RUNNING else reason
        if STACK not in job.plan:  # it had not come so far as to begin anything
            return Outcome(ended, words)
        try:
            record = await find_backup(self.store, job.plan[STACK], job.id, self.trusted())
            committed = record is not None and record.state in _WHOLE
            match judge_unfinished(job, committed=committed):
                case Remedy.ACCEPT:
                    ended, words = JobState.DONE, "complete, verified and signed"
                    await self._end_programs(job)
                case Remedy.ASK:
                    return Outcome(
                        JobState.STUCK,
                        f'{words}, {job.crashes} times now; see "akbot jobs settle {job.id}"',
                        swept=False,
                    )
                case Remedy.UNDO:
                    await self._delete_objects(job)
                    await self._end_programs(job)
        except BotError as error:
            return not_yet(ended, words, str(error))
        return Outcome(ended, words.partition(_NOT_YET)[0])

    async def _delete_objects(self, job: Job) -> None:
        """The manifest first: from then on there is no such backup."""
        prefix = backup_prefix(job.plan[STACK], job.id)
        await self._abort_uploads(prefix)
        keys = [each.key async for each in self.store.list(prefix)]
        manifest = [prefix + MANIFEST, prefix + MANIFEST + SIGNATURE_SUFFIX]
        await self.store.delete(*manifest, *(key for key in keys if key not in manifest))

    async def _abort_uploads(self, prefix: str) -> None:
        """Also those whose abort was lost; a service that cannot list them cannot be swept."""
        try:
            await self.store.discard_unfinished(prefix)
            left = await self.store.unfinished(prefix)
        except PortError as error:
            if error.retryable:
                raise
            logger.warning("look for unfinished uploads below %s: %s", prefix, error)
            return
        if left:
            raise PortError(f"abort an upload: {left[0]} is still there", retryable=True)

    async def _end_programs(self, job: Job) -> None:
        """Sessions in the database and throw-away containers; a stopped database has none."""
        await self.engine.remove_throw_aways(job.id)
        stack = await self.engine.find_stack()
        if stack.postgresql.running:
            await self.engine.database(stack, job.id).end_sessions()


def not_yet(state: JobState, words: str, why: str) -> Outcome:
    """The end of a job of which something may be left; it is tried again."""
    return Outcome(state, f"{words.partition(_NOT_YET)[0]}{_NOT_YET}{why})", swept=False)
