"""How tasks come to their end."""

import asyncio
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
