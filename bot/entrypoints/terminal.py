"""Progress for a person at a terminal, and plain lines where nobody watches."""

import time
from collections.abc import Callable
from typing import TextIO

from bot.domain.components import POSTGRES
from bot.domain.durations import duration
from bot.domain.jobs import JobState
from bot.domain.messages import (
    BackupFinished,
    BackupStarted,
    BytesPassed,
    ComponentProgressed,
    ComponentStored,
    ComponentVerified,
    DeletionBegan,
    Event,
    JobBegan,
    JobEnded,
    LayersPulled,
    StepBegan,
)
from bot.domain.printable import one_line
from bot.domain.progress import Amount
from bot.entrypoints.counting import Counting
from bot.entrypoints.render import done_line, size
from bot.entrypoints.render_progress import amount_words
from bot.entrypoints.streams import forget

_REDRAW = 0.1
_CLEAR = "\r\x1b[K"


class Progress:
    """A listener that draws one line in place on a terminal, and writes plain lines elsewhere.

    *now* counts seconds, from whenever.
    """

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._now = now
        self._drawn = now() - _REDRAW
        self._begun: dict[str, float] = {}  # each component; some run beside one another
        self._started: BackupStarted | None = None
        self._counting = Counting()
        self._own = ""  # the job of this command; others that it hears of were settled first

    def __call__(self, event: Event) -> None:
        """Show *event*; a terminal that went away stops nothing."""
        self._counting.learn(event, self._now())
        match event:
            case BackupStarted():
                self._started = event
                what = f", database of {size(event.database_size)}" if event.database_size else ""
                self._line(f"Backup {event.backup_id} begins{what}")
            case ComponentProgressed():
                self._draw(event)
            case BytesPassed() | LayersPulled() if self._counting.progress.amount:
                self._draw_amount(self._counting.progress.amount)
            case JobBegan(job):
                self._own = job.id
            case JobEnded(job) if job.id != self._own or job.state is JobState.INTERRUPTED:
                self._line(one_line(f"{job.kind} {job.id}: {job.state}: {job.message}"))
            case _:
                if words := _words(event):
                    self._line(words)

    def _line(self, text: str) -> None:
        self._write(f"{_CLEAR if self._live else ''}{text}\n")

    def _draw(self, event: ComponentProgressed) -> None:
        now = self._now()
        begun = self._begun.setdefault(event.component, now)
        if not self._live or now - self._drawn < _REDRAW:
            return
        self._drawn = now
        passed = max(now - begun, _REDRAW)
        rate = event.read_bytes / passed
        text = f"  {event.component}: {size(event.read_bytes)}, {size(rate)}/s"
        expected = self._started.expected_dump if self._started else 0
        if event.component == POSTGRES and expected and rate:
            share = min(event.read_bytes / expected, 0.99)
            left = max(expected - event.read_bytes, 0) / rate
            text += f", about {share:.0%} of the dump, about {duration(left)} left"
        self._write(_CLEAR + text)

    def _draw_amount(self, amount: Amount) -> None:
        now = self._now()
        if not self._live or now - self._drawn < _REDRAW:
            return
        self._drawn = now
        self._write(f"{_CLEAR}  {amount_words(amount, self._counting.seconds(now))}")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._live = False  # nobody watches any more; the work goes on
            forget(self._stream)


def _words(event: Event) -> str:
    """What stays on a line of its own, "" for nothing."""
    match event:
        case ComponentStored(component):
            stored = f"{size(component.stored_size)} stored in {duration(component.seconds)}"
            return f"  {component.name}: {stored}"
        case ComponentVerified(component):
            return f"  {component.name}: verified"
        case BackupFinished(manifest, seconds):
            return done_line(manifest, seconds)
        case DeletionBegan(backup_id, number, total):
            return f"  deleting {backup_id}, {number} of {total}"
        case StepBegan(words):
            return f"  {words}"
        case _:
            return ""
