"""Where the stack is, also while a job has taken its server away."""

from dataclasses import dataclass

from bot.domain.errors import ConfigError, PortError, RefusedError
from bot.domain.jobs import Job
from bot.domain.restore import Site, plan_of
from bot.domain.stack import Stack
from bot.domain.update import plan_of as update_plan_of
from bot.services.journal_ports import JobJournal
from bot.services.ports import Engine


@dataclass(frozen=True)
class Whereabouts:
    """Asks the Engine; *named* is the stack's folder in the store, where a person named it."""

    engine: Engine
    journal: JobJournal
    named: str = ""

    async def name(self) -> str:
        """The stack's folder in the store."""
        if self.named:
            return self.named
        try:
            return (await self.engine.find_stack()).project
        except PortError as error:
            error.add_note("With the stack's name in AKBOT_STACK this needs no Docker.")
            raise
        except ConfigError:
            if (half_way := await self._half_way()) is None:
                raise
            return half_way[1].project

    async def find(self) -> Stack:
        """The stack. Raises RefusedError while a job has taken server and worker away."""
        try:
            return await self.engine.find_stack()
        except ConfigError as error:
            if (half_way := await self._half_way()) is None:
                raise
            job = half_way[0]
            raise RefusedError(
                f"the {job.kind} {job.id} has taken server and worker away",
                hint="While it runs they come back by themselves; where it was cut off, the next"
                ' job brings one whole state back first. See "akbot jobs".',
            ) from error

    async def _half_way(self) -> tuple[Job, Site] | None:
        for job in await self.journal.open_jobs():
            plan = plan_of(job.plan) or update_plan_of(job.plan)
            if plan:
                return job, plan.site
        return None
