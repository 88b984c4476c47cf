"""Backups that are read back for people: one after another, and each for one at a time.

Who asked for it, and what was found, is written down like what is done at once.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import partial
from typing import Any

from bot.domain.catalogue import BackupRecord
from bot.domain.errors import BotError
from bot.domain.jobs import JobState
from bot.domain.messages import Event
from bot.domain.orders import Order
from bot.entrypoints.counting import Counting
from bot.entrypoints.telegram import verify_texts
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.inquiries import Inquiries
from bot.entrypoints.telegram.pace import seconds_between_edits
from bot.entrypoints.telegram.texts import Shown, Wall
from bot.services.operations import Operations
from bot.services.orders import Orders
from bot.services.ports import Clock
from bot.services.verify import Verified

logger = logging.getLogger(__name__)

_RETRY = 5.0


@dataclass(eq=False)
class _Reading:
    """One of them, which waits for its turn or is being read."""

    task: "asyncio.Task[tuple[Verified, float]] | None" = None
    stopped_by: str = ""
    counting: Counting = field(default_factory=Counting)
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class _End:
    """How it ended: in the journal with *words*, and to its person as *told*."""

    state: JobState
    words: str
    told: str | Shown


@dataclass(frozen=True)
class Verifies:
    """Reads backups back, beside the updates."""

    operations: Operations
    inquiries: Inquiries
    orders: Orders
    clock: Clock
    zone: tzinfo
    _under_way: dict[str, _Reading] = field(default_factory=dict)  # by backup
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # memory and disks are the stack's

    async def begin(self, request: Request, order: Order, record: BackupRecord) -> str | None:
        """Why it is not read now, or None: what is found comes as a new message."""
        order = replace(order, label=record.id)
        if record.id in self._under_way:
            await self.orders.end(order, JobState.DONE, verify_texts.ALREADY)
            return verify_texts.reads_already(record)
        words = verify_texts.reading(record, self._wall())
        self._under_way[record.id] = reading = _Reading()
        try:
            await self.orders.begin(order)
            show = partial(self._show, request, words, record, reading)
            look = partial(self._look, order, record, reading, show)
            await self.inquiries.begin(request, words, look)
        except BaseException:
            del self._under_way[record.id]
            raise
        return None

    def cancel(self, actor: str) -> list[str]:
        """Stop whatever is read back; the backups."""
        for reading in self._under_way.values():
            reading.stopped_by = actor
            if reading.task:
                reading.task.cancel()
        return list(self._under_way)

    async def _look(
        self,
        order: Order,
        record: BackupRecord,
        reading: _Reading,
        show: Callable[[], Coroutine[Any, Any, None]],
    ) -> str | Shown:
        showing = asyncio.create_task(show())
        try:
            end = await self._ended(record, reading)
        except Exception:
            await self._note(order, JobState.FAILED, verify_texts.OURS)
            raise
        finally:
            showing.cancel()  # before its message ends, or it would be written over
            await asyncio.wait({showing})
        await self._note(order, end.state, end.words)
        return end.told

    async def _ended(self, record: BackupRecord, reading: _Reading) -> _End:
        reading.task = asyncio.create_task(self._read(record, reading))
        wall = self._wall
        try:
            if reading.stopped_by:
                reading.task.cancel()
            await asyncio.wait({reading.task})
            if reading.task.cancelled():
                text = verify_texts.stopped(record, reading.stopped_by, wall())
                return _End(JobState.CANCELLED, f"stopped by {reading.stopped_by}", text)
            found, seconds = reading.task.result()
        except BotError as error:
            return _End(JobState.FAILED, str(error), verify_texts.failed(record, error, wall()))
        finally:
            reading.task.cancel()
            await asyncio.wait({reading.task})
            del self._under_way[record.id]
        text = verify_texts.verified(record, found, seconds, wall())
        return _End(JobState.DONE, verify_texts.outcome_figures(found, seconds), text)

    async def _note(self, order: Order, state: JobState, words: str) -> None:
        """Write it down, for as long as the journal takes to take it."""
        while True:
            try:
                await self.orders.end(order, state, words)
            except BotError as error:
                logger.warning("chat: cannot write down yet what was found: %s", error)
                await self.clock.sleep(_RETRY)
            else:
                return

    async def _show(
        self, request: Request, words: str, record: BackupRecord, reading: _Reading
    ) -> None:
        """Let the message that it has begun say how far it is, until cancelled."""
        shown = words
        while True:
            await reading.news.wait()
            reading.news.clear()
            seconds = reading.counting.seconds(self.clock.monotonic())
            text = verify_texts.progress(words, record, reading.counting.progress, seconds)
            if text != shown:
                try:
                    await self.inquiries.answers.still_looking(request, text)
                except BotError as error:
                    logger.warning("chat: cannot tell yet how far it is: %s", error)
                else:
                    shown = text
            await self.clock.sleep(seconds_between_edits(is_group=request.place.is_group))

    async def _read(self, record: BackupRecord, reading: _Reading) -> tuple[Verified, float]:
        def publish(event: Event) -> None:
            reading.counting.learn(event, self.clock.monotonic())
            reading.news.set()

        async with self._turn:
            began = self.clock.monotonic()
            found = await self.operations.verify(record.id, publish)
            return found, self.clock.monotonic() - began

    def _wall(self) -> Wall:
        return Wall(self.clock.now(), self.zone)
