"""What begins by itself, and how people hold it back: `/schedule`, `/pause` and `/resume`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeVar

from bot.domain.agenda import Plan, coming
from bot.domain.errors import BotError, ConfigError
from bot.domain.orders import OrderKind
from bot.domain.pause import Pause, parse_length, paused, plan_pause, resumed, until_words
from bot.entrypoints.telegram import planning_texts, texts
from bot.entrypoints.telegram.asked import Asked
from bot.services.orders import Orders
from bot.services.ports import Clock, PauseMark

Mute = Callable[[datetime], Awaitable[None]]
Done = TypeVar("Done")


@dataclass(frozen=True)
class Planning:
    """Looks at *plans*, and writes the *mark* that holds them back; who did that is noted.

    *mute_incidents* tells the watcher until when to be silent.
    """

    plans: Sequence[Plan]
    mark: PauseMark
    clock: Clock
    zone: tzinfo
    mute_incidents: Mute
    orders: Orders

    async def schedule(self) -> str:
        """What comes next."""
        now = self.clock.now()
        try:
            pause = await self.mark.read()
        except BotError as error:
            return texts.command_failed(error)
        return planning_texts.schedule(coming(self.plans, now), pause, self._wall())

    async def pause(self, asked: Asked) -> str:
        """Hold all back for the length that was asked for."""
        try:
            length = parse_length(asked.words)
        except ConfigError:
            return planning_texts.HOW_TO_PAUSE
        now = self.clock.now()

        async def pause() -> Pause:
            planned = plan_pause(await self.mark.read(), now, length, asked.person.name)
            await self.mark.write(planned)
            return planned

        planned = await self._carry_out(asked, OrderKind.PAUSE, pause, paused)
        if isinstance(planned, BotError):
            return texts.command_failed(planned)
        return planning_texts.paused(length, self._wall())

    async def mute(self, asked: Asked) -> str:
        """Tell of no new incident for the length that was asked for."""
        try:
            length = parse_length(asked.words)
        except ConfigError:
            return planning_texts.HOW_TO_MUTE
        now = self.clock.now()

        async def mute() -> datetime:
            await self.mute_incidents(now + length)
            return now + length

        until = await self._carry_out(asked, OrderKind.MUTE, mute, until_words)
        if isinstance(until, BotError):
            return texts.command_failed(until)
        return planning_texts.muted(until, self._wall())

    async def resume(self, asked: Asked) -> str:
        """Let all go on."""

        async def resume() -> bool:
            pause = await self.mark.read()
            await self.mark.clear()
            return pause is not None and pause.holds(self.clock.now())

        was_paused = await self._carry_out(asked, OrderKind.RESUME, resume, resumed)
        if isinstance(was_paused, BotError):
            return texts.command_failed(was_paused)
        return planning_texts.resumed(was_paused=was_paused)

    async def _carry_out(
        self,
        asked: Asked,
        kind: OrderKind,
        act: Callable[[], Awaitable[Done]],
        words: Callable[[Done], str],
    ) -> Done | BotError:
        order = asked.request.order(kind, asked.words, self.clock.now())
        return await self.orders.carry_out(order, act, words)

    def _wall(self) -> texts.Wall:
        return texts.Wall(self.clock.now(), self.zone)
