"""Blocking calls on threads, none of which outlives the call that waits for it.

`asyncio.to_thread` returns at once when its task is cancelled, and the thread goes on writing
behind the caller's back. Here a cancelled call first waits until its thread is done.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from bot.domain.errors import PortError

P = ParamSpec("P")
T = TypeVar("T")

ENDING = "akbot is ending"

logger = logging.getLogger(__name__)


class ThreadsClosedError(PortError):
    """The threads have ended, or are just about to."""


async def stop(task: asyncio.Task[Any]) -> None:
    """Cancel *task* and wait for it; how it ended no longer matters."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # fetched, so that asyncio does not report it as lost


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
    """The threads of one adapter, started as they are needed.

    Those that do not end within *patience* seconds of `close` are given up: they hang in a system
    that does not answer, and end with the process.
    """

    def __init__(self, name: str, size: int, *, patience: float = 5.0) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._patience = patience
        self._running: set[asyncio.Future[Any]] = set()
        self._given_up: asyncio.Future[None] | None = None

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call on a thread.

        A cancellation takes effect when the thread is done, and what the call returns is then
        lost: let it put anything that must be closed where the caller finds it. Raises
        ThreadsClosedError once `close` was called.
        """
        if self._given_up is None:
            self._given_up = asyncio.get_running_loop().create_future()
        try:
            # in the caller's context, so that what is logged there is known to be of its job
            job = self._pool.submit(copy_context().run, partial(call, *args, **kwargs))
        except RuntimeError as error:
            raise ThreadsClosedError(ENDING) from error
        waiting = asyncio.wrap_future(job)
        self._running.add(waiting)
        waiting.add_done_callback(self._forget)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if not job.cancel():
                await finish(_first(waiting, self._given_up))
            raise

    def _forget(self, ended: asyncio.Future[Any]) -> None:
        self._running.discard(ended)
        if not ended.cancelled():
            ended.exception()  # fetched, so that asyncio does not report it as lost

    async def close(self) -> None:
        """Wait for running calls and end the threads; take no new calls."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._running:
            await asyncio.wait(self._running, timeout=self._patience)
        if self._running:
            logger.warning("%d calls do not end, and are left behind", len(self._running))
        else:
            await asyncio.to_thread(self._pool.shutdown)
        if self._given_up is not None and not self._given_up.done():
            self._given_up.set_result(None)


async def _first(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
