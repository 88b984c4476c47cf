"""What becomes of an update that failed or was cut off: the version before serves, or the new one.

Which of the two is decided by what is true on the stack, not by what the journal hoped for. Nothing
here waits for the journal or the store before the stack serves again.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.domain.downtime import seconds_away
from bot.domain.errors import BotError, PortError
from bot.domain.jobs import Job, JobState, Outcome, judge_unfinished
from bot.domain.jobs import Remedy as JobRemedy
from bot.domain.messages import RunUpdate
from bot.domain.restore import KEPT, Kept
from bot.domain.update import (
    AROUND,
    ASKED_UNTIL,
    COPY_STAYS,
    EVIDENCE,
    HOP,
    PHASE,
    SERVES,
    UNTOUCHED,
    Phase,
    UpdatePlan,
    hop_of,
    phase_of,
    plan_of,
    promoted,
)
from bot.domain.update_gate import Judgement, Verdict
from bot.domain.update_recovery import Remedy, decide, may_answer_until
from bot.domain.update_words import (
    away_words,
    blamed_words,
    called_off_words,
    evidence_words,
    joined,
    not_held_words,
    put_back_words,
    stopped_on_the_way,
    to_be_moved_words,
)
from bot.services.compose_ports import ComposeFiles
from bot.services.half_backups import HalfBackups
from bot.services.journal_ports import JobJournal
from bot.services.outage import is_being_stopped, is_own, once_it_answers
from bot.services.ports import Clock, Engine
from bot.services.restore_ports import Tools, Workplace
from bot.services.settling import NOT_YET, not_yet, stuck, then_clean
from bot.services.update_memory import UpdateMemory
from bot.services.update_ports import AskWhoeverBegan, Evidence, Gates
from bot.services.update_roll import Roll

_NOT_IN_HAND = {Phase.READY, Phase.KEEP}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class UpdateRecovery:
    """Settles updates; *backups* removes a backup that was not finished.

    A question with which a process died is put once more, by *ask_whoever_began*.
    """

    engine: Engine
    journal: JobJournal
    workplace: Workplace
    gates: Gates
    project: ComposeFiles
    evidence: Evidence
    memory: UpdateMemory
    backups: HalfBackups
    clock: Clock
    kept_for: timedelta
    ask_whoever_began: AskWhoeverBegan

    async def settle(self, job: Job, state: JobState, words: str) -> Outcome:
        """Let one whole version serve, remove the rest, and say which one serves."""
        words = words.partition(NOT_YET)[0]
        if judge_unfinished(job, committed=False) is JobRemedy.ASK:
            return stuck(job, words)
        try:
            reached = await self._wait_for_the_stack(job, state)
            await self.engine.remove_throw_aways(job.id)
            outcome = await self._on_the_stack(job, state, words, reached)
        except BotError as error:
            return not_yet(state, words, error.in_full())
        return await then_clean(outcome, self.backups.drop(job)) if outcome.swept else outcome

    async def _on_the_stack(
        self, job: Job, state: JobState, words: str, reached: Tools | None
    ) -> Outcome:
        plan, number, phase = plan_of(job.plan), hop_of(job.plan), phase_of(job.plan)
        if plan is None:
            return Outcome(state, joined(words, UNTOUCHED))
        if phase in _NOT_IN_HAND:
            return await self._between(job, plan, state, words)
        tools = reached or await self._reach(plan, number)
        roll = Roll(plan, number, tools, self.workplace, self.project)
        if state is JobState.DONE:  # its last version had held; only its end could be written
            return await self._stays(job, plan, number, Outcome(state, words), promotion(roll))
        if phase is Phase.RETURNED:
            return await self._returned(job, roll, state, words)
        if state is JobState.ROLLED_BACK:  # its end was written, and what it had done was not
            may_need_copy = {COPY_STAYS: "" if phase is Phase.SWITCH else "1"}
            return await self._serves_again(job, roll, state, words, may_need_copy)
        return await self._decided(job, roll, state, words)

    async def _decided(self, job: Job, roll: Roll, state: JobState, words: str) -> Outcome:
        plan, number, phase = roll.plan, roll.number, phase_of(job.plan)
        interrupted = state is JobState.INTERRUPTED
        names = await roll.tools.databases.names()
        match decide(plan, number, phase, names, interrupted=interrupted):
            case Remedy.ASK:
                why = "the stack's databases are not as an update leaves them"
                return stuck(job, f"{words}; {why}")
            case Remedy.GATE:
                return await self._gate(job, roll, state, words)
            case Remedy.CALL_OFF | Remedy.BACK as way:
                swapped = plan.failed(number) in names
                undo = (
                    self._call_off(roll)
                    if way is Remedy.CALL_OFF
                    else self._back(job, roll, swapped=swapped)
                )
                return await self._serves_again(job, roll, state, words, await undo)

    async def _wait_for_the_stack(self, job: Job, state: JobState) -> Tools | None:
        """Where a hop is in hand nobody is served before it is undone; None for any other job."""
        plan = plan_of(job.plan)
        if plan is None or phase_of(job.plan) in _NOT_IN_HAND or not is_own(job, state):
            return None
        return await once_it_answers(partial(self._reach, plan, hop_of(job.plan)), self.clock)

    async def _reach(self, plan: UpdatePlan, number: int) -> Tools:
        """Docker and PostgreSQL, and nothing of ours is copied or renamed behind our back."""
        tools = await self.workplace.tools(plan.site, plan.key(number))
        await tools.databases.end_sessions()
        return tools

    async def _between(self, job: Job, plan: UpdatePlan, state: JobState, words: str) -> Outcome:
        """No hop was in hand: what serves had held at the gate, or nothing was begun."""
        made = promoted(job.plan)
        told = stopped_on_the_way(plan, made + 1) if made else UNTOUCHED
        outcome = Outcome(state, joined(words, told))
        if made == len(plan.hops):
            held = f"{plan.target.version} serves: it had held at the gate"
            outcome = Outcome(JobState.DONE, held + to_be_moved_words(plan.left_behind))
        if not made:
            return await then_clean(outcome, self._keep_images(job))
        return await self._stays(job, plan, made, outcome, job.plan)

    async def _stays(
        self, job: Job, plan: UpdatePlan, made: int, outcome: Outcome, facts: Mapping[str, str]
    ) -> Outcome:
        """The hops that were *made* have held: nothing of them goes before *facts* say so.

        Else the next process might take them back, with half of what that needs.
        """
        try:
            await self.journal.note(job.id, facts)
        except PortError as error:
            done = outcome.state is JobState.DONE
            state = outcome.state if done else JobState.INTERRUPTED  # so that the gate is asked
            return not_yet(state, outcome.message, error.in_full())
        return await then_clean(outcome, self._tidy(plan, made))

    async def _keep_images(self, job: Job) -> None:
        """They were pulled for nothing, and go once nobody has tried again for a while."""
        await self.journal.plan(job.id, {KEPT: Kept.FAILED})

    async def _tidy(self, plan: UpdatePlan, made: int) -> None:
        """Of the hops that were made only the first keeps what an undo needs."""
        for number in range(1, made + 1):
            tools = await self.workplace.tools(plan.site, plan.key(number))
            roll = Roll(plan, number, tools, self.workplace, self.project)
            await roll.tidy()

    async def _gate(self, job: Job, roll: Roll, state: JobState, words: str) -> Outcome:
        """It may have served for hours: only what does not hold goes back."""
        await roll.restart()
        judgement = await self.gates.of(roll.plan.site).hold(roll.wanted)
        why = "holds"
        if judgement.verdict is Verdict.ASK:
            wanted = await self._is_wanted(job, roll, state, judgement)
            why = f"a person keeps it, though {judgement.reason}"
            if wanted is None:  # rows may have been written for hours: it stays
                why = f'{judgement.reason}. "akbot rollback" takes it back'
            verdict = Verdict.ROLL_BACK if wanted is False else Verdict.PROMOTE
            judgement = replace(judgement, verdict=verdict)
        if judgement.verdict is Verdict.ROLL_BACK:
            await self.memory.blame(roll.hop, judgement)
            if judgement.of_the_host:
                await self._note(job, {AROUND: "1"})
            done = await self._back(job, roll)
            words = f"{words}; {blamed_words(roll.hop.version, judgement)}"
            return await self._serves_again(job, roll, state, words, done)
        outcome = self._promoted(roll, why, state, words)
        return await self._stays(job, roll.plan, roll.number, outcome, promotion(roll))

    async def _is_wanted(
        self, job: Job, roll: Roll, state: JobState, judgement: Judgement
    ) -> bool | None:
        """A person's answer; None where nobody was being asked, or can be asked any more."""
        stopped = is_being_stopped(job, state)
        until = may_answer_until(job.plan, self.clock.now(), being_stopped=stopped)
        if until is None:
            return None
        command = RunUpdate(
            trigger=job.trigger, actor=job.actor, origin=job.origin, tag=roll.hop.version
        )
        return await self.ask_whoever_began(command)(judgement, until)

    def _promoted(self, roll: Roll, why: str, state: JobState, words: str) -> Outcome:
        if roll.number < len(roll.plan.hops):
            return Outcome(state, joined(words, stopped_on_the_way(roll.plan, roll.number + 1)))
        told = f"{roll.hop.version} serves: it had been started, and {why}"
        return Outcome(JobState.DONE, told + to_be_moved_words(roll.plan.left_behind))

    async def _call_off(self, roll: Roll) -> dict[str, str]:
        await roll.call_off()
        return {SERVES: called_off_words(roll.plan, roll.number)}

    async def _back(self, job: Job, roll: Roll, *, swapped: bool = False) -> dict[str, str]:
        """Let the version before serve again; the facts of what was done.

        *swapped*: an earlier process was so far already.
        """
        await self._note(job, {PHASE: Phase.BACK})
        kept = job.plan.get(EVIDENCE)
        if kept is None and not swapped:  # else what runs now may be the version before already
            kept = await self.evidence.keep(job.id, roll.plan.site)
            await self._note(job, {EVIDENCE: kept})
        done = await roll.back(hurry=True)
        until = self.clock.now() + self.kept_for
        told = put_back_words(
            roll.plan, roll.number, done.change, done.moved, done.aside, until=until
        )
        more = [*done.doubts, *([evidence_words(kept)] if kept else [])]
        return {
            SERVES: "; ".join([told, *more]),
            COPY_STAYS: "1" if done.copy_stays else "",
        }

    async def _serves_again(
        self, job: Job, roll: Roll, state: JobState, words: str, done: dict[str, str]
    ) -> Outcome:
        """Write down what was *done*, so that nobody who comes later takes it away again."""
        await self._note(job, {PHASE: Phase.RETURNED, **done})
        job = replace(job, plan={**job.plan, **done})
        return await self._returned(job, roll, state, words)

    async def _returned(self, job: Job, roll: Roll, state: JobState, words: str) -> Outcome:
        """The version before was started again: it stays, and what is left of the hop goes."""
        words = joined(words, job.plan.get(SERVES, ""))
        try:
            had_held = state is JobState.ROLLED_BACK
            outcome = Outcome(state, words) if had_held else await self._held(job, roll, words)
        except BotError as error:
            return not_yet(state, words, str(error))
        return await then_clean(outcome, self._clean(job, roll))

    async def _clean(self, job: Job, roll: Roll) -> None:
        """What stays, the image of what did not hold at least, goes once its time has passed."""
        await roll.clean(copy_stays=bool(job.plan.get(COPY_STAYS)))
        if roll.number == 1:  # else what the hops before keep says as much
            await self.journal.plan(job.id, {KEPT: Kept.FAILED})

    async def _held(self, job: Job, roll: Roll, words: str) -> Outcome:
        """The version before must hold as well, else a person is needed at once."""
        judgement = await self.gates.of(roll.plan.site).hold(roll.wanted_before)
        if judgement.verdict is not Verdict.ROLL_BACK:
            away = seconds_away(replace(job, ended=self.clock.now()))
            known = away if job.state is JobState.RUNNING else None  # else it may serve for hours
            return Outcome(JobState.ROLLED_BACK, words + away_words(known))
        return Outcome(
            JobState.STUCK,
            not_held_words(words, judgement.reason),
            swept=False,
        )

    async def _note(self, job: Job, facts: dict[str, str]) -> None:
        """The way back does not wait for a journal that fails; what is true is seen again."""
        try:
            await self.journal.plan(job.id, facts)
        except PortError as error:
            logger.warning("write into the journal of %s: %s", job.id, error)


def promotion(roll: Roll) -> dict[str, str]:
    """The facts of a job of which that hop has held."""
    last = roll.number == len(roll.plan.hops)
    then = {PHASE: Phase.KEEP} if last else {PHASE: Phase.READY, HOP: str(roll.number + 1)}
    return {**then, KEPT: Kept.BEFORE, ASKED_UNTIL: ""}
