"""What a picture of the stack shows, in words: its caption."""

from collections.abc import Sequence

from bot.domain.charts import BackupDot, Figures, MemoryUse, Outage
from bot.domain.durations import duration
from bot.entrypoints.render import size, times
from bot.entrypoints.telegram.markup import MOST_IN_CAPTION, fitting, plain

_LONGEST_NAME = 40


def caption(figures: Figures) -> str:
    """A line for each panel, and one for each container that has something to say."""
    lines = [_sizes(figures.backups), _durations(figures.backups)]
    if figures.memory:
        lines.append("Memory: " + "; ".join(_use(each) for each in figures.memory))
    if figures.outages:
        lines.append("Nobody could log in: " + "; ".join(_outage(each) for each in figures.outages))
    return fitting("\n".join(line for line in lines if line), MOST_IN_CAPTION)


def _sizes(dots: Sequence[BackupDot]) -> str:
    first, last = dots[0], dots[-1]
    before = f"{size(first.size)} on {_day(first)}"
    return f"Backup size: {size(last.size)} on {_day(last)}, {before}; {len(dots)} backups"


def _durations(dots: Sequence[BackupDot]) -> str:
    """Of those whose job this host has had; none where it had one alone."""
    timed = [(each.seconds, each) for each in dots if each.seconds is not None]
    if len(timed) < 2:  # noqa: PLR2004 - one alone shows no course
        return ""
    seconds, longest = max(timed, key=lambda each: each[0])
    most = f"the longest {duration(seconds)} on {_day(longest)}"
    return f"Backup duration: {duration(timed[-1][0])} on {_day(timed[-1][1])}, {most}"


def _use(use: MemoryUse) -> str:
    words = f"{plain(use.service, _LONGEST_NAME)} {size(use.now)}"
    if use.limit:
        words += f" of {size(use.limit)} ({use.now / use.limit:.0%})"
    if use.peak > use.now:
        words += f", {size(use.peak)} at most"
    if use.is_nearly_full:
        words += ", nearly full"
    return f"{words}, restarted {times(use.restarts)}" if use.restarts else words


def _outage(outage: Outage) -> str:
    cause = plain(outage.cause, 2 * _LONGEST_NAME)
    return f"{_day(outage)} {cause}, {duration(outage.seconds)}"


def _day(when: BackupDot | Outage) -> str:
    return f"{when.at.day} {when.at:%b}"
