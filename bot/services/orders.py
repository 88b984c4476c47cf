"""Orders are carried out, and written down with their outcome for whoever asks who did what."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.domain.errors import BotError
from bot.domain.jobs import Job, JobState
from bot.domain.orders import Entry, Order, newest_first
from bot.services.journal_ports import OrderLog
from bot.services.ports import Clock

Done = TypeVar("Done")


@dataclass(frozen=True)
class Orders:
    """Carries them out."""

    log: OrderLog
    clock: Clock

    async def carry_out(
        self, order: Order, act: Callable[[], Awaitable[Done]], words: Callable[[Done], str]
    ) -> Done | BotError:
        """What *act* returns or raises; *words* say what came of it.

        Raises PortError, retryable, where that could not be written down; done it is.
        """
        try:
            done = await act()
        except BotError as error:
            await self._note(order, JobState.FAILED, str(error))
            return error
        await self._note(order, JobState.DONE, words(done))
        return done

    async def _note(self, order: Order, state: JobState, message: str) -> None:
        await self.log.note(replace(order, state=state, message=message, ended=self.clock.now()))

    async def among(self, jobs: Sequence[Job], limit: int) -> list[Entry]:
        """The newest *jobs* and orders in one list, the newest first."""
        return newest_first(jobs, await self.log.orders(limit), limit)
