"""The daemon's eye on the containers: the Engine's events, a look every minute, and the clock."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from bot.domain.errors import BotError
from bot.entrypoints.waiting import news_or_time
from bot.services.ports import Clock
from bot.services.pulse import Beat, no_beat
from bot.services.watch_ports import Containers
from bot.services.watcher import Watcher

_LOOK_EVERY = 60.0  # events are lost when the Engine restarts
_LOOK_SOONER = 5.0  # while the Engine does not answer, or no stack is there
_BETWEEN_LOOKS = 0.5  # however many events there are
_TICK = 1.0
_FOLLOW_AGAIN = 1.0

logger = logging.getLogger(__name__)


@dataclass
class WatchRounds:
    """Feeds *watcher* with what *containers* tells; *others* feed it from then on, too."""

    watcher: Watcher
    containers: Containers
    clock: Clock
    others: Sequence[Callable[[], Awaitable[None]]] = ()
    beat_of_looks: Beat = no_beat
    beat_of_ticks: Beat = no_beat
    _look: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Watch, for ever."""
        await self._resume()
        others = (each() for each in self.others)
        await asyncio.gather(self._follow(), self._looks(), self._ticks(), *others)

    async def _resume(self) -> None:
        while True:
            try:
                await self.watcher.resume()
            except BotError as error:
                logger.warning("take up the incidents: %s", error)
                await self.clock.sleep(_LOOK_SOONER)
            else:
                return

    async def _follow(self) -> None:
        """Events, from where they left off whenever the Engine is back."""
        told = ""
        while True:
            try:
                async with aclosing(self.containers.events()) as events:
                    async for event in events:
                        told = ""
                        if await self.watcher.happened(event):
                            self._look.set()
            except BotError as error:
                if str(error) != told:
                    logger.warning("%s", told := str(error))
            except Exception:  # boundary: an event that is not understood is looked for
                logger.exception("the events of the Engine could not be followed")
            self._look.set()
            await self.clock.sleep(_FOLLOW_AGAIN)

    async def _looks(self) -> None:
        while True:
            self.beat_of_looks()
            try:
                if not await self.watcher.look():
                    self._look.set()
            except Exception:  # boundary: the next look comes all the same
                logger.exception("the look at the containers failed on an error of akbot itself")
            await self.clock.sleep(_BETWEEN_LOOKS)
            seconds = _LOOK_SOONER if self.watcher.is_blind else _LOOK_EVERY
            await news_or_time(self._look, self.clock, seconds)

    async def _ticks(self) -> None:
        while True:
            self.beat_of_ticks()
            try:
                if await self.watcher.tick():
                    self._look.set()
            except Exception:  # boundary: the next second comes all the same
                logger.exception("an incident could not be told on an error of akbot itself")
            await self.clock.sleep(_TICK)
