"""Notice a store that neither fails nor goes on, so that it does not hold up the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.errors import PortError
from bot.services.pipeline import ending
from bot.services.store_ports import BackupStore, Protection, StoredObject

T = TypeVar("T")

_LET_GO_WITHIN = 10.0  # seconds; a call that hangs longer ends with the process


class Pulse:
    """Whether one piece of work with a store goes on; the store's time alone counts."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self._at_work = 0
        self._since = self._now()

    def beat(self) -> None:
        """Something has moved; may be called from any thread."""
        self._since = self._now()

    @contextmanager
    def working(self) -> Iterator[None]:
        """The store owes something."""
        self.beat()
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            self.beat()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """The store waits for somebody else meanwhile."""
        self._at_work -= 1
        try:
            yield
        finally:
            self.beat()
            self._at_work += 1

    @property
    def silence(self) -> float:
        """For how many seconds the store has owed something and nothing has moved."""
        return self._now() - self._since if self._at_work else 0.0


@dataclass(frozen=True)
class WatchedStore:
    """A BackupStore whose *pulse* beats as long as it does what is asked of it."""

    store: BackupStore
    pulse: Pulse

    @property
    def name(self) -> str:
        return self.store.name

    @property
    def local_path(self) -> str | None:
        return self.store.local_path

    @property
    def part_size(self) -> int:
        return self.store.part_size

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_hint: int | None = None,
        moved: Callable[[], None] | None = None,  # noqa: ARG002 - the pulse itself
    ) -> int:
        with self.pulse.working():
            async with ending(self._waiting_for(chunks)) as owed:
                return await self.store.put(key, owed, size_hint=size_hint, moved=self.pulse.beat)

    async def _waiting_for(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async with ending(chunks):
            while True:
                with self.pulse.resting():
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                yield chunk

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        return self._watched(self.store.get(key, start=start, length=length))

    async def _watched(self, items: AsyncIterator[T]) -> AsyncIterator[T]:
        with self.pulse.working():
            try:
                async for item in items:
                    with self.pulse.resting():
                        yield item
            finally:
                close = getattr(items, "aclose", None)
                if close:
                    await close()

    async def stat(self, key: str) -> StoredObject:
        with self.pulse.working():
            return await self.store.stat(key)

    def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        return self._watched(self.store.list(prefix))

    async def delete(self, *keys: str) -> None:
        for key in keys:
            with self.pulse.working():
                await self.store.delete(key)

    async def unfinished(self, prefix: str = "") -> Sequence[str]:
        with self.pulse.working():
            return await self.store.unfinished(prefix)

    async def discard_unfinished(self, prefix: str = "") -> int:
        with self.pulse.working():
            return await self.store.discard_unfinished(prefix)

    async def protection(self) -> Protection:
        with self.pulse.working():
            return await self.store.protection()

    async def close(self) -> None:
        await self.store.close()


async def unless_stalled(
    store: BackupStore,
    work: Callable[[BackupStore], Awaitable[T]],
    within: float,
    may_give_up: Callable[[], bool] = lambda: True,
) -> T:
    """Do *work* with *store*, which has *within* seconds for each step of it.

    Raises what *work* raises, and PortError when the store stalls and *may_give_up* says so.
    """
    pulse = Pulse()
    task = asyncio.ensure_future(work(WatchedStore(store, pulse)))
    task.add_done_callback(fetch)
    try:
        while not task.done():
            left = within - pulse.silence
            if left <= 0 and may_give_up():
                break
            await asyncio.wait({task}, timeout=left if left > 0 else within)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait({task}, timeout=_LET_GO_WITHIN)
    raise PortError(f"it has not gone on for {within:g} seconds", retryable=True)


def fetch(task: asyncio.Future[T]) -> None:
    """Take note of how *task* ended, so that asyncio does not report it as lost."""
    if not task.cancelled():
        task.exception()  # fetched: whoever gave the work up has an error of its own
