"""How tasks come to their end."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def ended_or_left(working: asyncio.Future[T], within: float) -> T:
    """Await *working*; a cancellation leaves it behind if it does not end *within* seconds of it.

    What hangs is a call to a system that does not answer; it ends with the process.
    """
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        if working.done():
            raise
        working.cancel()
        await asyncio.wait({working}, timeout=within)
        if working.done():
            return working.result()
        raise


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel *task* and wait until it has ended, however that was."""
    task.cancel()
    await asyncio.wait({task})


async def all_ended(*works: Awaitable[T]) -> list[T]:
    """What each returns, once all have ended; so when the first error is raised none is at work."""
    done: list[T] = []
    for each in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each
        done.append(each)
    return done
