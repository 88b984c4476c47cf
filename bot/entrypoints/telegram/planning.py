"""What begins by itself, and how people hold it back: `/schedule`, `/pause` and `/resume`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeVar

from bot.domain.agenda import Coming, Plan, coming
from bot.domain.durations import duration
from bot.domain.errors import BotError, ConfigError
from bot.domain.orders import OrderKind
from bot.domain.pause import Pause, parse_length, paused, plan_pause, resumed, until_words
from bot.entrypoints.telegram import texts
from bot.entrypoints.telegram.asked import Asked
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
        wall = texts.Wall(now, self.zone)
        return schedule_text(coming(self.plans, now), pause, wall)

    async def pause(self, asked: Asked) -> str:
        """Hold all back for the length that was asked for."""
        try:
            length = parse_length(asked.words)
        except ConfigError:
            return HOW_TO_PAUSE
        now = self.clock.now()

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

    async def mute(self, asked: Asked) -> str:
        """Tell of no new incident for the length that was asked for."""
        try:
            length = parse_length(asked.words)
        except ConfigError:
            return HOW_TO_MUTE
        now = self.clock.now()

        async def mute() -> datetime:
            await self.mute_incidents(now + length)
            return now + length

        until = await self._carry_out(asked, OrderKind.MUTE, mute, until_words)
        if isinstance(until, BotError):
            return texts.command_failed(until)
        return (
            f"🔕 <b>Muted until {self._time(until)}</b>: no word of new incidents. Then I tell what"
            f" is still wrong. {code('/mute 1m')} ends it sooner."
        )

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
