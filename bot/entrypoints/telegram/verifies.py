"""Backups that are read back for people: one after another, and each for one at a time."""

import asyncio
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import partial

from bot.domain.catalogue import BackupRecord
from bot.domain.errors import BotError
from bot.entrypoints.telegram import verify_texts
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.inquiries import Inquiries
from bot.entrypoints.telegram.texts import Wall
from bot.services.operations import Operations
from bot.services.ports import Clock
from bot.services.verify import Verified


@dataclass(eq=False)
class _Reading:
    """One of them, which waits for its turn or is being read."""

    task: "asyncio.Task[tuple[Verified, float]] | None" = None
    stopped_by: str = ""


@dataclass(frozen=True)
class Verifies:
    """Reads backups back, beside the updates."""

    operations: Operations
    inquiries: Inquiries
    clock: Clock
    zone: tzinfo
    _under_way: dict[str, _Reading] = field(default_factory=dict)  # by backup
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # memory and disks are the stack's

    async def begin(self, request: Request, record: BackupRecord) -> str | None:
        """Why it is not read now, or None: what is found comes as a new message."""
        if record.id in self._under_way:
            return verify_texts.reads_already(record)
        words = verify_texts.reading(record, self._wall())
        self._under_way[record.id] = reading = _Reading()
        try:
            await self.inquiries.begin(request, words, partial(self._look, record, reading))
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

    async def _look(self, record: BackupRecord, reading: _Reading) -> str:
        reading.task = asyncio.create_task(self._read(record))
        try:
            if reading.stopped_by:
                reading.task.cancel()
            await asyncio.wait({reading.task})
            if reading.task.cancelled():
                return verify_texts.stopped(record, reading.stopped_by, self._wall())
            found, seconds = reading.task.result()
        except BotError as error:
            return verify_texts.failed(record, error, self._wall())
        finally:
            reading.task.cancel()
            await asyncio.wait({reading.task})
            del self._under_way[record.id]
        return verify_texts.verified(record, found, seconds, self._wall())

    async def _read(self, record: BackupRecord) -> tuple[Verified, float]:
        async with self._turn:
            began = self.clock.monotonic()
            found = await self.operations.verify(record.id)
            return found, self.clock.monotonic() - began

    def _wall(self) -> Wall:
        return Wall(self.clock.now(), self.zone)
