"""What is measured and drawn for pictures, without an Engine and without a child process."""

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.charts import Figures, MemoryUse
from bot.domain.stack import Stack

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + struct.pack(">II", 1080, 1440)
"""So much of one as a stand-in for Telegram looks at."""


@dataclass
class FakeGauge:
    """A Gauge of what *uses* says, or *failure*."""

    uses: Sequence[MemoryUse] = ()
    failure: Exception | None = None

    async def memory(self, stack: Stack) -> Sequence[MemoryUse]:  # noqa: ARG002 - there is one
        if self.failure:
            raise self.failure
        return self.uses


@dataclass
class FakePainter:
    """A Painter that remembers what it drew; with *held* not before that is set."""

    drawn: list[Figures] = field(default_factory=list)
    failure: Exception | None = None
    held: asyncio.Event | None = None

    async def draw(self, figures: Figures) -> bytes:
        self.drawn.append(figures)
        if self.held:
            await self.held.wait()
        if self.failure:
            raise self.failure
        return PNG
