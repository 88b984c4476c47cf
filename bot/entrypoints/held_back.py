"""The daemon's schedules and chat, which wait while this host is paused."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from bot.domain.errors import BotError
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
        try:
            pause = await self.mark.read()
        except BotError as error:  # a mark that cannot be read is a mark
            return f"schedules and chat are paused: {error}"
        return pause.words if pause else ""

    def farewell(self, farewell: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """*farewell*, where anything has begun: else there is nobody who could send."""

        async def if_it_began() -> None:
            if self.began:
                await farewell()

        return if_it_began

    async def _until_resumed(self) -> None:
        told = ""
        while words := await self.words():
            if words != told:
                logger.warning("%s", words)
                told = words
            await self.clock.sleep(_LOOK_AGAIN)
