"""Shapes and words on paper, in pixels of the finished picture."""

from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

WIDTH, EDGE = 1080, 60
"""As wide as phones are, and what stays free at both sides."""
PAPER, INK, FAINT, TRACK, SHADE = "#17212b", "#f4f6f8", "#aab5c0", "#3a4956", "#22384a"
BLUE, YELLOW, RED = "#56b4e9", "#f0c808", "#ff8a5c"

_FINE = 2  # drawn so many times as large, and made smaller in the end: edges are smooth then
_SHADES = 128

Point = tuple[float, float]


def blank(height: int) -> Image.Image:
    """Paper to put together on what was drawn."""
    return Image.new("RGB", (WIDTH, height), PAPER)


def few_shades(image: Image.Image) -> Image.Image:
    """The same in so few shades that it is small."""
    return image.quantize(_SHADES, dither=Image.Dither.NONE)


class Canvas:
    """A piece of paper of WIDTH by *height* pixels, drawn on in a larger size."""

    def __init__(self, height: int) -> None:

        self._image = Image.new("RGB", (WIDTH * _FINE, height * _FINE), PAPER)
        self._pen = ImageDraw.Draw(self._image)

    def picture(self) -> Image.Image:
        """All that was drawn, in its final size."""
        return self._image.reduce(_FINE)

    def write(  # noqa: PLR0913 - a text, its place and its looks
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int,
        colour: str = INK,
        bold: bool = False,
        at: str = "left",
        middle: bool = False,
        within: float | None = None,
    ) -> float:
        """Write to the right of *x* or, *at* "right", to its left; how wide that is.

        *y* is the upper edge, or the middle. What does not fit *within* so many pixels ends in "…".
        """
        font = _font(size * _FINE)
        if within is not None:
            text = _cut(text, font, within * _FINE)
        anchor = ("r" if at == "right" else "l") + ("m" if middle else "a")
        place = (x * _FINE, y * _FINE)
        stroke = _FINE if bold else 0
        self._pen.text(place, text, colour, font, anchor, stroke_width=stroke, stroke_fill=colour)
        return font.getlength(text) / _FINE

    def line(self, points: Sequence[Point], colour: str, width: int) -> None:
        """A line through *points*."""
        self._pen.line(_fine(points), colour, width * _FINE, joint="curve")

    def area(self, points: Sequence[Point], colour: str) -> None:
        """What lies between *points*."""
        self._pen.polygon(_fine(points), colour)

    def box(self, corners: tuple[float, float, float, float], colour: str) -> None:
        """From the upper left corner to the lower right one."""
        left, upper, right, lower = (each * _FINE for each in corners)
        self._pen.rectangle((left, upper, right - 1, lower - 1), colour)

    def dot(self, middle: Point, radius: int, colour: str) -> None:
        """A filled circle."""
        self._pen.circle(_fine([middle])[0], radius * _FINE, colour)


def _fine(points: Sequence[Point]) -> list[Point]:
    return [(x * _FINE, y * _FINE) for x, y in points]


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The library's own: no other need be installed."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font


def _cut(text: str, font: ImageFont.FreeTypeFont, within: float) -> str:
    if font.getlength(text) <= within:
        return text
    while text and font.getlength(text + "…") > within:
        text = text[:-1]
    return text + "…"
