"""What is done about an outside system that is away: refuse to begin, or wait for it.

Before server and worker are away all that is lost is the wish. Later on nobody is served until
Docker and PostgreSQL are back.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from bot.domain.errors import IntegrityError, PortError, RefusedError
from bot.domain.jobs import Job, JobState
from bot.domain.update import UNTOUCHED
from bot.domain.update_words import joined
from bot.services.ports import Clock

AWAY_WITHIN = 600.0
"""For how many seconds the process whose job failed waits before it leaves it to the next."""
_AGAIN = 1.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


@contextmanager
def before_anything(untouched: str = UNTOUCHED) -> Iterator[None]:
    """Raise RefusedError, which says that nothing was changed, where an outside system fails."""
    try:
        yield
    except (PortError, IntegrityError) as error:
        raise RefusedError(joined(str(error), untouched), hint=error.hint) from error


@contextmanager
def before_the_way() -> Iterator[None]:
    """Let a RefusedError of who looks for the way say as well that nothing was changed."""
    try:
        yield
    except RefusedError as error:
        raise RefusedError(joined(str(error), UNTOUCHED), hint=error.hint) from error


def is_own(job: Job, state: JobState) -> bool:
    """Whether *job* failed in this process, which nobody stops; else it is tried again anyway."""
    return job.state is JobState.RUNNING and state is not JobState.INTERRUPTED


def is_being_stopped(job: Job, state: JobState) -> bool:
    """Whether *job* was cut off in this very process, which has to end; in none before it."""
    return job.state is JobState.RUNNING and state is JobState.INTERRUPTED and not job.crashes


async def once_it_answers(
    reach: Callable[[], Awaitable[T]], clock: Clock, within: float = AWAY_WITHIN
) -> T:
    """What *reach* returns, which may be done twice; tried again for *within* seconds.

    Raises the PortError of the last time.
    """
    end, told = clock.monotonic() + within, False
    while True:
        try:
            return await reach()
        except PortError as error:
            if clock.monotonic() >= end:
                raise
            if not told:
                logger.warning("what was begun is undone as soon as that is back: %s", error)
                told = True
        await clock.sleep(_AGAIN)
