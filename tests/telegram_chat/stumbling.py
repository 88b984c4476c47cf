"""A part of the journal that fails as often as a test says."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from bot.domain.errors import PortError

BUSY = PortError(
    "read the journal: another process does not finish writing it",
    hint="Try again.",
    retryable=True,
)


class Stumbling:
    """Does what *inner* does, but raises *error* the next `times[method]` times.

    Only calls that are about *about*, if it is given.
    """

    def __init__(self, inner: object, error: Exception = BUSY) -> None:
        self.inner = inner
        self.error = error
        self.about = ""
        self.times: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def method(*args: Any, **kwargs: Any) -> Any:
            if self.times[name] > 0 and self.about in str(args):
                self.times[name] -= 1
                raise self.error
            return await getattr(self.inner, name)(*args, **kwargs)

        return method
