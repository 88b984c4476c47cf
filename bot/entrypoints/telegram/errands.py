"""Short pieces of work beside the updates, owned: none outlives the chat or ends unnoticed."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Errands:
    """Runs coroutines in the background."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, errand: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run it; what it raises is logged, whether or not anybody waits for it."""
        task = asyncio.create_task(errand)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("chat: an errand failed", exc_info=error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancel what runs, and wait for it."""
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
