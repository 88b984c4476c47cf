"""What begins by itself, and how people hold it back: `/schedule`, `/pause` and `/resume`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeVar

from bot.domain.agenda import Coming, Plan, coming
from bot.domain.durations import duration
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
from bot.entrypoints.telegram import texts
from bot.entrypoints.telegram.asked import Asked
from bot.entrypoints.telegram.choosing import Choice, Choosing
from bot.entrypoints.telegram.markup import bold, code, plain
from bot.services.orders import Orders
from bot.services.ports import Clock, PauseMark

HOW_TO_PAUSE = (
    f"For how long? {code('/pause 2h')} lets nothing begin by itself for two hours;"
    f" {code('30m')} and {code('1d12h')} will do as well."
)
HOW_TO_MUTE = (
    f"For how long? {code('/mute 2h')} lets me tell of no new incident for two hours;"
    f" {code('30m')} and {code('1d12h')} will do as well."
)
_OFF = "off"
_LENGTHS = {"30 min": "30m", "2 h": "2h", "8 h": "8h"}
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
            return texts.command_failed(error)
        wall = texts.Wall(now, self.zone)
        return schedule_text(coming(self.plans, now), pause, wall)

    async def pause(self, asked: Asked) -> str | None:
        """Hold all back for the length that was asked for; None where it is asked back."""
        if not asked.words:
            return await self._offer_pause(asked)
        now = self.clock.now()
        try:
            length = parse_end(asked.words, now, self.zone) - now
        except ConfigError:
            return HOW_TO_PAUSE

        async def pause() -> Pause:
            planned = plan_pause(await self.mark.read(), now, length, asked.person.name)
            await self.mark.write(planned)
            return planned

        planned = await self._carry_out(asked, OrderKind.PAUSE, pause, paused)
        if isinstance(planned, BotError):
            return texts.command_failed(planned)
        return (
            f"⏸ <b>Paused until {self._time(now + length)}</b>,"
            f" {duration(length.total_seconds())} from now.\n"
            "Nothing begins by itself; what you ask for is done all the same. What was missed is"
            " made up for afterwards. /resume ends it."
        )

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
            return HOW_TO_MUTE

        async def mute() -> datetime:
            await self.mute_incidents(end)
            return end

        until = await self._carry_out(asked, OrderKind.MUTE, mute, until_words)
        if isinstance(until, BotError):
            return texts.command_failed(until)
        if is_off:
            return "🔔 <b>Not muted</b>: I tell of incidents again."
        return (
            f"🔕 <b>Muted until {self._time(until)}</b>: no word of new incidents. Then I tell what"
            f" is still wrong. {code('/mute off')} ends it sooner."
        )

    async def _offer_pause(self, asked: Asked) -> str | None:
        try:
            pause = await self.mark.read()
        except BotError as error:
            return texts.command_failed(error)
        now = self.clock.now()
        until = pause.until if pause and pause.holds(now) else None
        text = f"⏸ Paused until {self._time(until)}.\n{HOW_TO_PAUSE}" if until else HOW_TO_PAUSE
        resume = [Choice("Resume", f"/{Act.RESUME}")] if until else []
        choices = [*self._lengths(Act.PAUSE), *resume]
        await self.choosing.offer(asked.request, Act.PAUSE, text, choices)
        return None

    async def _offer_mute(self, asked: Asked) -> None:
        until = self.muted_until()
        text = f"🔕 Muted until {self._time(until)}.\n{HOW_TO_MUTE}" if until else HOW_TO_MUTE
        unmute = [Choice("Unmute", f"/{Act.MUTE} {_OFF}")] if until else []
        choices = [*self._lengths(Act.MUTE), *unmute]
        await self.choosing.offer(asked.request, Act.MUTE, text, choices)

    def _lengths(self, act: Act) -> list[Choice]:
        """The morning is named by its date, so that a press after midnight means the same one."""
        morning = end_words(tomorrow_morning(self.clock.now(), self.zone), self.zone)
        named = [*_LENGTHS.items(), ("Until tomorrow 08:00", morning)]
        return [Choice(label, f"/{act} {words}") for label, words in named]

    async def resume(self, asked: Asked) -> str:
        """Let all go on."""

        async def resume() -> bool:
            pause = await self.mark.read()
            await self.mark.clear()
            return pause is not None and pause.holds(self.clock.now())

        was_paused = await self._carry_out(asked, OrderKind.RESUME, resume, resumed)
        if isinstance(was_paused, BotError):
            return texts.command_failed(was_paused)
        if was_paused:
            return "▶️ <b>All goes on.</b> /schedule shows what comes next."
        return "Nothing was paused."

    async def _carry_out(
        self,
        asked: Asked,
        kind: OrderKind,
        act: Callable[[], Awaitable[Done]],
        words: Callable[[Done], str],
    ) -> Done | BotError:
        order = asked.request.order(kind, asked.words, self.clock.now())
        return await self.orders.carry_out(order, act, words)

    def _time(self, moment: datetime) -> str:
        return texts.Wall(self.clock.now(), self.zone).time(moment)


def schedule_text(planned: Sequence[Coming], pause: Pause | None, wall: texts.Wall) -> str:
    """Each kind of work with its next moments."""
    lines = [_line(each, wall) for each in planned]
    if pause and pause.until and pause.holds(wall.now):
        lines.append(
            f"⏸ Paused until {wall.time(pause.until)}: {plain(pause.reason)}. /resume ends it."
        )
    return "\n".join(lines)


def _line(each: Coming, wall: texts.Wall) -> str:
    name = bold(each.name.capitalize())
    if not each.next:
        return f"{name}: off ({code(each.setting)})"
    later = f", up to {each.delay_minutes:g} min later" if each.delay_minutes else ""
    moments = ", ".join(wall.time(moment) for moment in each.next)
    return f"{name}: {moments}{later}"
