"""One lane for each chat: in its order there, and nobody waits for what another chat has asked."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Self

from bot.domain.errors import BotError
from bot.entrypoints.telegram.errands import Errands
from bot.entrypoints.telegram.waiting import Backoff, ends_within
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

AT_ONCE = 16
"""Chats that are served at the same time; what else there is waits for its turn."""

Work = Callable[[int], Awaitable[None]]
"""Called with the number of the attempt; called again, after a while, when it has failed."""


class Lanes:
    """Does what joins them, while the context lives; its end cancels what is under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._errands = Errands()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._lanes: dict[int, deque[Work]] = {}
        self._empty = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._errands.__aenter__()
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self._errands.__aexit__(*reason)

    def join(self, chat: int, work: Work) -> None:
        """Do *work* once all that joined before in that chat is done."""
        if chat not in self._lanes:
            self._lanes[chat] = deque()
            self._empty.clear()
            self._errands.begin(self._run(chat))
        self._lanes[chat].append(work)

    async def settle(self, seconds: float) -> None:
        """Wait until all is done, at most *seconds* long."""
        if not self._lanes:
            return
        empty = asyncio.create_task(self._empty.wait())
        try:
            await ends_within(empty, self._clock, seconds)
        finally:
            empty.cancel()
            await asyncio.wait({empty})

    async def _run(self, chat: int) -> None:
        lane = self._lanes[chat]
        try:
            while lane:
                await self._see_through(lane.popleft())
        finally:
            del self._lanes[chat]
            if not self._lanes:
                self._empty.set()

    async def _see_through(self, work: Work) -> None:
        backoff = Backoff()
        for attempt in count(1):
            async with self._turns:
                if await _is_done(work, attempt):
                    return
            await self._clock.sleep(backoff.next())


async def _is_done(work: Work, attempt: int) -> bool:
    try:
        await work(attempt)
    except BotError as error:
        logger.warning("chat: an update must wait: %s", error)
    except Exception:  # boundary: a lane must outlive an error of ours
        logger.exception("chat: an update could not be handled")
    else:
        return True
    return False
