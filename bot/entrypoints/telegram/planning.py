"""What begins by itself, and how people hold it back: `/schedule`, `/pause` and `/resume`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.domain.agenda import Coming, Plan, coming
from bot.domain.errors import BotError, ConfigError
from bot.domain.pause import Pause, parse_length, plan_pause
from bot.entrypoints.render import duration
from bot.entrypoints.telegram import texts
from bot.entrypoints.telegram.asked import Asked
from bot.entrypoints.telegram.markup import bold, code, plain
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


@dataclass(frozen=True)
class Planning:
    """Looks at *plans*, and writes the *mark* that holds them back.

    *mute_incidents* tells the watcher until when to be silent.
    """

    plans: Sequence[Plan]
    mark: PauseMark
    clock: Clock
    zone: tzinfo
    mute_incidents: Mute

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
        try:
            pause = plan_pause(await self.mark.read(), now, length, asked.person.name)
            await self.mark.write(pause)
        except BotError as error:
            return texts.command_failed(error)
        until = texts.Wall(now, self.zone).time(pause.until or now)
        return (
            f"⏸ <b>Paused until {until}</b>, {duration(length.total_seconds())} from now.\n"
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
        try:
            await self.mute_incidents(now + length)
        except BotError as error:
            return texts.command_failed(error)
        until = texts.Wall(now, self.zone).time(now + length)
        return (
            f"🔕 <b>Muted until {until}</b>: I tell of no new incident. What is still wrong then,"
            f" you hear. {code('/mute 1m')} ends it sooner."
        )

    async def resume(self) -> str:
        """Let all go on."""
        try:
            pause = await self.mark.read()
            await self.mark.clear()
        except BotError as error:
            return texts.command_failed(error)
        if pause and pause.holds(self.clock.now()):
            return "▶️ <b>All goes on.</b> /schedule shows what comes next."
        return "Nothing was paused."


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
