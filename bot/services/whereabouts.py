"""Where the stack is, also while a job has taken its server away."""

import logging
from dataclasses import dataclass

from bot.domain.errors import BotError, ConfigError, PortError, RefusedError
from bot.domain.jobs import Job, JobState
from bot.domain.restore import Site, plan_of
from bot.domain.stack import Stack
from bot.domain.update import plan_of as update_plan_of
from bot.domain.update_words import PAGE
from bot.domain.way_back import nobody_may_be_served
from bot.services.journal_ports import JobJournal
from bot.services.ports import Engine

logger = logging.getLogger(__name__)


async def tell_half_way(journal: JobJournal, error: ConfigError) -> None:
    """Raise RefusedError where there is no stack, as *error* says, because of a job half-way.

    No setting is at fault then. Where the journal cannot be read *error* says all that is known.
    """
    try:
        half_way = await _half_way(journal)
    except BotError as unread:
        logger.warning("look whether a job is half-way: %s", unread)
        return
    if half_way is not None and _may_be_why(half_way[0]):
        raise _not_finished(half_way[0]) from error


def _may_be_why(job: Job) -> bool:
    """Not one after which something serves for certain, and of which only copies are left."""
    return job.state in {JobState.RUNNING, JobState.STUCK} or nobody_may_be_served(job)


def _not_finished(job: Job) -> RefusedError:
    if job.state is JobState.RUNNING:
        return RefusedError(
            f"the {job.kind} {job.id} has taken server and worker away",
            hint="While it runs they come back by themselves; where it was cut off, the next"
            ' job brings one whole state back first. See "akbot jobs".',
        )
    hint = (
        f"Nothing is done by itself any more: {PAGE[:1].lower()}{PAGE[1:]}."
        if job.state is JobState.STUCK
        else "Mend what that names; then the next command that begins a job brings one whole state"
        " back, and so does the bot by itself."
    )
    return RefusedError(
        f"the {job.kind} {job.id} is not finished and has taken server and worker away:"
        f" {job.message}",
        hint=hint,
    )


async def _half_way(journal: JobJournal) -> tuple[Job, Site] | None:
    for job in [*await journal.open_jobs(), *await journal.stuck_jobs()]:
        plan = plan_of(job.plan) or update_plan_of(job.plan)
        if plan:
            return job, plan.site
    return None


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
        except (ConfigError, RefusedError):
            if (half_way := await _half_way(self.journal)) is None:
                raise
            return half_way[1].project

    async def find(self) -> Stack:
        """The stack. Raises RefusedError while a job has taken server and worker away."""
        try:
            return await self.engine.find_stack()
        except ConfigError as error:
            await tell_half_way(self.journal, error)
            raise
