"""Whether the bot has done all that it can do before time passes, or somebody does something."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.bot_api.server import BotApi

_TURNS = 20  # of the event loop: whatever has been woken gets its turn in so many


@dataclass
class Calls:
    """How many there were, and how many came back."""

    begun: int = 0
    ended: int = 0


class Counted:
    """Does what *inner* does, and knows what is under way; *calls* may be those of several."""

    def __init__(self, inner: object, calls: Calls | None = None) -> None:
        self.inner = inner
        self.calls = calls or Calls()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def method(*args: Any, **kwargs: Any) -> Any:
            self.calls.begun += 1
            try:
                return await getattr(self.inner, name)(*args, **kwargs)
            finally:
                self.calls.ended += 1

        return method


@dataclass
class Rest:
    """Sees what the bot asks of the journal, in *calls*, and of *telegram*."""

    telegram: BotApi
    calls: Calls = field(default_factory=Calls)

    async def has_come(self) -> bool:
        """Nothing is under way, and nothing more begins while this is looked at."""
        before = self.calls.begun
        for _ in range(_TURNS):
            if self.calls.begun > self.calls.ended or not self.telegram.rests:
                return False
            await asyncio.sleep(0)
        return self.calls.begun == before
