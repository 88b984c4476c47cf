"""The daemon's look at what protects: every few minutes, and as soon as a job has ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.domain.errors import BotError
from bot.domain.jobs import Job
from bot.domain.messages import Event, JobEnded
from bot.entrypoints.scheduler import never
from bot.entrypoints.waiting import news_or_time
from bot.services.ports import Clock
from bot.services.pulse import Beat, no_beat

_LOOK_EVERY = 300.0

logger = logging.getLogger(__name__)


@dataclass
class AlarmRounds:
    """Lets *look* see to it; not while *is_held*, when people are at work."""

    look: Callable[[], Awaitable[None]]
    clock: Clock
    is_held: Callable[[], Awaitable[bool]] = never
    beat: Beat = no_beat
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def listener(self, _: Job, event: Event) -> None:
        """Look at once when a job has ended."""
        if isinstance(event, JobEnded):
            self._news.set()

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            self.beat()
            if not await self.is_held():
                await self._look()
            await news_or_time(self._news, self.clock, _LOOK_EVERY)

    async def _look(self) -> None:
        try:
            await self.look()
        except BotError as error:
            logger.warning("look after backups and drills: %s", error)
        except Exception:  # boundary: the next look comes all the same
            logger.exception("the look after backups and drills failed on an error of akbot itself")
