"""What becomes of a restore that failed or was cut off: the state before serves, or the new one.

Which of the two is decided by what is true on the stack, not by what the journal hoped for. Nothing
here waits for the journal or the store before the stack serves again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.domain.errors import BotError, PortError
from bot.domain.jobs import Job, JobState, Outcome, judge_unfinished
from bot.domain.jobs import Remedy as JobRemedy
from bot.domain.restore import (
    KEPT,
    KEPT_SINCE,
    PHASE,
    Kept,
    Phase,
    RestorePlan,
    phase_of,
    plan_of,
)
from bot.domain.restore_from_nothing import NO_WAY_BACK
from bot.domain.restore_recovery import Remedy, Truth, decide
from bot.services.gate import GateError, GatePatience, hold_gate
from bot.services.half_backups import HalfBackups
from bot.services.journal_ports import JobJournal
from bot.services.outage import is_own, once_it_answers
from bot.services.ports import Clock, Engine
from bot.services.restore_ports import Tools, Workplace
from bot.services.settling import NOT_YET, not_yet, stuck
from bot.services.switch import Switch

UNCHANGED = "nothing that serves was changed"
_TILL = "until AKBOT_SNAPSHOT_KEEP has passed and a newer backup is good"
_AWAY = {Phase.SWITCH, Phase.START}  # nobody is served in them

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RestoreRecovery:
    """Settles restores; *backups* removes a safety backup that was not finished."""

    engine: Engine
    backups: HalfBackups
    journal: JobJournal
    clock: Clock
    workplace: Workplace
    patience: GatePatience

    async def settle(self, job: Job, state: JobState, words: str) -> Outcome:
        """Let one whole state serve, remove the rest, and say which one serves."""
        words = words.partition(NOT_YET)[0]
        if judge_unfinished(job, committed=False) is JobRemedy.ASK:
            return stuck(job, words)
        try:
            waited = await self._wait_for_the_stack(job, state)
            await self.engine.remove_throw_aways(job.id)
            plan = plan_of(job.plan)
            if plan is None:
                outcome = Outcome(state, f"{words}; {UNCHANGED}" if job.plan else words)
            else:
                later = waited or job.state is not JobState.RUNNING
                outcome = await self._on_the_stack(job, plan, state, words, later=later)
            if outcome.swept:
                await self.backups.drop(job)
        except BotError as error:
            return not_yet(state, words, str(error))
        return outcome

    async def _on_the_stack(
        self, job: Job, plan: RestorePlan, state: JobState, words: str, *, later: bool
    ) -> Outcome:
        tools = await self._reach(plan)
        switch = Switch(plan, tools, self.workplace)
        phase, interrupted = phase_of(job.plan), state is JobState.INTERRUPTED
        truth = Truth(
            await tools.databases.names() if plan.database else frozenset(),
            await tools.files.states(plan.sources),
            phase is Phase.SWITCH and await _is_open(plan, tools),
            later=later,
            set_aside=job.plan.get(KEPT) == Kept.FAILED,
        )
        match remedy := decide(plan, phase, truth, interrupted=interrupted):
            case Remedy.DROP_NEW:
                await switch.drop_staged()
                return Outcome(state, f"{words}; {UNCHANGED}")
            case Remedy.SWAP_BACK:
                doubts = await switch.back()
                try:
                    await switch.drop_staged()
                except BotError as error:  # it is told once, since the next try finds all in place
                    return not_yet(state, "; ".join([words, *doubts]), str(error))
                return Outcome(state, await self._words_back(switch, words, doubts))
            case Remedy.SET_ASIDE | Remedy.GATE_THEN_KEEP:
                gated = remedy is Remedy.GATE_THEN_KEEP
                settle = self._gate_then_keep if gated else self._set_aside
                return await settle(job, switch, state, words)
            case Remedy.KEEP:
                return await self._kept(plan)
            case Remedy.ASK:
                why = "the stack's databases are not as a restore leaves them"
                return stuck(job, f"{words}; {why}")

    async def _wait_for_the_stack(self, job: Job, state: JobState) -> bool:
        """Whether it was away: what was started may have served meanwhile.

        Where the switch had begun nobody is served before it is undone.
        """
        plan = plan_of(job.plan)
        if not (plan and phase_of(job.plan) in _AWAY and is_own(job, state)):
            return False
        try:
            await self._reach(plan)
        except PortError:
            await once_it_answers(partial(self._reach, plan), self.clock)
            return True
        return False

    async def _reach(self, plan: RestorePlan) -> Tools:
        """Docker and PostgreSQL, and nothing of ours is renamed behind our back."""
        tools = await self.workplace.tools(plan.site, plan.job)
        if plan.database:
            await tools.databases.end_sessions()
        return tools

    async def _gate_then_keep(
        self, job: Job, switch: Switch, state: JobState, words: str
    ) -> Outcome:
        """It may have served for hours: only what does not hold goes back, and is kept aside."""
        await switch.restart()
        try:
            await hold_gate(switch.tools.probe, switch.expected, self.patience, self.clock)
        except GateError as error:
            return await self._set_aside(job, switch, state, f"{words}; {error}")
        await self.journal.plan(job.id, {PHASE: Phase.KEEP, KEPT: Kept.BEFORE})
        return await self._kept(switch.plan)

    async def _set_aside(self, job: Job, switch: Switch, state: JobState, words: str) -> Outcome:
        """Let the state before serve; what had served stays beside it, however often this fails."""
        if job.plan.get(KEPT) != Kept.FAILED:
            await self._remember(job)
        doubts = await switch.back()
        aside = await self._words_back(switch, words, doubts)
        if switch.plan.database:
            aside += f'; what had served is kept as database "{switch.plan.incoming}", {_TILL}'
        return Outcome(state, aside)

    async def _remember(self, job: Job) -> None:
        """Let it be swept some day; the way back does not wait for a journal that fails."""
        now = self.clock.now().isoformat()
        try:
            await self.journal.plan(job.id, {KEPT: Kept.FAILED, KEPT_SINCE: now})
        except PortError as error:
            logger.warning("remember what the restore %s keeps: %s", job.id, error)

    async def _words_back(self, switch: Switch, words: str, doubts: Sequence[str]) -> str:
        if switch.plan.from_nothing:  # which no gate would let pass
            gone = f'without a database "{switch.plan.site.database}"'
            return "; ".join([words, f"the state before is in place again, {gone}", *doubts])
        version = f", Authentik {switch.plan.site.version}" if switch.plan.site.version else ""
        again = f"the state before serves again{version}, its data whole"
        back = "; ".join([words, again, *doubts])
        patience = GatePatience(0, self.patience.timeout)
        try:
            await hold_gate(switch.tools.probe, switch.expected_back, patience, self.clock)
        except GateError as error:
            return f"{back}, but {error}"
        return back

    async def _kept(self, plan: RestorePlan) -> Outcome:
        if plan.undoes:  # that out of which it has taken all
            emptied = await self.workplace.tools(plan.site, plan.undoes)
            await emptied.files.discard(plan.sources)
            if emptied.sessions:
                await emptied.sessions.discard()
        what = f"the undo of {plan.undoes}" if plan.undoes else plan.source
        back = f"; {NO_WAY_BACK}" if plan.from_nothing else ""
        return Outcome(JobState.DONE, f"{what} serves: it had been started and holds{back}")


async def _is_open(plan: RestorePlan, tools: Tools) -> bool:
    if plan.database:
        return await tools.databases.is_open(plan.site.database)
    return (await tools.probe.look()).is_ready
