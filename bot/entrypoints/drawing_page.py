"""A picture for a phone: panels below each other, large type, three colours.

It stands on paper of its own, so that it looks the same in a light chat and in a dark one; the
colours are told apart by the colour-blind, and none of them says what words beside it do not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from bot.entrypoints.drawing_canvas import (
    BLUE,
    EDGE,
    FAINT,
    INK,
    SHADE,
    TRACK,
    WIDTH,
    Canvas,
    blank,
    few_shades,
)

_LARGE, _NORMAL, _SMALL = 52, 42, 36  # pixels
_HEAD, _GAP = 46, 56
_TITLE, _CURVE, _DATES = 90, 190, 56
_SCALE = 220  # left of a curve, for its values
_NAME, _BAR, _NOTE, _AFTER = 58, 30, 46, 30
_ROOM = 1.1  # above the highest value, so that its dot is whole
_FEW_DOTS = 31


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What it is, and how much: *value* of *track*, 0 for no end of it; *mark*: a tick there.

    *note* stands below it.
    """

    name: str
    words: str
    value: float
    colour: str
    track: float = 0
    mark: float = 0
    note: str = ""

    @property
    def reach(self) -> float:
        return max(self.value, self.track, self.mark)

    @property
    def height(self) -> int:
        """In pixels, with the room to the next one."""
        return _NAME + _BAR + (_NOTE if self.note else 0) + _AFTER


@dataclass(frozen=True)
class _Panel:
    """*draw*: onto a canvas of that height, in pixels."""

    height: int
    draw: Callable[[Canvas], None]


class Page:
    """Collects panels, and draws them once it is known how high the picture is."""

    def __init__(self) -> None:
        self._panels: list[_Panel] = []

    def curve(
        self,
        title: str,
        moments: Sequence[datetime],
        values: Sequence[float],
        words: Callable[[float], str],
    ) -> None:
        """Values over time, with the newest one in *words* beside the title."""

        def draw(canvas: Canvas) -> None:
            _title(canvas, title, words(values[-1]))
            _curve(canvas, moments, values, words)

        self._panels.append(_Panel(_TITLE + _CURVE + _DATES, draw))

    def bars(self, title: str, bars: Sequence[Bar]) -> None:
        """One below the other, all to the same scale."""

        def draw(canvas: Canvas) -> None:
            _title(canvas, title)
            reach = max(bar.reach for bar in bars) or 1
            top = _TITLE
            for bar in bars:
                _bar(canvas, top, bar, reach)
                top += bar.height

        self._panels.append(_Panel(_TITLE + sum(bar.height for bar in bars), draw))

    def png(self) -> bytes:
        """The whole picture."""
        paper = blank(_HEAD + sum(each.height + _GAP for each in self._panels))
        top = _HEAD
        for panel in self._panels:  # each on a canvas of its own: a large one takes much memory
            canvas = Canvas(panel.height)
            panel.draw(canvas)
            paper.paste(canvas.picture(), (0, top))
            top += panel.height + _GAP
        file = BytesIO()
        few_shades(paper).save(file, "PNG", optimize=True)
        return file.getvalue()


def day(moment: datetime) -> str:
    """As below a curve: `24 Nov`."""
    return f"{moment.day} {moment:%b}"


def _title(canvas: Canvas, left: str, right: str = "") -> None:
    canvas.write(EDGE, 0, left, size=_LARGE, bold=True)
    canvas.write(WIDTH - EDGE, 0, right, size=_LARGE, colour=BLUE, at="right")


def _curve(
    canvas: Canvas,
    moments: Sequence[datetime],
    values: Sequence[float],
    words: Callable[[float], str],
) -> None:
    left, right, lower = _SCALE + EDGE, WIDTH - EDGE - 10, _TITLE + _CURVE
    most = max(values) or 1
    first, last = moments[0].timestamp(), moments[-1].timestamp()
    span = last - first or 1

    def height_of(value: float) -> float:
        return lower - value / most * _CURVE / _ROOM

    dots = [
        (left + (moment.timestamp() - first) / span * (right - left), height_of(value))
        for moment, value in zip(moments, values, strict=True)
    ]
    canvas.area([(dots[0][0], lower), *dots, (dots[-1][0], lower)], SHADE)
    for value, label in ((0, "0"), (most / 2, words(most / 2)), (most, words(most))):
        level = height_of(value)
        canvas.line([(left - 20, level), (right + 10, level)], TRACK, 2)
        canvas.write(left - 34, level, label, size=_SMALL, colour=FAINT, at="right", middle=True)
    canvas.line(dots, BLUE, 7)
    for dot in dots if len(dots) <= _FEW_DOTS else ():
        canvas.dot(dot, 9, BLUE)
    canvas.dot(dots[-1], 14, INK)
    _dates(canvas, lower + 16, left, right, day(moments[0]), day(moments[-1]))


def _dates(  # noqa: PLR0913, PLR0917 - two words and their places
    canvas: Canvas, top: float, left: float, right: float, first: str, last: str
) -> None:
    if first != last:
        canvas.write(left, top, first, size=_SMALL, colour=FAINT)
    canvas.write(right + 10, top, last, size=_SMALL, colour=FAINT, at="right")


def _bar(canvas: Canvas, top: float, bar: Bar, reach: float) -> None:
    wide = WIDTH - 2 * EDGE
    taken = canvas.write(WIDTH - EDGE, top, bar.words, size=_NORMAL, colour=bar.colour, at="right")
    canvas.write(EDGE, top, bar.name, size=_NORMAL, within=wide - taken - 30)
    upper, lower = top + _NAME, top + _NAME + _BAR
    for value, colour in ((bar.track, TRACK), (bar.value, bar.colour)):
        if value:
            canvas.box((EDGE, upper, EDGE + max(value / reach * wide, 2), lower), colour)
    if bar.mark > bar.value:
        mark = EDGE + bar.mark / reach * wide
        canvas.box((mark - 5, upper, mark, lower), INK)
    canvas.write(EDGE, lower + 8, bar.note, size=_SMALL, colour=bar.colour)
