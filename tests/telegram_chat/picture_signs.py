"""The signs of the chat's texts as shapes: fonts with them are large, and differ everywhere."""

from collections.abc import Callable

from PIL import ImageDraw

Sign = Callable[[ImageDraw.ImageDraw, float, float, float], None]
"""Draws it with its upper left corner at (x, y), so many pixels wide and high."""

_GREEN, _RED, _BLUE, _YELLOW, _SAND, _WHITE = (
    "#2f9e58",
    "#d64545",
    "#2f7fc1",
    "#e0a100",
    "#b98a3e",
    "#ffffff",
)


def _shape(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float, float],
    points: list[tuple[float, float]],
    colour: str,
    thick: float,
) -> None:
    """A line through *points*, given in parts of the sign's size."""
    x, y, size = place
    line = [(x + left * size, y + top * size) for left, top in points]
    pen.line(line, colour, round(thick * size), joint="curve")


def _tile(pen: ImageDraw.ImageDraw, x: float, y: float, size: float, colour: str) -> None:
    pen.rounded_rectangle((x, y, x + size, y + size), size * 0.22, colour)


def _done(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    _tile(pen, x, y, size, _GREEN)
    _shape(pen, (x, y, size), [(0.22, 0.52), (0.42, 0.72), (0.78, 0.28)], _WHITE, 0.13)


def _check(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    _shape(pen, (x, y, size), [(0.12, 0.55), (0.38, 0.82), (0.88, 0.2)], _GREEN, 0.15)


def _failed(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    for points in ([(0.14, 0.14), (0.86, 0.86)], [(0.86, 0.14), (0.14, 0.86)]):
        _shape(pen, (x, y, size), points, _RED, 0.19)


def _back(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    _tile(pen, x, y, size, _BLUE)
    hook = [(0.24, 0.42), (0.6, 0.42), (0.74, 0.5), (0.74, 0.66), (0.6, 0.74), (0.42, 0.74)]
    _shape(pen, (x, y, size), hook, _WHITE, 0.11)
    _shape(pen, (x, y, size), [(0.4, 0.22), (0.2, 0.42), (0.4, 0.62)], _WHITE, 0.11)


def _glass(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    for top, tip in ((0.08, 0.5), (0.92, 0.5)):
        corners = [(0.2, top), (0.8, top), (0.5, tip)]
        pen.polygon([(x + left * size, y + high * size) for left, high in corners], _SAND)
        _shape(pen, (x, y, size), [(0.14, top), (0.86, top)], _SAND, 0.12)


def _mark(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    _shape(pen, (x, y, size), [(0.5, 0.08), (0.5, 0.62)], _RED, 0.2)
    pen.circle((x + 0.5 * size, y + 0.84 * size), 0.11 * size, _RED)


def _warning(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    corners = [(0.5, 0.06), (0.98, 0.92), (0.02, 0.92)]
    pen.polygon([(x + left * size, y + top * size) for left, top in corners], _YELLOW)
    _shape(pen, (x, y, size), [(0.5, 0.36), (0.5, 0.64)], _WHITE, 0.12)
    pen.circle((x + 0.5 * size, y + 0.78 * size), 0.07 * size, _WHITE)


def _arrow(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    _shape(pen, (x, y, size), [(0.05, 0.56), (0.9, 0.56)], "#1b2127", 0.08)
    _shape(pen, (x, y, size), [(0.66, 0.34), (0.9, 0.56), (0.66, 0.78)], "#1b2127", 0.08)


def _full(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    pen.rectangle((x, y + 0.1 * size, x + 1.14 * size, y + 0.95 * size), _BLUE)


def _light(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    pen.rectangle((x, y + 0.1 * size, x + 1.14 * size, y + 0.95 * size), "#c9dcec")


SIGNS: dict[str, Sign] = {
    "✅": _done,
    "✔": _check,
    "❌": _failed,
    "↩": _back,
    "⏳": _glass,
    "❗": _mark,
    "⚠": _warning,
    "→": _arrow,
    "█": _full,
    "░": _light,
}
