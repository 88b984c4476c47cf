"""Whether what every job needs is there at the moment: Docker, and a store."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.domain.errors import BotError
from bot.services.bounded import Bounded
from bot.services.ports import Clock

Ask = Callable[[], Awaitable[None]]
"""Asks a system for next to nothing. Raises BotError where it does not answer."""

_WITHIN = 3.0
_GOOD_FOR = 30.0  # seconds; a request to a store may cost money


@dataclass
class _Looked:
    question: Bounded[None]
    at: float | None = None
    words: str = ""


@dataclass
class Readiness:
    """Asks *systems*, by name, none of them more often than every *good_for* seconds."""

    systems: Mapping[str, Ask]
    clock: Clock
    within: float = _WITHIN
    good_for: float = _GOOD_FOR
    _looked: dict[str, _Looked] = field(init=False)

    def __post_init__(self) -> None:
        self._looked = {
            name: _Looked(Bounded(ask, self.within)) for name, ask in self.systems.items()
        }

    async def look(self) -> dict[str, str]:
        """What is wrong with each, "" where it answers; never longer than *within* seconds."""
        await asyncio.gather(*(self._ask(each) for each in self._looked.values()))
        return {name: each.words for name, each in self._looked.items()}

    async def _ask(self, looked: _Looked) -> None:
        now = self.clock.monotonic()
        if looked.at is not None and now - looked.at < self.good_for:
            return
        try:
            await looked.question.answer()
        except (BotError, TimeoutError) as error:
            looked.words = str(error)
        else:
            looked.words = ""
        looked.at = now

    async def close(self) -> None:
        """Ask for nothing any more."""
        for each in self._looked.values():
            await each.question.close()
