"""What containers use of the processor and of memory, against their limits."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.gauge import used
from bot.domain.stack import Container, Stack
from bot.domain.surroundings import Usage

_NANO = 1e9


@dataclass
class ContainerUsage:
    """By the Engine's one-shot figures: the processor's are totals since a container's start."""

    api: EngineApi
    _before: dict[str, tuple[float, datetime]] = field(default_factory=dict)

    async def look(self, stack: Stack) -> Sequence[Usage]:
        """All containers; one that does not run uses nothing."""
        found = await asyncio.gather(*(self._usage(each) for each in stack.containers))
        here = {each.id for each in stack.containers}
        self._before = {key: each for key, each in self._before.items() if key in here}
        return found

    async def _usage(self, container: Container) -> Usage:
        details: Mapping[str, Any] = await self.api.call(
            "inspect a container", lambda sdk: sdk.inspect_container(container.id)
        )
        said: Mapping[str, Any] = {}
        if container.running:
            said = await self.api.call(
                f"measure {container.service}",
                lambda sdk: sdk.stats(container.id, stream=False, one_shot=True),
            )
        memory = said.get("memory_stats") or {}
        host = details["HostConfig"]
        return Usage(
            container.service,
            self._cores(container.id, said),
            cpu_limit(host),
            used(memory) if "usage" in memory else 0,
            host.get("Memory") or None,
        )

    def _cores(self, container_id: str, said: Mapping[str, Any]) -> float | None:
        """Used since the look before; None at the first, and over a restart of the container."""
        total = ((said.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage")
        if not total:
            self._before.pop(container_id, None)
            return None
        at = datetime.fromisoformat(_to_microseconds(said["read"]))
        before = self._before.get(container_id)
        self._before[container_id] = (total, at)
        if before is None or total < before[0] or at <= before[1]:
            return None
        return float((total - before[0]) / _NANO / (at - before[1]).total_seconds())


def cpu_limit(host: Mapping[str, Any]) -> float | None:
    """Cores that a container may use by its HostConfig; None for all."""
    if host.get("NanoCpus"):
        return float(host["NanoCpus"] / _NANO)
    if (host.get("CpuQuota") or 0) > 0:
        return float(host["CpuQuota"] / (host.get("CpuPeriod") or 100_000))
    return None


def _to_microseconds(moment: str) -> str:
    """Python reads no nanoseconds."""
    head, dot, rest = moment.partition(".")
    digits = rest.rstrip("Z")
    return f"{head}.{digits[:6].ljust(6, '0')}+00:00" if dot else moment
