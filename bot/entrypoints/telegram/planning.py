"""What begins by itself, and how people hold it back: `/schedule`, `/pause` and `/resume`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeVar

from bot.domain.agenda import Plan, coming
from bot.domain.errors import BotError, ConfigError
from bot.domain.orders import OrderKind
from bot.domain.pause import (
    Pause,
    end_words,
    parse_end,
    paused,
    plan_pause,
    resumed,
    tomorrow_morning,
    until_words,
)
from bot.domain.roles import Act
from bot.entrypoints.telegram import failure_texts, planning_texts, texts
from bot.entrypoints.telegram.asked import Asked
from bot.entrypoints.telegram.choosing import Choice, Choosing
from bot.services.orders import Orders
from bot.services.ports import Clock, PauseMark

_OFF = "off"
Mute = Callable[[datetime], Awaitable[None]]
Done = TypeVar("Done")


@dataclass(frozen=True)
class Planning:
    """Looks at *plans*, and writes the *mark* that holds them back; who did that is noted.

    *mute_incidents* tells the watcher until when to be silent, *muted_until* is what it knows.
    """

    plans: Sequence[Plan]
    mark: PauseMark
    clock: Clock
    zone: tzinfo
    mute_incidents: Mute
    orders: Orders
    choosing: Choosing
    muted_until: Callable[[], datetime | None]

    async def schedule(self) -> str:
        """What comes next."""
        now = self.clock.now()
        try:
            pause = await self.mark.read()
        except BotError as error:
            return failure_texts.command_failed(error, self._wall())
        return planning_texts.schedule(coming(self.plans, now), pause, self._wall())

    async def pause(self, asked: Asked) -> str | None:
        """Hold all back for the length that was asked for; None where it is asked back."""
        if not asked.words:
            return await self._offer_pause(asked)
        now = self.clock.now()
        try:
            length = parse_end(asked.words, now, self.zone) - now
        except ConfigError:
            return planning_texts.HOW_TO_PAUSE

        async def pause() -> Pause:
            planned = plan_pause(await self.mark.read(), now, length, asked.person.name)
            await self.mark.write(planned)
            return planned

        planned = await self._carry_out(asked, OrderKind.PAUSE, pause, paused)
        if isinstance(planned, BotError):
            return failure_texts.command_failed(planned, self._wall())
        return planning_texts.paused(length, self._wall())

    async def mute(self, asked: Asked) -> str | None:
        """Tell of no new incident for the length that was asked for; None where it is asked back.

        "off" tells again.
        """
        if not asked.words:
            await self._offer_mute(asked)
            return None
        now, is_off = self.clock.now(), asked.words.lower() == _OFF
        try:
            end = now if is_off else parse_end(asked.words, now, self.zone)
        except ConfigError:
            return planning_texts.HOW_TO_MUTE

        async def mute() -> datetime:
            await self.mute_incidents(end)
            return end

        until = await self._carry_out(asked, OrderKind.MUTE, mute, until_words)
        if isinstance(until, BotError):
            return failure_texts.command_failed(until, self._wall())
        if is_off:
            return planning_texts.NOT_MUTED
        return planning_texts.muted(until, self._wall())

    async def _offer_pause(self, asked: Asked) -> str | None:
        try:
            pause = await self.mark.read()
        except BotError as error:
            return failure_texts.command_failed(error, self._wall())
        now = self.clock.now()
        until = pause.until if pause and pause.holds(now) else None
        text = planning_texts.how_to_pause(until, self._wall())
        resume = [Choice(planning_texts.RESUME, f"/{Act.RESUME}")] if until else []
        choices = [*self._lengths(Act.PAUSE), *resume]
        await self.choosing.offer(asked.request, Act.PAUSE, text, choices)
        return None

    async def _offer_mute(self, asked: Asked) -> None:
        until = self.muted_until()
        text = planning_texts.how_to_mute(until, self._wall())
        unmute = [Choice(planning_texts.UNMUTE, f"/{Act.MUTE} {_OFF}")] if until else []
        choices = [*self._lengths(Act.MUTE), *unmute]
        await self.choosing.offer(asked.request, Act.MUTE, text, choices)

    def _lengths(self, act: Act) -> list[Choice]:
        """The morning is named by its date, so that a press after midnight means the same one."""
        morning = end_words(tomorrow_morning(self.clock.now(), self.zone), self.zone)
        named = [*planning_texts.LENGTHS.items(), (planning_texts.UNTIL_MORNING, morning)]
        return [Choice(label, f"/{act} {words}") for label, words in named]

    async def resume(self, asked: Asked) -> str:
        """Let all go on."""

        async def resume() -> bool:
            pause = await self.mark.read()
            await self.mark.clear()
            return pause is not None and pause.holds(self.clock.now())

        was_paused = await self._carry_out(asked, OrderKind.RESUME, resume, resumed)
        if isinstance(was_paused, BotError):
            return failure_texts.command_failed(was_paused, self._wall())
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
