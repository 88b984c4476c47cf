"""Orders are carried out, and written down with their outcome for whoever asks who did what.

What takes a while is written down as it begins, too, and found by the next process if this one is
killed in it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from bot.domain.errors import BotError
from bot.domain.jobs import Job, JobState
from bot.domain.orders import (
    MOST_UNMET,
    STOPPED,
    Entry,
    Order,
    Unmet,
    newest_first,
    with_unmet,
)
from bot.services.journal_ports import OrderLog
from bot.services.ports import Clock

_MOST_ASKED = 100  # that are open at one time, each command of an offer for itself
Done = TypeVar("Done")


@dataclass(frozen=True)
class Orders:
    """Carries them out."""

    log: OrderLog
    clock: Clock
    _begun: set[str] = field(default_factory=set)  # by this process, and not ended

    async def carry_out(
        self,
        order: Order,
        act: Callable[[], Awaitable[Done]],
        words: Callable[[Done], str],
        has_failed: Callable[[Done], bool] = lambda _: False,
    ) -> Done | BotError:
        """What *act* returns or raises; *words* say what came of it.

        *has_failed* says of what it returns whether that counts as a failure.

        Raises PortError, retryable, where that could not be written down; done it is.
        """
        try:
            done = await act()
        except BotError as error:
            await self.end(order, JobState.FAILED, str(error))
            return error
        state = JobState.FAILED if has_failed(done) else JobState.DONE
        await self.end(order, state, words(done))
        return done

    async def begin(self, order: Order) -> None:
        """Write down that it is being carried out; `end` must follow."""
        self._begun.add(order.id)
        await self.log.begin(replace(order, state=JobState.RUNNING))

    async def end(self, order: Order, state: JobState | Unmet, message: str) -> None:
        """Write down what came of it."""
        await self._note(order, state, message)
        self._begun.discard(order.id)

    async def settle(self) -> None:
        """Let those end in which an earlier process was stopped."""
        for order in await self.log.running():
            if order.id not in self._begun:
                await self._note(order, JobState.INTERRUPTED, STOPPED)

    async def _note(self, order: Order, state: JobState | Unmet, message: str) -> None:
        await self.log.note(replace(order, state=state, message=message, ended=self.clock.now()))

    async def among(self, jobs: Sequence[Job], limit: int) -> list[Entry]:
        """The newest *jobs* and orders in one list, the newest first.

        There are *limit* of them, and some more of which nothing came.
        """
        newest = newest_first(jobs, await self.log.orders(limit), limit)
        unmet = await self.log.orders(MOST_UNMET + _MOST_ASKED, unmet=True)
        now = self.clock.now()
        over = [each for each in unmet if each.ended and each.ended <= now]
        return with_unmet(newest, over, is_whole=len(newest) < limit)

    async def ask(self, order: Order, expires: datetime) -> None:
        """Write down that its person is asked whether it shall be; counts once that has expired.

        `answered` must follow an answer.
        """
        await self.log.note(replace(order, state=Unmet.EXPIRED, ended=expires))

    async def answered(self, order_id: str) -> None:
        """Its person has answered in time: what comes of that is written down elsewhere."""
        await self.log.withdraw(order_id)

    async def refuse(self, order: Order, why: str) -> None:
        """Write down that nothing came of it, and why."""
        await self.end(order, Unmet.REFUSED, why)

    async def decline(self, order: Order) -> None:
        """Write down that whoever asked for it said no once they saw what it does."""
        await self.end(order, Unmet.DECLINED, "")
