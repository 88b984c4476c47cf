"""What is told of that which begins by itself, and of holding it back. Pure, like `texts`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.agenda import Coming
from bot.domain.pause import Pause
from bot.entrypoints.telegram.markup import bold, code, plain
from bot.entrypoints.telegram.texts import Wall

HOW_TO_PAUSE = (
    f"For how long? {code('/pause 2h')} lets nothing begin by itself for two hours;"
    f" {code('30m')} and {code('1d12h')} will do as well."
)
HOW_TO_MUTE = (
    f"For how long? {code('/mute 2h')} lets me tell of no new incident for two hours;"
    f" {code('30m')} and {code('1d12h')} will do as well."
)
NOT_MUTED = "🔔 <b>Not muted</b>: I tell of incidents again."
LENGTHS = {"30 min": "30m", "2 h": "2h", "8 h": "8h"}
UNTIL_MORNING = "Until tomorrow 08:00"
RESUME, UNMUTE = "Resume", "Unmute"


def how_to_pause(until: datetime | None, wall: Wall) -> str:
    """That it wants a length, and *until* when it is paused, where it is."""
    return f"⏸ Paused until {wall.moment(until)}.\n{HOW_TO_PAUSE}" if until else HOW_TO_PAUSE


def how_to_mute(until: datetime | None, wall: Wall) -> str:
    """That it wants a length, and *until* when it is muted, where it is."""
    return f"🔕 Muted until {wall.moment(until)}.\n{HOW_TO_MUTE}" if until else HOW_TO_MUTE


def paused(length: timedelta, wall: Wall) -> str:
    """That nothing begins by itself for so long from now."""
    return (
        f"⏸ <b>Paused until {wall.moment(wall.now + length)}</b>.\n"
        "Nothing begins by itself; what you ask for is done all the same. What was missed is"
        " made up for afterwards. /resume ends it."
    )


def muted(until: datetime, wall: Wall) -> str:
    """That no new incident is told until then."""
    return (
        f"🔕 <b>Muted until {wall.moment(until)}</b>: no word of new incidents. Then I tell what"
        f" is still wrong. {code('/mute off')} ends it sooner."
    )


def resumed(*, was_paused: bool) -> str:
    """That all goes on, as it may have done before."""
    if was_paused:
        return "▶️ <b>All goes on.</b> /schedule shows what comes next."
    return "Nothing was paused."


def schedule(planned: Sequence[Coming], pause: Pause | None, wall: Wall) -> str:
    """Each kind of work with its next moments."""
    lines = [_line(each, wall) for each in planned]
    if pause and pause.until and pause.holds(wall.now):
        lines.append(
            f"⏸ Paused until {wall.moment(pause.until)}: {plain(pause.reason)}. /resume ends it."
        )
    return "\n".join(lines)


def _line(each: Coming, wall: Wall) -> str:
    name = bold(each.name.capitalize())
    if not each.next:
        return f"{name}: off ({code(each.setting)})"
    later = f", up to {each.delay_minutes:g} min later" if each.delay_minutes else ""
    moments = ", ".join(wall.moment(moment) for moment in each.next)
    return f"{name}: {moments}{later}"
