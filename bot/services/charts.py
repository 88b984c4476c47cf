"""A picture of the stack: what it shows is gathered here, another process draws it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

from bot.domain.catalogue import BackupRecord
from bot.domain.charts import Figures, MemoryUse, figures_of
from bot.domain.errors import BotError
from bot.domain.incident_history import PastIncident
from bot.domain.jobs import ALL_JOBS, REMEMBERED, Job
from bot.domain.outages import away_in_incidents
from bot.domain.stack import Stack
from bot.services.ports import Clock

logger = logging.getLogger(__name__)


class Gauge(Protocol):
    """Measures what runs."""

    async def memory(self, stack: Stack) -> Sequence[MemoryUse]:
        """What each running container of *stack* uses now, in the order in which they start."""


class Painter(Protocol):
    """Draws, in bounded time and memory, and without holding anything up."""

    async def draw(self, figures: Figures) -> bytes:
        """A PNG for a phone's screen. Raises PortError."""


@dataclass(frozen=True)
class Charts:
    """*jobs* are the newest ones, as many as are asked for; moments are told in *zone*.

    *incidents* are those that lasted then or later; without *serving*, services, nobody logs in.
    """

    jobs: Callable[[int], Awaitable[Sequence[Job]]]
    incidents: Callable[[datetime], Awaitable[Sequence[PastIncident]]]
    serving: Collection[str]
    clock: Clock
    gauge: Gauge
    painter: Painter
    zone: tzinfo

    async def figures(self, stack: Stack, records: Sequence[BackupRecord]) -> Figures:
        """What there is to draw of *stack* and its backups; no memory where Docker tells none."""
        now = self.clock.now()
        jobs, incidents, memory = await asyncio.gather(
            self.jobs(ALL_JOBS), self.incidents(now - REMEMBERED), self._memory(stack)
        )
        away = away_in_incidents(incidents, self.serving, now)
        return figures_of(records, jobs, memory, zone=self.zone, in_incidents=away)

    async def _memory(self, stack: Stack) -> Sequence[MemoryUse]:
        try:
            return await self.gauge.memory(stack)
        except BotError as error:
            logger.warning("measure the containers' memory: %s", error)
            return ()

    async def draw(self, figures: Figures) -> bytes | None:
        """The picture as PNG; None where it could not be drawn, which the log explains."""
        try:
            return await self.painter.draw(figures)
        except BotError as error:
            logger.warning("draw the picture of the stack: %s", error)
            return None
