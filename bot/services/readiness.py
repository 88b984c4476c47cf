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
_BAD_FOR = 30.0  # seconds; whoever mends something wants to see that


@dataclass(frozen=True)
class System:
    """*good_for* is how many seconds an answer counts: a request may cost money."""

    ask: Ask
    good_for: float = 0


@dataclass
class _Looked:
    question: Bounded[None]
    good_for: float
    at: float | None = None
    words: str = ""


@dataclass
class Readiness:
    """Asks *systems*, by name, none of them more often than is needed."""

    systems: Mapping[str, System]
    clock: Clock
    within: float = _WITHIN
    _looked: dict[str, _Looked] = field(init=False)

    def __post_init__(self) -> None:
        self._looked = {
            name: _Looked(Bounded(each.ask, self.within), each.good_for)
            for name, each in self.systems.items()
        }

    async def look(self) -> dict[str, str]:
        """What is wrong with each, "" where it answers; never longer than *within* seconds."""
        await asyncio.gather(*(self._ask(each) for each in self._looked.values()))
        return {name: each.words for name, each in self._looked.items()}

    async def _ask(self, looked: _Looked) -> None:
        now = self.clock.monotonic()
        counts_for = min(looked.good_for, _BAD_FOR) if looked.words else looked.good_for
        if looked.at is not None and now - looked.at < counts_for:
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
