"""Wait for an answer, but not for ever, and ever longer after each failure."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.domain.errors import BotError, PortError
from bot.services.ports import Clock

T = TypeVar("T")
PATIENCE = 10.0  # seconds that one command may keep its person's next one waiting


async def ends_within(task: "asyncio.Task[Any]", clock: Clock, seconds: float) -> bool:
    """Wait for *task*, at most *seconds* long; whether it has ended. It goes on either way."""
    patience = asyncio.create_task(clock.sleep(seconds))
    try:
        await asyncio.wait({task, patience}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        patience.cancel()
        await asyncio.wait({patience})
    return task.done()


async def seen_within(
    looking: Coroutine[Any, Any, T], what: str, clock: Clock, seconds: float = PATIENCE
) -> T | BotError:
    """What was seen, or why it was not; a part that does not answer hides no other."""
    task = asyncio.ensure_future(looking)
    try:
        if await ends_within(task, clock, seconds):
            return task.result()
    except BotError as error:
        return error
    finally:
        task.cancel()
    await asyncio.wait({task})
    return PortError(
        f"{what} has not answered within {seconds:.0f} s",
        hint='Ask again shortly. If it stays silent, run "akbot check" on the host.',
        retryable=True,
    )


class Backoff:
    """Seconds to wait after each failure in a row: doubled from *first*, at most *most*."""

    def __init__(self, first: float = 1.0, most: float = 60.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def next(self) -> float:
        """The seconds to wait now."""
        seconds, self._next = self._next, min(self._next * 2, self._most)
        return seconds

    def reset(self) -> None:
        """It worked again."""
        self._next = self._first
