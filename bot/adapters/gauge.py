"""What the containers use of the host's memory, as `docker stats` counts it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.domain.charts import MemorySample, MemoryUse
from bot.domain.stack import Container, Stack
from bot.services.ports import Clock


@dataclass(frozen=True)
class DockerGauge:
    """Port `Gauge`."""

    api: EngineApi
    clock: Clock

    async def memory(self, stack: Stack) -> Sequence[MemoryUse]:
        running = [each for each in stack.containers if each.running]
        host, *stats = await asyncio.gather(
            self.api.call("ask for the host's memory", lambda sdk: sdk.info()["MemTotal"]),
            *(self._stats(each) for each in running),
        )
        uses = zip(running, stats, strict=True)
        return [use for container, said in uses if (use := self._use(container, said, host))]

    async def _stats(self, container: Container) -> Mapping[str, Any]:
        said: Mapping[str, Any] = await self.api.call(
            f"measure {container.service}",
            lambda sdk: sdk.stats(container.id, stream=False, one_shot=True),
        )
        return said

    def _use(self, container: Container, said: Mapping[str, Any], host: int) -> MemoryUse | None:
        memory = said.get("memory_stats") or {}
        if "usage" not in memory:  # it has stopped meanwhile
            return None
        limit = memory.get("limit") or host
        return MemoryUse(
            container.service,
            (MemorySample(self.clock.now(), used(memory)),),
            limit if limit < host else None,
            container.restarts,
        )


def used(memory: Mapping[str, Any]) -> int:
    """Bytes that it would not give back at once; version 1 of cgroups has another name for them."""
    details = memory.get("stats") or {}
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    usage: int = memory["usage"]
    return usage - cache if cache < usage else usage
