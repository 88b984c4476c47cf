"""How many bytes have passed, told while they do: the one way in which whatever reads tells it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bot.domain.image_layers import Pulled
from bot.domain.messages import BytesPassed, LayersPulled
from bot.services.pipeline import ending
from bot.services.ports import Clock, Publish
from bot.services.store_ports import Objects

_APART = 0.25  # seconds; nobody reads faster


@dataclass
class Gauged:
    """Counts up to *total*, 0 where nobody knows it, and tells of it a few times a second."""

    publish: Publish
    clock: Clock
    total: int = 0
    passed: int = 0
    _told_at: float | None = field(default=None, init=False)
    _told: int | None = field(default=None, init=False)

    async def passing(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same *chunks*, counted; their end is told in any case."""
        async with ending(chunks):
            async for chunk in chunks:
                self.passed += len(chunk)
                now = self.clock.monotonic()
                if self._told_at is None or now - self._told_at >= _APART:
                    self._told_at = now
                    self._tell()
                yield chunk
        self._tell()

    def _tell(self) -> None:
        if self.passed != self._told:
            self._told = self.passed
            self.publish(BytesPassed(self.passed, self.total))


@dataclass(frozen=True)
class GaugedObjects:
    """*objects*, and what is read of them is counted in *gauge*."""

    objects: Objects
    gauge: Gauged

    def get(self, key: str) -> AsyncIterator[bytes]:
        """Stream the object."""
        return self.gauge.passing(self.objects.get(key))


@dataclass(frozen=True)
class Meter:
    """Makes what counts for one job."""

    publish: Publish
    clock: Clock

    def reading(self, objects: Objects, total: int, before: int = 0) -> GaugedObjects:
        """*objects* of which *total* stored bytes will be read, *before* of them were already."""
        return GaugedObjects(objects, Gauged(self.publish, self.clock, total, before))

    def pulling(self) -> Pulled:
        """What hears of an image's layers, and tells of them a few times a second."""
        told_at: float | None = None
        told_here = -1

        def pulled(here: int, layers: int, passed_bytes: int) -> None:
            nonlocal told_at, told_here
            now = self.clock.monotonic()
            is_whole = here == layers and here != told_here
            if told_at is None or now - told_at >= _APART or is_whole:
                told_at, told_here = now, here
                self.publish(LayersPulled(here, layers, passed_bytes))

        return pulled

    def passing(self, chunks: AsyncIterator[bytes], total: int = 0) -> AsyncIterator[bytes]:
        """*chunks*, of *total* bytes if that is known."""
        return Gauged(self.publish, self.clock, total).passing(chunks)
