"""One mutating job at a time, in the journal before it acts, and found whole or undone after.

`Jobs.run` is the one way in: it takes the lock, settles what an earlier process left, writes the
job down, does the work, and writes how it ended.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bot.domain.backup_id import SUFFIX_ALPHABET, SUFFIX_LENGTH, make_backup_id
from bot.domain.errors import BotError, JobCancelledError, PortError, SlotTakenError
from bot.domain.job_failure import notes_on, reason_of, told_instead, unwritten_note
from bot.domain.jobs import (
    ALL_JOBS,
    OUTAGE,
    TAKE_SERVER_AWAY,
    Job,
    JobState,
    Outcome,
    cut_off,
)
from bot.domain.messages import Command, Event, JobBegan, JobEnded
from bot.domain.slots import slot_is_due
from bot.services.endings import ended, ended_or_left
from bot.services.job_follower import JobFollower
from bot.services.job_in_hand import working_on
from bot.services.job_page import JobPage
from bot.services.journal_ports import JobJournal, JobLock
from bot.services.ports import Clock, Publish
from bot.services.settling import WHOLE, not_yet
from bot.services.undo import Undo

T = TypeVar("T")
Work = Callable[[JobPage, Publish], Awaitable[T]]
Begun = Callable[[Job], None]
Listener = Callable[[Job, Event], None]
"""Is told what happens in a job; it never blocks, and what it raises stops nobody."""

_LET_GO_WITHIN = 10.0  # seconds of the two minutes that a container has to stop,
_UNDO_WITHIN = 20.0  # and likewise

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Jobs:
    """Runs jobs; *listeners* are told what happens in them."""

    journal: JobJournal
    lock: JobLock
    undo: Undo
    clock: Clock
    listeners: Sequence[Listener] = ()
    settling: asyncio.Lock = field(default_factory=asyncio.Lock)
    let_go_within: float = _LET_GO_WITHIN
    undo_within: float = _UNDO_WITHIN

    async def run(
        self,
        command: Command,
        work: Work[T],
        begun: Begun | None = None,
        words: Callable[[T], str] = lambda _: WHOLE,
        after_all: Callable[[Job, Outcome], T] | None = None,
    ) -> T:
        """Do *work* as the one mutating job, and return what it returns.

        *begun* is called once the job is in the journal, where *words* stand at its end.
        *after_all* makes the result of a job that failed and was then gone to its end.
        Raises BusyError when another job runs, SlotTakenError when its slot needs no run any more,
        JobCancelledError when somebody asked to cancel it,
        and what *work* raises. Whatever it was, nothing half-done is left, or the journal knows of
        it and it is undone as soon as store and Engine answer.
        """
        async with self.settling:
            pass  # what an earlier process left comes first, and is no reason to refuse
        job = self._new(command)
        with working_on(job.id):
            async with self.lock.hold(job):
                await self._settle_earlier()
                await self._require_slot(job)
                await self._begin(job)
                self._tell(job, JobBegan(job))
                if begun:
                    begun(job)
                return await self._to_its_end(job, work, words, after_all)

    async def recover(self, *, at_leisure: bool = False) -> Sequence[Job]:
        """Settle what an earlier process left; what cannot be undone yet is still open after.

        *at_leisure*: what was tried often enough is tried less often.

        Raises BusyError when a job runs: then there is nothing to settle.
        """
        async with self.settling:
            if not await self.journal.open_jobs() and not await self.undo.late.due():
                await self.undo.sweep_containers()
                return ()
            async with self.lock.hold(None):
                return await self._settle_earlier(at_leisure=at_leisure)

    async def settle(self, job: Job) -> Job:
        """Take a person's word that nothing has to be done about *job* any more."""
        async with self.lock.hold(None):
            outcome = Outcome(JobState.INTERRUPTED, f"{job.message}; settled by hand")
            if job.state not in {JobState.STUCK, JobState.RUNNING}:
                outcome = Outcome(job.state, outcome.message)
            ended = job.ended or self.clock.now()
            await self.journal.finish(job.id, outcome, ended)
            return job.ending(outcome, ended)

    def _new(self, command: Command) -> Job:
        now = self.clock.now()
        return Job(
            id=make_backup_id(now, self.clock.random_text(SUFFIX_ALPHABET, SUFFIX_LENGTH)),
            kind=command.kind,
            trigger=command.trigger,
            actor=command.actor,
            started=now,
            origin=command.origin,
            slot=command.slot,
            label=command.label,
        )

    async def _require_slot(self, job: Job) -> None:
        """Ask once more: an earlier run of the slot may just have been found whole."""
        if job.slot is None:
            return
        jobs = await self.journal.jobs(ALL_JOBS)
        if not slot_is_due(jobs, job.kind, job.slot, self.clock.now()):
            raise SlotTakenError(f"the {job.kind} of {job.slot:%H:%M} UTC has had its run")

    async def _begin(self, job: Job) -> None:
        try:
            await self.journal.begin(job)
        except asyncio.CancelledError:  # it is written all the same, and nothing was done yet
            await self.journal.finish(
                job.id, Outcome(JobState.INTERRUPTED, cut_off(job)), self.clock.now()
            )
            raise

    async def _settle_earlier(self, *, at_leisure: bool = False) -> Sequence[Job]:
        await self.undo.sweep_containers()
        settled = await self.undo.recover(at_leisure=at_leisure)
        for job in settled:
            self._tell(job, JobEnded(job))
        return settled

    async def _to_its_end(
        self,
        job: Job,
        work: Work[T],
        words: Callable[[T], str],
        after_all: Callable[[Job, Outcome], T] | None,
    ) -> T:
        follower = JobFollower(job, self.journal, self.clock, self._tell)
        page = JobPage(self.journal, job.id, follower.heed)
        working = asyncio.ensure_future(work(page, follower.publish))
        following = asyncio.create_task(follower.follow(working))
        try:
            result = await ended_or_left(working, self.let_go_within)
        except BaseException as error:
            await ended(following)
            unfinished = replace(job, plan=page.facts)
            outcome, open_still = await self._failed(
                unfinished, follower, error, hangs=not working.done()
            )
            if follower.cancelled_by and isinstance(error, asyncio.CancelledError):
                raise JobCancelledError(f"cancelled by {follower.cancelled_by}") from error
            if isinstance(error, BotError) and outcome.state is JobState.DONE and after_all:
                logger.warning("%s went to its end all the same: %s", job.id, error)
                return after_all(unfinished, outcome)
            if isinstance(error, Exception) and (other := told_instead(unfinished, outcome, error)):
                if open_still:
                    other.add_note(open_still)
                raise other from error
            raise
        await ended(following)
        try:
            finished = replace(job, plan=page.facts)
            await self._finish(finished, Outcome(JobState.DONE, words(result)))
        except BotError as unwritten:
            unwritten.add_note(f"The {job.kind} {job.id} itself is done: {words(result)}.")
            raise
        return result

    async def _failed(
        self, job: Job, follower: JobFollower, error: BaseException, *, hangs: bool
    ) -> tuple[Outcome, str]:
        """Undo what *error* has left, and say so; what cannot be undone now is a note on it.

        The second is what a person must do before its end can be written; "" where it is.
        """
        state, reason = JobState.FAILED, reason_of(error)
        if isinstance(error, PortError):
            job = await self._note_outage(job)
        if isinstance(error, asyncio.CancelledError):
            actor = follower.cancelled_by
            state = JobState.CANCELLED if actor else JobState.INTERRUPTED
            reason = f"cancelled by {actor}" if actor else cut_off(job)
        if hangs:  # what it may still do cannot be undone beside it
            outcome = not_yet(state, reason, "a call of it had not ended")
        else:
            outcome = await self._undone(job, state, reason)
        job = await self.undo.as_written(job)
        for note in notes_on(job, outcome, reason):
            error.add_note(note)
        try:
            await self._finish(job, outcome)
        except BotError as unwritten:
            open_still = unwritten_note(job, unwritten)
            error.add_note(open_still)
            return outcome, open_still
        return outcome, ""

    async def _note_outage(self, job: Job) -> Job:
        """Write down that it may go better later; where that fails, it is not tried again."""
        try:
            await self.journal.plan(job.id, {OUTAGE: "yes"})
        except BotError as error:
            logger.warning("note the outage in %s: %s", job.id, error)
            return job
        return replace(job, plan={**job.plan, OUTAGE: "yes"})

    async def _undone(self, job: Job, state: JobState, reason: str) -> Outcome:
        """Undo; a process that is being stopped leaves to the next one what takes too long.

        Not so a restore or an update: until it is undone or holds nobody may be served.
        """
        undoing = asyncio.ensure_future(self.undo.settle(job, state, reason))
        may_wait = state is JobState.INTERRUPTED and job.kind not in TAKE_SERVER_AWAY
        within = self.undo_within if may_wait else None
        try:
            await asyncio.wait({undoing}, timeout=within)
        except asyncio.CancelledError:
            undoing.cancel()
            now = await self.undo.as_written(job)
            await self._finish(now, not_yet(state, reason, "the bot was stopped"))
            raise
        if undoing.done():
            return undoing.result()
        undoing.cancel()
        return not_yet(state, reason, f"not within {within:g} seconds")

    async def _finish(self, job: Job, outcome: Outcome) -> None:
        ended = self.clock.now()
        await self.journal.finish(job.id, outcome, ended)
        now = job.ending(outcome, ended)
        self._tell(now, JobEnded(now))

    def _tell(self, job: Job, event: Event) -> None:
        for listener in self.listeners:
            try:
                listener(job, event)
            except Exception:  # boundary: a listener must not fail the job
                logger.exception("a listener failed on %s", type(event).__name__)
