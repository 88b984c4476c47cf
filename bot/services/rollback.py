"""Take the last update back: the version from before it serves again, its database included."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.domain.cut_off import require_no_guests
from bot.domain.downtime import came_back, gone
from bot.domain.errors import BotError, PortError, RefusedError
from bot.domain.jobs import ALL_JOBS, Job, JobState, Outcome, Trigger, judge_unfinished
from bot.domain.jobs import Remedy as JobRemedy
from bot.domain.messages import RunBackup, RunRollback
from bot.domain.restore import GOING_AWAY, KEPT, Kept
from bot.domain.rollback import NOT_BACK, MadeUpdate, RollbackPreview, copied_at, last_update
from bot.domain.schema_change import judge_change, rows_moved
from bot.domain.update import (
    COPIED,
    COPY_STAYS,
    HOP,
    PHASE,
    PLAN,
    SERVES,
    UNDOES,
    Phase,
    UpdatePlan,
    encode_plan,
    hop_of,
    phase_of,
    plan_of,
)
from bot.domain.update_gate import Verdict
from bot.domain.update_words import joined, not_held_words, put_back_words
from bot.services.backup import BackupService
from bot.services.compose_ports import ComposeFiles
from bot.services.half_backups import HalfBackups
from bot.services.journal_ports import JobJournal
from bot.services.outage import before_anything, is_own, once_it_answers
from bot.services.ports import Clock, Engine, JobLog, Publish
from bot.services.restore_ports import Workplace
from bot.services.settling import NOT_YET, not_yet, stuck, then_clean
from bot.services.switch import Begin, telling
from bot.services.update_database import PutBack
from bot.services.update_memory import UpdateMemory
from bot.services.update_ports import Gates, Guests
from bot.services.update_roll import Roll

_WITHOUT_BACKUP = (
    '"akbot rollback --no-safety-backup" goes back without a backup of what serves now.'
)

ConfirmRollback = Callable[[RollbackPreview], Awaitable[bool]]
"""Asks a person whether that shall be done."""


class NotBackError(BotError):
    """The version before was started and does not hold."""


@dataclass(frozen=True)
class RolledBack:
    """What serves again, in *words*, and how long it took."""

    job: str
    version: str | None
    words: str
    seconds: float


def rolled_back_after_all(clock: Clock, job: Job, outcome: Outcome) -> RolledBack:
    """What is told of a rollback that met an outage on its way and then came to its end."""
    plan = plan_of(job.plan)
    seconds = (clock.now() - job.started).total_seconds()
    return RolledBack(job.id, plan.site.version if plan else None, outcome.message, seconds)


@dataclass(frozen=True)
class WayBackDown:
    """Goes the way back from an update that serves; the same for whoever finishes it later."""

    workplace: Workplace
    gates: Gates
    project: ComposeFiles
    clock: Clock
    kept_for: timedelta

    async def roll(self, made: MadeUpdate) -> Roll:
        """From all hops that were made to before the first of them."""
        tools = await self.workplace.tools(made.plan.site, made.plan.key(1))
        return Roll(made.plan, 1, tools, self.workplace, self.project, last=made.made)

    async def go(self, roll: Roll, copied: datetime | None) -> tuple[PutBack, str]:
        """Let the version before serve, on what was *copied* then; what was done, and in words.

        Raises NotBackError where it does not hold.
        """
        done = await roll.back()
        until = self.clock.now() + self.kept_for
        told = put_back_words(
            roll.plan, 1, done.change, done.moved, done.aside, until=until, copied=copied
        )
        words = "; ".join([told, *done.doubts])
        judgement = await self.gates.of(roll.plan.site).hold(roll.wanted_before)
        if judgement.verdict is Verdict.ROLL_BACK:
            raise NotBackError(not_held_words(words, judgement.reason))
        return done, words


@dataclass(frozen=True)
class RollbackService:
    """`akbot rollback`."""

    engine: Engine
    journal: JobJournal
    way: WayBackDown
    backup: BackupService
    memory: UpdateMemory
    clock: Clock
    publish: Publish
    guests: Guests

    async def preview(self, command: RunRollback) -> RollbackPreview:
        """What would be taken back.

        Raises RefusedError where there is nothing, it would cut somebody off, or Docker or
        PostgreSQL is away.
        """
        with before_anything(NOT_BACK):
            made = await self._last()
            return await self._preview(made, await self.way.roll(made), command)

    async def run(self, command: RunRollback, job: JobLog, confirm: ConfirmRollback) -> RolledBack:
        """Take it back, and return once the version before has held at the gate.

        Raises RefusedError, and nothing was changed, where there is nothing to take back, nobody
        agreed, or store, Docker or PostgreSQL is away before it begins; NotBackError where the
        version before does not hold.
        """
        started, begin = self.clock.monotonic(), telling(job, self.publish)
        with before_anything(NOT_BACK):
            made, roll = await self._get_ready(command, job, confirm, begin)
        plan = made.plan
        await job.commit(
            **{PLAN: encode_plan(plan), UNDOES: plan.job, HOP: str(made.made), PHASE: Phase.BACK},
            **{COPIED: made.copied.isoformat()},
            **gone(self.clock.now()),
        )
        away_since = self.clock.monotonic()
        await begin(GOING_AWAY)
        await roll.tools.databases.end_sessions()
        done, words = await self.way.go(roll, made.copied)
        held_since = self.clock.monotonic() - self.way.gates.stable
        copy_stays = done.copy_stays
        kept = _kept(words, copy_stays=copy_stays)
        await job.note(**kept, **came_back(held_since - away_since))
        await self.memory.remember(plan.hop(made.made), _taken_back(command.actor))
        await _clean(self.journal, roll, copy_stays=copy_stays)
        seconds = self.clock.monotonic() - started
        return RolledBack(job.id, plan.site.version, words, seconds)

    async def _get_ready(
        self, command: RunRollback, job: JobLog, confirm: ConfirmRollback, begin: Begin
    ) -> tuple[MadeUpdate, Roll]:
        """All that is done beside what serves: what is taken back, and the way."""
        made = await self._last()
        roll = await self.way.roll(made)
        if not await confirm(await self._preview(made, roll, command)):
            raise RefusedError(
                "the rollback was not confirmed", hint="Nothing was changed. --yes confirms it."
            )
        await roll.have_images()
        if command.safety_backup:
            await begin("backing up the state before")
            await self._back_up(command, job)
        return made, roll

    async def _back_up(self, command: RunRollback, job: JobLog) -> None:
        try:
            await self.backup.run(RunBackup(trigger=Trigger.SAFETY, actor=command.actor), job)
        except PortError as error:
            raise PortError(str(error), hint=error.hint or _WITHOUT_BACKUP) from error

    async def _last(self) -> MadeUpdate:
        made = last_update(await self.journal.jobs(ALL_JOBS))
        if made is None:
            raise RefusedError(
                "there is no update to take back",
                hint="What it keeps goes a day later, after a newer backup: restore one instead.",
            )
        return made

    async def _preview(self, made: MadeUpdate, roll: Roll, command: RunRollback) -> RollbackPreview:
        databases, plan = roll.tools.databases, made.plan
        stack = await self.engine.find_stack()
        site = await self.way.workplace.survey(stack)
        if site.version != made.version or plan.snapshot(1) not in await databases.names():
            raise RefusedError(
                f"the update to {made.version} cannot be taken back any more: {site.version} runs,"
                f" or what it has kept is gone. {NOT_BACK}",
                hint='Restore a backup instead: "akbot restore".',
            )
        require_no_guests(await self.guests(stack))
        await roll.require_way_back()
        before, now = await asyncio.gather(
            databases.facts(plan.snapshot(1)), databases.facts(plan.site.database)
        )
        moved = rows_moved(before, now)
        return RollbackPreview(
            update=plan.job,
            version_now=made.version,
            version_then=plan.site.version,
            since=made.copied,
            change=judge_change(before, now),
            written=moved.more,
            gone=moved.fewer,
            kept_hours=self.way.kept_for.total_seconds() / 3600,
            safety_backup=command.safety_backup,
        )


@dataclass(frozen=True)
class RollbackRecovery:
    """Settles rollbacks: one that had begun is gone to its end."""

    engine: Engine
    journal: JobJournal
    way: WayBackDown
    backups: HalfBackups
    memory: UpdateMemory
    clock: Clock

    async def settle(self, job: Job, state: JobState, words: str) -> Outcome:
        """Let the version before serve, unless nothing was changed yet."""
        words = words.partition(NOT_YET)[0]
        if judge_unfinished(job, committed=False) is JobRemedy.ASK:
            return stuck(job, words)
        try:
            await self._wait_for_the_stack(job, state)
            await self.engine.remove_throw_aways(job.id)
            outcome = await self._on_the_stack(job, state, words)
        except NotBackError as error:
            return Outcome(JobState.STUCK, joined(words, error.in_full()), swept=False)
        except BotError as error:
            return not_yet(state, words, error.in_full())
        return await then_clean(outcome, self.backups.drop(job)) if outcome.swept else outcome

    async def _wait_for_the_stack(self, job: Job, state: JobState) -> None:
        """Once it has begun nobody is served before it is done."""
        plan = plan_of(job.plan)
        if plan and phase_of(job.plan) is not Phase.KEEP and is_own(job, state):
            await once_it_answers(partial(self._reach, job, plan), self.clock)

    async def _reach(self, job: Job, plan: UpdatePlan) -> Roll:
        roll = await self.way.roll(MadeUpdate(plan, hop_of(job.plan), job.started))
        await roll.tools.databases.end_sessions()
        return roll

    async def _on_the_stack(self, job: Job, state: JobState, words: str) -> Outcome:
        plan = plan_of(job.plan)
        if plan is None:
            return Outcome(state, joined(words, "Nothing was changed"))
        await self.memory.remember(plan.hop(hop_of(job.plan)), _taken_back(job.actor))
        if phase_of(job.plan) is Phase.KEEP:  # it had held, and has served since
            known = job.plan.get(SERVES, f"{plan.site.version} serves again")
            told = words if state is JobState.DONE else known
            copy_stays = bool(job.plan.get(COPY_STAYS))
        elif state is JobState.DONE:  # so it had; but all that could be written is its end
            told, copy_stays = words, True
        else:
            done, told = await self.way.go(await self._reach(job, plan), copied_at(job))
            copy_stays = done.copy_stays
        cleaning = self._clean(job, plan, _kept(told, copy_stays=copy_stays))
        return await then_clean(Outcome(JobState.DONE, told), cleaning)

    async def _clean(self, job: Job, plan: UpdatePlan, kept: dict[str, str]) -> None:
        await self.journal.plan(job.id, kept)
        copy_stays = bool(kept[COPY_STAYS])
        await _clean(self.journal, await self._reach(job, plan), copy_stays=copy_stays)


def _kept(words: str, *, copy_stays: bool) -> dict[str, str]:
    """The facts of a rollback that has held: what the hops have left it keeps for a while.

    The image of what was taken back at least.
    """
    return {
        PHASE: Phase.KEEP,
        KEPT: Kept.FAILED,
        SERVES: words,
        COPY_STAYS: "1" if copy_stays else "",
    }


async def _clean(journal: JobJournal, roll: Roll, *, copy_stays: bool) -> None:
    """The update itself keeps nothing any more."""
    await journal.plan(roll.plan.job, {KEPT: ""})
    await roll.clean(copy_stays=copy_stays)


def _taken_back(actor: str) -> str:
    return f"the update to it was taken back by {actor}"
