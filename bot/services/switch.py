"""Swap what serves for what lies beside it, and back: the only code that does either.

Each act can be done again from wherever it was cut off. A fence goes with a database, not with its
name; while the server is removed nothing can start it but a person's own `up -d`, so it is removed
once more before anybody can connect.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.compose_swap import ComposeSwap
from bot.domain.downtime import came_back, gone
from bot.domain.errors import PortError
from bot.domain.gate import Expected
from bot.domain.messages import StepBegan
from bot.domain.redis_content import not_put_back
from bot.domain.restore import (
    GOING_AWAY,
    KEPT,
    PHASE,
    Kept,
    Phase,
    RestorePlan,
    SessionsDo,
    database_name,
)
from bot.services.gate import GatePatience, hold_gate
from bot.services.ports import Clock, JobLog, Publish
from bot.services.restore_ports import Sessions, Tools, Workplace

Begin = Callable[[str], Awaitable[None]]
"""Writes and tells what is about to be done."""

logger = logging.getLogger(__name__)


def telling(job: JobLog, publish: Publish) -> Begin:
    """Write a step into the journal, then tell it."""

    async def begin(words: str) -> None:
        await job.step(words)
        publish(StepBegan(words))

    return begin


@dataclass(frozen=True)
class Switch:
    """Both ways for one *plan*."""

    plan: RestorePlan
    tools: Tools
    workplace: Workplace

    async def forward(self, job: JobLog, begin: Begin, now: datetime) -> None:
        """Let the staged state serve; it is started, whether it holds is for the gate to say.

        It begins *now*.
        """
        plan, tools = self.plan, self.tools
        if tools.sessions and plan.sessions is not SessionsDo.LEAVE:
            await tools.sessions.start()  # one that cannot is noticed while all serves as before
        await job.commit(**{PHASE: Phase.SWITCH}, **gone(now))
        await begin(GOING_AWAY)
        await tools.control.remove()
        if tools.sessions and plan.sessions is not SessionsDo.LEAVE:
            await begin("keeping what Redis holds")
            await tools.sessions.keep()
        if plan.database:
            await begin("closing the databases")
            await tools.databases.fence(plan.site.database, plan.incoming)
        if plan.compose:
            await begin("swapping the compose files")
            await tools.project.swap(plan.compose.files)
        if plan.tag:
            await begin(f"setting {plan.tag.name} to {plan.tag.new or 'its default'}")
            await tools.control.write_tag(plan.tag)
        if plan.database:
            await begin("swapping the databases")
            await self._swap_databases()
        if plan.folders:
            await begin("swapping the files")
            await tools.files.swap(plan.sources)
        await self._change_services(begin)
        await self._change_sessions(begin)
        await begin("removing server and worker once more")
        await tools.control.remove()
        await job.plan(**{PHASE: Phase.START})
        await begin("starting")
        if plan.database:
            await tools.databases.unfence(plan.site.database)
        await tools.control.start()

    async def _change_services(self, begin: Begin) -> None:
        """The Redis that only the compose files of then have, or only those of now."""
        swap, control = self.plan.compose, self.tools.control
        if swap and swap.comes:
            await begin(f"starting {swap.comes.name}")
            await control.start_service(swap.comes.name)
        if swap and swap.goes:
            await begin(f"removing {swap.goes.name}")
            await control.drop_service(swap.goes.name)

    async def _sessions(self) -> Sessions | None:
        """Of the Redis that there is by now."""
        if not (self.plan.compose and self.plan.compose.comes):
            return self.tools.sessions
        return (await self.workplace.tools(self.plan.site_with_redis, self.plan.job)).sessions

    async def _change_sessions(self, begin: Begin) -> None:
        if self.plan.sessions is SessionsDo.FLUSH and (sessions := await self._sessions()):
            await begin("emptying Redis")
            await sessions.flush()
        elif self.tools.sessions and self.plan.sessions is SessionsDo.LOAD:
            await begin("loading Redis")
            await self.tools.sessions.load_staged()

    async def back(self) -> Sequence[str]:
        """Let the state before serve again, from wherever `forward` was; nothing is dropped.

        What could not be put back as it was, a sentence each.
        """
        plan, tools = self.plan, self.tools
        doubts: list[str] = []
        await tools.control.remove()
        if plan.database:
            await tools.databases.fence(plan.site.database, plan.incoming, plan.outgoing)
            await self._swap_databases_back()
        await tools.files.swap_back(plan.sources)
        if plan.compose:
            doubts += await self._compose_back(plan.compose)
        if plan.tag:
            await tools.control.write_tag(plan.tag.back)
        doubts += await self._sessions_back()
        await self.restart()
        return doubts

    async def _swap_databases(self) -> None:
        plan, databases = self.plan, self.tools.databases
        if plan.from_nothing:
            await databases.rename(plan.incoming, plan.site.database)
        else:
            await databases.swap(plan.site.database, plan.outgoing, plan.incoming)

    async def _swap_databases_back(self) -> None:
        plan, databases = self.plan, self.tools.databases
        names = await databases.names()
        if plan.from_nothing and plan.incoming not in names:
            await databases.rename(plan.site.database, plan.incoming)
        elif plan.outgoing in names:
            await databases.swap(plan.site.database, plan.incoming, plan.outgoing)

    async def _sessions_back(self) -> list[str]:
        """What Redis held may be lost: that must not keep the server away."""
        if self.tools.sessions and self.plan.sessions is not SessionsDo.LEAVE:
            try:
                await self.tools.sessions.put_back()
            except PortError as error:
                logger.warning("put Redis' snapshot back: %s", error)
                return [not_put_back(self.plan.site.version, str(error))]
        return []

    async def _compose_back(self, swap: ComposeSwap) -> Sequence[str]:
        doubts = await self.tools.project.swap_back(swap.files)
        if swap.comes:
            await self.tools.control.drop_service(swap.comes.name)
        if swap.goes:
            await self.tools.control.start_service(swap.goes.name)
        return doubts

    async def restart(self) -> None:
        """Start what is in place, whatever a person's own `up -d` has started meanwhile."""
        live, databases = self.plan.site.database, self.tools.databases
        is_gone = self.plan.from_nothing and live not in await databases.names()
        if self.plan.database and not is_gone:
            await databases.unfence(live)
        await self.tools.control.start()

    async def drop_staged(self) -> None:
        """Remove what was made beside; what an undo had claimed goes back to where it was."""
        plan, tools = self.plan, self.tools
        if plan.undoes:
            await self._give_back()
        elif plan.database:
            await tools.databases.drop(plan.incoming)
        await tools.files.discard(plan.sources)
        if plan.compose:
            await tools.project.discard(plan.compose.files, plan.job)
            await tools.files.remove_empty(plan.compose.made)
        if tools.sessions:
            await tools.sessions.discard()

    async def _give_back(self) -> None:
        plan, tools = self.plan, self.tools
        if plan.database:
            await tools.databases.rename(plan.incoming, self._claimed_from)
        await tools.files.give_back(plan.sources, plan.undoes)
        if tools.sessions and plan.sessions is SessionsDo.LOAD:
            await tools.sessions.give_back(plan.undoes)

    async def claim(self, done: RestorePlan) -> None:
        """Take what the restore *done* has kept as what is to serve."""
        plan, tools = self.plan, self.tools
        if plan.database:
            await tools.databases.rename(done.outgoing, plan.incoming)
        await tools.files.claim(plan.sources, done.job)
        if tools.sessions and plan.sessions is SessionsDo.LOAD:
            await tools.sessions.claim(done.job)

    @property
    def _claimed_from(self) -> str:
        return database_name(self.plan.site.database, "before", self.plan.undoes)

    @property
    def expected(self) -> Expected:
        """What the restored state must hold."""
        site = self.plan.site
        return Expected(site.services, self.plan.version, site.login_page)

    @property
    def expected_back(self) -> Expected:
        """What the state before must hold."""
        site = self.plan.site
        return Expected(site.services, site.version, site.login_page)


async def switch_and_hold(
    switch: Switch, job: JobLog, begin: Begin, patience: GatePatience, clock: Clock
) -> float:
    """Let the staged state serve, and return once it has held at the gate.

    For how many seconds nobody was served.
    """
    away_since = clock.monotonic()
    await switch.forward(job, begin, clock.now())
    await begin("waiting until it holds")
    back_since = await hold_gate(switch.tools.probe, switch.expected, patience, clock)
    away = back_since - away_since
    await job.commit(**{PHASE: Phase.KEEP, KEPT: Kept.BEFORE}, **came_back(away))
    return away
