"""Blocking calls on threads, none of which outlives the call that waits for it.

`asyncio.to_thread` returns at once when its task is cancelled, and the thread goes on writing
behind the caller's back. Here a cancelled call first waits until its thread is done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def finish(work: Awaitable[T]) -> T:
    """Await *work* to its end whatever cancels us meanwhile; only then pass the cancellation on."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # fetched, so that asyncio does not report it as lost
        raise cancelled
    return task.result()


class Threads:
    """The threads of one adapter, started as they are needed."""

    def __init__(self, name: str, size: int) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call on a thread.

        A cancellation takes effect when the thread is done, and what the call returns is then
        lost: let it put anything that must be closed where the caller finds it.
        """
        job = self._pool.submit(call, *args, **kwargs)
        waiting = asyncio.wrap_future(job)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if not job.cancel():
                await finish(_settled(waiting))
            raise

    async def close(self) -> None:
        """Wait for running calls and end the threads."""
        await asyncio.to_thread(self._pool.shutdown)


async def _settled(future: asyncio.Future[T]) -> None:
    await asyncio.wait({future})
    future.exception()  # fetched, so that asyncio does not report it as lost
