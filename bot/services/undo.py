"""What becomes of a backup that did not end well: it is found whole, or nothing of it is left.

The same for one that failed, one that was cancelled, and one whose process was killed. What a prune
was deleting then goes to its end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from bot.domain.backup_id import BackupId
from bot.domain.errors import BotError
from bot.domain.jobs import (
    TAKE_SERVER_AWAY,
    Job,
    JobKind,
    JobState,
    Outcome,
    Remedy,
    cut_off,
    judge_unfinished,
)
from bot.domain.signature import PublicKey
from bot.domain.way_back import nobody_may_be_served, one_more_try, people_hear_again, rests
from bot.services.catalogue import find_backup
from bot.services.deletion import (
    COPYING,
    DELETING,
    REKEYED_AS,
    REKEYING,
    STACK,
    delete_set,
    deleted_so_far,
    is_half_a_set,
    sweep_set,
)
from bot.services.job_in_hand import working_on
from bot.services.journal_ports import JobJournal
from bot.services.late_answers import LateAnswers
from bot.services.ports import Clock, Engine
from bot.services.settling import NOT_YET, WHOLE_STATES, backed_up, not_yet, stuck
from bot.services.store_ports import BackupStore
from bot.services.stores import IN_STORE, Place, Stores

Settle = Callable[[Job, JobState, str], Awaitable[Outcome]]
"""Finds out what became of a job of some kind, undoes it where need be, and says how it ends."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Undo:
    """Settles jobs that did not end well, and looks once more after a while for what came late.

    *trusted* says whose signatures count.

    *settler* gives what settles a kind of jobs that change more than the store.
    """

    engine: Engine
    stores: Stores
    journal: JobJournal
    clock: Clock
    trusted: Callable[[], frozenset[PublicKey]]
    settler: Callable[[JobKind], Settle | None] = lambda _: None

    @cached_property
    def late(self) -> LateAnswers:
        """What looks once more for what a store wrote after it was given up."""
        return LateAnswers(self.stores, self.journal, self.clock)

    async def recover(self, *, at_leisure: bool = False) -> list[Job]:
        """Settle every open job; the caller holds the lock, so none of them is running.

        What cannot be undone yet, because the store or the Engine does not answer, stays open; *at
        leisure* what was tried often enough waits for its time.
        Returns those of which that is news, as they stand now.
        """
        settled: list[Job] = []
        for job in await self.journal.open_jobs():
            if at_leisure and rests(job, self.clock.now()):
                continue
            died = job.state is JobState.RUNNING
            left = await self.journal.crashed(job.id) if died else job
            try:
                with working_on(job.id):
                    outcome = await self.settle(left, JobState.INTERRUPTED, cut_off(job))
            except asyncio.CancelledError:  # stopped in order, so that was no crash
                parked = not_yet(JobState.INTERRUPTED, cut_off(job), "stopped again in it")
                await self.journal.finish(job.id, parked, job.ended or self.clock.now())
                raise
            ended = job.ended or self.clock.now()
            await self.journal.finish(job.id, outcome, ended)
            now = await self._count(await self.as_written(left.ending(outcome, ended)))
            if died or outcome.swept or (nobody_may_be_served(now) and people_hear_again(now)):
                settled.append(now)
        await self.late.sweep()
        return settled

    async def as_written(self, job: Job) -> Job:
        """*job* with what settling it has written down of the way back meanwhile."""
        if job.kind not in TAKE_SERVER_AWAY:
            return job
        try:
            written = await self.journal.job(job.id)
        except BotError as error:  # then it is told by what was known before
            logger.warning("read how far %s is: %s", job.id, error)
            return job
        return replace(job, plan=written.plan) if written else job

    async def _count(self, job: Job) -> Job:
        """Write down that its way back was tried in vain, where it was."""
        if not nobody_may_be_served(job):
            return job
        facts = one_more_try(job, self.clock.now())
        try:
            await self.journal.plan(job.id, facts)
        except BotError as error:  # then it is tried as often as before
            logger.warning("count the tries of %s: %s", job.id, error)
            return job
        return replace(job, plan={**job.plan, **facts})

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
        other = self._settle_drill if job.kind is JobKind.DRILL else self.settler(job.kind)
        if other:
            return await other(job, ended, words)
        if STACK not in job.plan:  # it had not come so far as to begin anything
            return Outcome(ended, words)
        try:
            if of_sets := self._of_sets.get(job.kind):
                return await of_sets(job, ended, words)
            whole, lacking = await self._look_for(job)
            match judge_unfinished(job, committed=bool(whole)):
                case Remedy.ACCEPT:
                    ended, words = JobState.DONE, backed_up(lacking)
                    await self._sweep(job, but=whole)
                    await self._end_programs(job)
                case Remedy.ASK:
                    return stuck(job, words)
                case Remedy.UNDO:
                    await self._sweep(job, but=())
                    await self._end_programs(job)
        except BotError as error:
            return not_yet(ended, words, str(error))
        return Outcome(ended, words.partition(NOT_YET)[0])

    @property
    def _of_sets(self) -> Mapping[JobKind, Settle]:
        """What settles the kinds of jobs that work on backups that there are."""
        return {
            JobKind.PRUNE: self._settle_sets,
            JobKind.DELETE: self._settle_sets,
            JobKind.COPY: self._settle_sets,
            JobKind.REKEY: self._settle_rekey,
        }

    async def _look_for(self, job: Job) -> tuple[set[str], dict[str, str]]:
        """The stores that have the job's backup whole; the others, and why they have not."""
        stack, trusted = job.plan[STACK], self.trusted()
        found, silent = await self.stores.ask(
            lambda store: find_backup(store, stack, job.id, trusted)
        )
        whole = {name for name, each in found.items() if each and each.state in WHOLE_STATES}
        lacking = {name: cut_off(job) for name in found if name not in whole}
        return whole, lacking | {name: str(error) for name, error in silent.items()}

    async def _sweep(self, job: Job, *, but: Collection[str]) -> None:
        """Remove what was begun; a store that does not answer beside one that does is left.

        Parts without a manifest are no backup: they go when the store gets that backup as a copy,
        or with a prune.
        """
        if len(but) == len(self.stores.places):
            return
        stack = job.plan[STACK]
        try:
            await self.stores.ask(lambda store: sweep_set(store, stack, job.id), but=but)
        except BotError as error:
            if not but:
                raise
            logger.warning("sweep what %s left: %s", job.id, error)

    async def _settle_drill(self, job: Job, ended: JobState, words: str) -> Outcome:
        """It changed nothing; its containers go."""
        try:
            await self.engine.remove_throw_aways(job.id)
        except BotError as error:
            return not_yet(ended, words, str(error))
        return Outcome(ended, words.partition(NOT_YET)[0])

    async def _settle_sets(self, job: Job, ended: JobState, words: str) -> Outcome:
        """What it had half deleted or half copied goes; all else is whole, for the next one."""
        is_prune = job.kind is JobKind.PRUNE
        fact = COPYING if job.kind is JobKind.COPY else DELETING
        if await self._finish_half(job, fact) is Remedy.ASK:
            return stuck(job, words)
        words = words.partition(NOT_YET)[0]
        return Outcome(ended, f"{words}; {deleted_so_far(job.plan)}" if is_prune else words)

    async def _settle_rekey(self, job: Job, ended: JobState, words: str) -> Outcome:
        """What is not whole goes: of the new one, and of an old one that was being deleted.

        An old one that is whole stays, for the next rekey to delete.
        """
        names = [BackupId(job.plan[each]) for each in (REKEYING, REKEYED_AS) if job.plan.get(each)]
        stack = job.plan[STACK]

        async def halves(store: BackupStore) -> list[BackupId]:
            return [each for each in names if await is_half_a_set(store, stack, each)]

        async def sweep(store: BackupStore) -> None:
            for each in await halves(store):
                await delete_set(store, stack, each)

        found, _ = await self.stores.ask(halves)
        if judge_unfinished(job, committed=not any(found.values())) is Remedy.ASK:
            return stuck(job, words)
        await self.stores.ask(sweep)
        return Outcome(ended, words.partition(NOT_YET)[0])

    async def _finish_half(self, job: Job, fact: str) -> Remedy:
        """Delete the set that *fact* of the job's plan names, if it is no backup (any more)."""
        place, name = self._place_of(job), job.plan.get(fact)
        if place is None or not name:
            return Remedy.ACCEPT
        stack, backup_id = job.plan[STACK], BackupId(name)
        half = await is_half_a_set(place.store, stack, backup_id)
        remedy = judge_unfinished(job, committed=not half)
        if remedy is Remedy.UNDO:
            await delete_set(place.store, stack, backup_id)
        return remedy

    def _place_of(self, job: Job) -> Place | None:
        """The store in which it worked, None where the settings do not name that one any more."""
        return self.stores.named(job.plan.get(IN_STORE, ""))

    async def _end_programs(self, job: Job) -> None:
        """Sessions in the database and throw-away containers; a stopped database has none."""
        await self.engine.remove_throw_aways(job.id)
        stack = await self.engine.find_stack()
        if stack.may_be_asked:
            await self.engine.database(stack, job.id).end_sessions()
