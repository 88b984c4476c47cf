"""A store that was away gets what it lacks soon after it is back, not only with the next backup."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.services.ports import Clock

LOOK_EVERY = 3600.0  # seconds; each look lists every store


@dataclass(frozen=True)
class CatchUp:
    """Lets *copy* see to it when the daemon starts, and every hour."""

    copy: Callable[[], Awaitable[None]]
    clock: Clock

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await self.copy()
            await self.clock.sleep(LOOK_EVERY)
