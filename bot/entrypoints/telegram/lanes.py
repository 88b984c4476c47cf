"""One lane for each person in each chat: in order there, and nobody waits for another's look.

What a person writes and presses in a chat is done in its order, since it is about what came before:
a question and its answer, a backup and its pin. Between persons no order is needed. A question, an
offer and the word that is typed for an answer belong to one person; what changes more than a
message is kept apart by the job lock, by the journal and by the store, as it is for two persons in
two chats. What they share in a chat is its messages: of two pages that are turned at once the later
one stands, and a button that is for one press is claimed before anything is looked at. That a group
has moved is told in nobody's name, and has a lane of its own.
"""

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
"""Lanes that are served at the same time; what else there is waits for its turn."""

Lane = tuple[int, int]
"""A chat and a person, 0 for none."""

Work = Callable[[int], Awaitable[None]]
"""Called with the number of the attempt; called again, after a while, when it has failed."""


class Lanes:
    """Does what joins them, while the context lives; its end cancels what is under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._errands = Errands()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._lanes: dict[Lane, deque[Work]] = {}
        self._empty = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._errands.__aenter__()
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self._errands.__aexit__(*reason)

    def join(self, lane: Lane, work: Work) -> None:
        """Do *work* once all that joined that lane before is done."""
        if lane not in self._lanes:
            self._lanes[lane] = deque()
            self._empty.clear()
            self._errands.begin(self._run(lane))
        self._lanes[lane].append(work)

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

    async def _run(self, lane: Lane) -> None:
        works = self._lanes[lane]
        try:
            while works:
                await self._see_through(works.popleft())
        finally:
            del self._lanes[lane]
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
