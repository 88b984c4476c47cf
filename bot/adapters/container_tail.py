"""The end of a container's log, for people: whole lines, masked, and not too much of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.domain.log_masking import mask_lines
from bot.domain.stack import Container
from bot.services.looks import Span

_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class DockerTail:
    """Port `ContainerTail`."""

    engine: EngineApi

    async def tail(
        self, container: Container, lines: int, span: Span | None = None
    ) -> Sequence[str]:
        when: dict[str, Any] = {}
        if span:  # the Engine counts in seconds
            when = {"since": int(span.begin.timestamp()), "until": int(span.end.timestamp()) + 1}
        text: bytes = await self.engine.call(
            f"read the log of {container.service}",
            lambda sdk: sdk.logs(container.id, tail=lines, timestamps=True, **when),
        )
        kept = text[-_MOST_BYTES:]
        whole = kept if len(kept) == len(text) else kept.partition(b"\n")[2]
        return await asyncio.to_thread(mask_lines, whole.decode(errors="replace"))
