"""Hours in milliseconds: a clock that jumps to the next moment for which somebody waits."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


class InlineExecutor(ThreadPoolExecutor):
    """Runs everything at once, so that nothing happens behind the clock's back."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(call(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - whoever waits for it gets it
            done.set_exception(error)
        return done


@dataclass
class SimulatedClock:
    """Port `Clock`; time passes only in `run_until`."""

    at: datetime
    seed: int = 0
    _started: datetime = field(init=False)
    _waiting: list[tuple[datetime, int, "asyncio.Future[None]"]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self._started = self.at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - self._started).total_seconds()

    def random_text(self, alphabet: str, length: int) -> str:
        self.seed += 1
        digits = [(self.seed // len(alphabet) ** place) % len(alphabet) for place in range(length)]
        return "".join(alphabet[digit] for digit in digits)

    async def sleep(self, seconds: float) -> None:
        over = asyncio.get_running_loop().create_future()
        deadline = self.at + timedelta(seconds=seconds)
        heapq.heappush(self._waiting, (deadline, next(self._numbers), over))
        await over

    def jump(self, by: timedelta) -> None:
        """Somebody sets the clock: it shows another time, and no time passes."""
        self.at += by
        self._started += by
        self._waiting = [(at + by, number, over) for at, number, over in self._waiting]

    async def run_until(self, end: datetime) -> None:
        """Let everything happen that happens until *end*."""
        await everything_waits()
        while self._waiting and self._waiting[0][0] <= end:
            deadline, _, over = heapq.heappop(self._waiting)
            if not over.done():
                self.at = max(self.at, deadline)
                over.set_result(None)
                await everything_waits()
        self.at = end


async def everything_waits() -> None:
    """Return when no task of this loop can go on."""
    loop: Any = asyncio.get_running_loop()
    while loop._ready:  # noqa: ASYNC110 - it is no time that passes
        await asyncio.sleep(0)
