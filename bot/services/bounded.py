"""Questions to what may hang, asked for somebody who cannot wait."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_LET_GO_WITHIN = 1.0  # seconds

T = TypeVar("T")


@dataclass
class Bounded(Generic[T]):
    """Waits for the answer of *ask* for *within* seconds at most, however often it is wanted.

    One that is still being looked for is not asked for once more: who comes then waits for the same
    one. Given up is only the waiting, so that what hangs does not hang several times over.
    """

    ask: Callable[[], Awaitable[T]]
    within: float
    _asking: "asyncio.Future[T] | None" = field(default=None, init=False)

    async def answer(self) -> T:
        """The answer. Raises TimeoutError, and what *ask* raises."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self.ask())
            self._asking.add_done_callback(_fetch)
        asking = self._asking
        await asyncio.wait({asking}, timeout=self.within)
        if not asking.done():
            raise TimeoutError(f"no answer within {self.within:g} seconds")
        return asking.result()

    async def close(self) -> None:
        """Ask for nothing any more; what hangs is left to whoever closes that system."""
        if self._asking and not self._asking.done():
            self._asking.cancel()
            await asyncio.wait({self._asking}, timeout=_LET_GO_WITHIN)


def _fetch(asked: "asyncio.Future[T]") -> None:
    """Else asyncio reports what nobody waited for as lost."""
    if not asked.cancelled():
        asked.exception()
