"""What becomes of a bootstrap that failed or was cut off: what it has started stays if it holds.

All else that it has restored is cleaned away, nothing is started in its place, and the same command
begins again; the project, the empty PostgreSQL and Redis stay. An empty Authentik must never serve:
whoever came first would be its administrator.
"""

from dataclasses import dataclass

from bot.domain.bootstrap import BOOTSTRAP
from bot.domain.errors import BotError
from bot.domain.jobs import Job, JobState, Outcome
from bot.domain.restore import KEPT, PHASE, Phase, RestorePlan, phase_of, plan_of
from bot.domain.restore_recovery import Remedy, Truth, decide
from bot.services.bootstrap_ports import Ground
from bot.services.gate import GateError, GatePatience, hold_gate
from bot.services.journal_ports import JobJournal
from bot.services.ports import Clock, Engine
from bot.services.restore_ports import Tools, Workplace
from bot.services.settling import NOT_YET, not_yet
from bot.services.switch import Switch

AGAIN = "nothing serves on this host yet; the same command begins again"
_UNCHANGED = "nothing was changed"


@dataclass(frozen=True)
class BootstrapRecovery:
    """Settles bootstraps."""

    engine: Engine
    journal: JobJournal
    clock: Clock
    workplace: Workplace
    ground: Ground
    patience: GatePatience

    async def settle(self, job: Job, state: JobState, words: str) -> Outcome:
        """Let the restored stack serve if it was started and holds, else clean it away."""
        words = words.partition(NOT_YET)[0]
        try:
            await self.engine.remove_throw_aways(job.id)
            plan = plan_of(job.plan)
            if plan is None:
                laid = BOOTSTRAP in job.plan
                return Outcome(state, f"{words}; {AGAIN if laid else _UNCHANGED}")
            return await self._on_the_host(job, plan, state, words)
        except BotError as error:
            return not_yet(state, words, str(error))

    async def _on_the_host(
        self, job: Job, plan: RestorePlan, state: JobState, words: str
    ) -> Outcome:
        site = plan.site
        await self.ground.up(site, [site.postgresql, *([site.redis] if site.redis else [])])
        tools = await self.workplace.tools(site, job.id)
        await tools.databases.end_sessions()
        switch = Switch(plan, tools, self.workplace)
        if not await self._may_have_served(job, plan, state, tools):
            await _clean(plan, tools)
            return Outcome(state, f"{words}; {AGAIN}")
        await switch.restart()
        try:
            await hold_gate(tools.probe, switch.expected, self.patience, self.clock)
        except GateError as error:  # people may have written to it
            return Outcome(
                state, f"{words}; what it restored was started, but {error}", swept=False
            )
        await self.journal.plan(job.id, {PHASE: Phase.KEEP})
        await tidy(self.journal, self.workplace, job.id)
        done = f"backup {plan.backup} serves: it had been started and holds"
        return Outcome(JobState.DONE, done)

    async def _may_have_served(
        self, job: Job, plan: RestorePlan, state: JobState, tools: Tools
    ) -> bool:
        phase = phase_of(job.plan)
        if phase is Phase.KEEP:
            return True
        truth = Truth(
            await tools.databases.names(),
            await tools.files.states(plan.sources),
            later=job.state is not JobState.RUNNING,
        )
        interrupted = state is JobState.INTERRUPTED
        remedy = decide(plan, phase, truth, interrupted=interrupted)
        return remedy in {Remedy.GATE_THEN_KEEP, Remedy.KEEP, Remedy.SET_ASIDE}


async def tidy(journal: JobJournal, workplace: Workplace, job_id: str) -> None:
    """Remove what a restore keeps for an undo: before this one there was nothing."""
    job = await journal.job(job_id)
    plan = plan_of(job.plan) if job else None
    if plan is None:
        return
    tools = await workplace.tools(plan.site, job_id)
    await tools.databases.drop(plan.outgoing)
    await tools.files.discard(plan.sources)
    if tools.sessions:
        await tools.sessions.discard()
    await journal.plan(job_id, {KEPT: ""})


async def _clean(plan: RestorePlan, tools: Tools) -> None:
    """Whatever lies in the database and the mounts then goes when it is all made again."""
    await tools.control.remove()
    for name in (plan.incoming, plan.outgoing):
        await tools.databases.drop(name)
    await tools.databases.unfence(plan.site.database)
    await tools.files.discard(plan.sources)
    if tools.sessions:
        await tools.sessions.discard()
