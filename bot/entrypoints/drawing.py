"""`python -m bot.entrypoints.drawing`: figures as JSON on stdin, a picture as PNG on stdout.

A process of its own: the library that draws stays in memory once it is there.
"""

import ctypes
import resource
import signal
import sys
from collections.abc import Sequence
from datetime import datetime

from bot.domain.charts import BackupDot, Figures, MemoryUse, Outage, decode_figures
from bot.domain.durations import duration
from bot.entrypoints.drawing_canvas import BLUE, RED, YELLOW
from bot.entrypoints.drawing_page import Bar, Page, day
from bot.entrypoints.render import size, times

_KILL_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_MOST_MEMORY = 1 << 29  # bytes of data; it needs a tenth
_MOST_CPU = 60  # seconds


def main() -> None:
    """Draw what stdin says; whoever waits for it may be killed meanwhile, then it ends as well."""
    ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU, _MOST_CPU))
    sys.stdout.buffer.write(draw(decode_figures(sys.stdin.buffer.read())))


def draw(figures: Figures) -> bytes:
    """The picture of *figures*, as high as what there is to see."""
    timed = [each for each in figures.backups if each.seconds is not None]
    page = Page()
    page.curve(
        "Backup size", _moments(figures.backups), [each.size for each in figures.backups], size
    )
    if len(timed) > 1:
        page.curve(
            "Backup duration", _moments(timed), [each.seconds or 0 for each in timed], duration
        )
    if figures.memory:
        page.bars("Memory", [_memory_bar(each) for each in figures.memory])
    if figures.outages:
        page.bars("Nobody could log in", [_outage_bar(each) for each in figures.outages])
    return page.png()


def _moments(dots: Sequence[BackupDot]) -> list[datetime]:
    return [each.at for each in dots]


def _memory_bar(use: MemoryUse) -> Bar:
    alarms = ["nearly full"] if use.is_nearly_full else []
    if use.restarts:
        alarms.append(f"restarted {times(use.restarts)}")
    peak = [f"{size(use.peak)} at most"] if use.peak > use.now else []
    return Bar(
        name=use.service,
        words=f"{size(use.now)} of {size(use.limit)}" if use.limit else size(use.now),
        value=use.now,
        colour=RED if alarms else BLUE,
        track=use.limit or 0,
        mark=use.peak,
        note=", ".join(alarms + peak),
    )


def _outage_bar(outage: Outage) -> Bar:
    return Bar(
        name=f"{day(outage.at)}, {outage.cause}",
        words=duration(outage.seconds),
        value=outage.seconds,
        colour=RED if outage.bad else YELLOW,
    )


if __name__ == "__main__":
    main()
