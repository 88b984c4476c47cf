"""The daemon's schedules and chat, which wait while this host is paused.

A restored host's pause keeps every part from beginning; planned work keeps only what `is_planned`
is asked by from beginning anything new.
"""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from bot.domain.errors import BotError
from bot.domain.pause import Pause
from bot.services.ports import Clock, PauseMark

_LOOK_AGAIN = 2.0  # seconds

Part = Callable[[], Coroutine[None, None, None]]

logger = logging.getLogger(__name__)


@dataclass
class HeldBack:
    """Begins each part once nothing is paused; what has begun is not held back again."""

    mark: PauseMark
    clock: Clock
    began: bool = False

    def part(self, run: Part) -> Part:
        """*run*, from when it may."""

        async def wait_and_run() -> None:
            await self._until_resumed()
            self.began = True
            await run()

        return wait_and_run

    async def words(self) -> str:
        """Why nothing runs by itself, "" where it does."""
        pause = await self._pause()
        return pause if isinstance(pause, str) else pause.words if pause else ""

    async def is_planned(self) -> bool:
        """Whether people are at work, and nothing shall begin by itself or be complained about."""
        pause = await self._pause()
        return isinstance(pause, Pause) and not pause.holds_all

    async def _pause(self) -> Pause | str | None:
        """What holds at the moment; words for a mark that cannot be read, which is a mark."""
        try:
            pause = await self.mark.read()
        except BotError as error:
            return f"schedules and chat are paused: {error}"
        return pause if pause and pause.holds(self.clock.now()) else None

    def farewell(self, farewell: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """*farewell*, where anything has begun: else there is nobody who could send."""

        async def if_it_began() -> None:
            if self.began:
                await farewell()

        return if_it_began

    async def _until_resumed(self) -> None:
        told = ""
        while (pause := await self._pause()) and (isinstance(pause, str) or pause.holds_all):
            words = pause if isinstance(pause, str) else pause.words
            if words != told:
                logger.warning("%s", words)
                told = words
            await self.clock.sleep(_LOOK_AGAIN)
