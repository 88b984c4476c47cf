"""What is planned, as lines of text. Pure, like `render`."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from bot.domain.agenda import Coming
from bot.domain.durations import duration
from bot.domain.pause import Pause
from bot.domain.printable import one_line


def coming_lines(
    planned: Sequence[Coming], pause: Pause | None, now: datetime, zone: tzinfo
) -> list[str]:
    """Each plan with its next moments, and what holds them back, by the clock of *zone*."""
    lines = [line for each in planned for line in _lines(each, now)]
    if pause:
        lines.append(one_line(f"Paused: {pause.words_in(zone)}. {pause.remedy}"))
    return lines


def _lines(coming: Coming, now: datetime) -> list[str]:
    if not coming.next:
        return [f"{coming.name}: off ({coming.setting})"]
    later = f", up to {coming.delay_minutes:g} min later" if coming.delay_minutes else ""
    first, *others = coming.next
    ahead = duration((first - now).total_seconds())
    return [
        f"{coming.name}: {coming.schedule}{later} ({coming.setting})",
        f"  next  {first:%a %Y-%m-%d %H:%M %Z}, in {ahead}",
        *(f"  then  {each:%a %Y-%m-%d %H:%M %Z}" for each in others),
    ]
