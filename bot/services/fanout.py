"""One stream into several stores: a store that fails or stalls is done without, the last is not.

The slowest store sets the pace, over a queue of a few blocks for each, so memory stays as it is.
The blocks are the same bytes for all; with one store they pass straight through.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bot.domain.errors import PortError, is_retryable
from bot.services.pipeline import ending
from bot.services.stalls import fetch, unless_stalled
from bot.services.store_ports import BackupStore
from bot.services.stores import STORE_ERRORS, Place, StoreError, Stores

T = TypeVar("T")

_AHEAD = 2  # blocks that wait for each store
_SWEEP_WITHIN = 10.0  # seconds; what is left then goes when that store gets its copy

logger = logging.getLogger(__name__)


@dataclass
class Receivers:
    """The stores that still take part in one backup, and why the *dropped* ones do not."""

    stores: Stores
    dropped: dict[str, StoreError] = field(default_factory=dict)
    taking: dict[str, Place] = field(init=False)

    def __post_init__(self) -> None:
        places = self.stores.places
        self.taking = {place.name: place for place in places if place.name not in self.dropped}

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, size_hint: int | None = None
    ) -> int:
        """Store *chunks* under *key* wherever that is possible, and return their size in bytes.

        What *chunks* raises passes through unchanged, and then nothing is left of the object.
        Raises PortError or IntegrityError where no store took it.
        """
        if len(self.taking) == 1:
            return await self._only.store.put(key, chunks, size_hint=size_hint)
        branches = [_Branch(self, place, key, size_hint) for place in self.taking.values()]
        try:
            async with ending(chunks):
                async for block in chunks:
                    for branch in branches:
                        await branch.give(block)
            for branch in branches:
                await branch.give(None)
            sizes = [await branch.task for branch in branches]
        except BaseException:
            for branch in branches:
                branch.task.cancel()
            await asyncio.wait({branch.task for branch in branches})
            raise
        return next(size for size in sizes if size is not None)

    async def each(self, work: Callable[[BackupStore], Awaitable[T]]) -> None:
        """Do *work* in every store that still takes part. Raises where none is left."""
        if len(self.taking) == 1:
            try:
                await work(self._only.store)
            except STORE_ERRORS as error:
                self._drop(self._only, error)
            return
        tasks = [asyncio.ensure_future(self.within(each, work)) for each in self.taking.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def within(self, place: Place, work: Callable[[BackupStore], Awaitable[T]]) -> T | None:
        """Do *work* in one store; None where it is done without from then on."""
        try:
            return await unless_stalled(
                place.store, work, self.stores.stall, lambda: self._may_drop(place)
            )
        except STORE_ERRORS as error:
            self._drop(place, error)
            return None

    async def sweep(self, work: Callable[[BackupStore], Awaitable[None]]) -> dict[str, str]:
        """Undo in the dropped stores what was begun there; in words why each was dropped."""
        if not self.dropped:
            return {}
        why = {name: str(error) for name, error in self.dropped.items()}
        try:
            _, errors = await self.stores.ask(work, but=self.taking, within=_SWEEP_WITHIN)
        except STORE_ERRORS as error:
            errors = dict.fromkeys(why, error)
        for name, left in errors.items():
            logger.warning('store "%s": what was begun there may be left: %s', name, left)
        return why

    @property
    def _only(self) -> Place:
        return next(iter(self.taking.values()))

    def _may_drop(self, place: Place) -> bool:
        return place.name not in self.taking or len(self.taking) > 1

    def _drop(self, place: Place, error: StoreError) -> None:
        """Go on without *place*; raises where nothing is left to go on with."""
        if place.name not in self.taking:
            return
        if len(self.taking) > 1:
            logger.warning('store "%s" is done without: %s', place.name, error)
            self.dropped[place.name] = error
            del self.taking[place.name]
            return
        if not self.dropped:
            raise error
        every = {**self.dropped, place.name: error}
        raise PortError(
            "; ".join(f'store "{name}": {each}' for name, each in every.items()),
            hint=error.hint,
            retryable=any(is_retryable(each) for each in every.values()),
        ) from error


class _Branch:
    """One store's share: a queue, and the task that puts what comes through it."""

    def __init__(self, receivers: Receivers, place: Place, key: str, size_hint: int | None) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD)
        self.task = asyncio.ensure_future(
            receivers.within(
                place, lambda store: store.put(key, self._blocks(), size_hint=size_hint)
            )
        )
        self.task.add_done_callback(fetch)

    async def give(self, block: bytes | None) -> None:
        """Hand over a block, None for the end; raises where no store takes part any more."""
        if self.task.done():
            self.task.result()
            return
        if not self._queue.full():
            self._queue.put_nowait(block)
            return
        giving = asyncio.ensure_future(self._queue.put(block))
        try:
            await asyncio.wait({giving, self.task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            giving.cancel()
        if self.task.done():
            self.task.result()

    async def _blocks(self) -> AsyncIterator[bytes]:
        while (block := await self._queue.get()) is not None:
            yield block
