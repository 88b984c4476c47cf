"""One lane for each person in each chat: in order there, and nobody waits for another's look.

What a person writes and presses in a chat is done in its order, since it is about what came before:
a question and its answer, a backup and its pin. Between persons no order is needed. A question, an
offer and the word that is typed for an answer belong to one person; what changes more than a
message is kept apart by the job lock, by the journal and by the store, as it is for two persons in
two chats. What they share in a chat is its messages: of two pages that are turned at once the later
one stands, and a button that is for one press is claimed before anything is looked at. That a group
has moved is told in nobody's name, and has a lane of its own.

Who stops something need not wait for what they only wanted to see: that goes beside it. What they
ask for afterwards waits for both, or it might be what is stopped.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
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


class Turn(Enum):
    """What must be over before a piece of work begins, and what need not wait for it."""

    IN_ORDER = auto()
    LOOKS = auto()
    """In order, but it changes nothing, so that STOPS may overtake it."""
    STOPS = auto()


@dataclass(eq=False)
class _Queue:
    """A lane's work: what waits, which kind is being done, and what has overtaken that."""

    waiting: deque[tuple[Work, Turn]] = field(default_factory=deque)
    current: Turn = Turn.IN_ORDER
    beside: "asyncio.Task[None] | None" = None

    @property
    def only_looks(self) -> bool:
        """Whether all that is done and waits may be overtaken."""
        turns = [self.current, *(turn for _, turn in self.waiting)]
        return all(turn is Turn.LOOKS for turn in turns)


class Lanes:
    """Does what joins them, while the context lives; its end cancels what is under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._errands = Errands()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._lanes: dict[Lane, _Queue] = {}
        self._empty = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._errands.__aenter__()
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self._errands.__aexit__(*reason)

    def join(self, lane: Lane, work: Work, turn: Turn = Turn.IN_ORDER) -> None:
        """Do *work* once all that joined that lane before is done, or what of it counts."""
        if lane not in self._lanes:
            self._lanes[lane] = _Queue()
            self._empty.clear()
            self._errands.begin(self._run(lane))
        queue = self._lanes[lane]
        if turn is Turn.STOPS and queue.only_looks and queue.beside is None:
            queue.beside = self._errands.begin(self._see_through(work))
        else:
            queue.waiting.append((work, turn))

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
        queue = self._lanes[lane]
        try:
            while queue.waiting:
                work, queue.current = queue.waiting.popleft()
                await self._see_through(work)
                if queue.beside:
                    await asyncio.wait({queue.beside})
                    queue.beside = None
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
