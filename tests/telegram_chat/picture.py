"""Draw the README's picture: two phones that show a moment of two goldens.

`python -m tests.telegram_chat.picture` writes `.github/chat.png` as it is to be now; look at it
before it is committed. What it shows is written into it as text, so that a test notices when the
goldens say something else.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from tests.telegram_chat.picture_signs import SIGNS
from tests.telegram_chat.transcript import BOT, Entry, parse, standing, styled

FILE = Path(__file__).parents[2] / ".github" / "chat.png"
WORDS = "Description"
PHONES = {"backup": "62%", "rollback": "rolled back"}
"""A golden each, up to the first message that says so."""
_GOLDENS = Path(__file__).parent / "goldens"

_DENSITY, _FINE = 2, 2  # pixels of a point, and how many times as large it is drawn
_SCALE = _DENSITY * _FINE
_WIDE, _TALL, _BETWEEN, _FRAME, _ROUND = 380, 604, 24, 8, 36  # points, as all that follows
_HEAD, _FOOT = 56, 48
_EDGE, _PAD, _APART, _WIDEST = 10, 11, 8, 318
_SIZE, _SMALL, _LINE, _BUTTON = 15, 11.5, 20, 32

_CASE, _PAPER, _BAR, _INK, _FAINT = "#20262d", "#dfe6ec", "#f7f9fa", "#1b2127", "#76838f"
_THEIRS, _OURS, _KEY, _LINK = "#ffffff", "#a5d0f5", "#c6d2dc", "#1c6fb5"
_SILENT_SIGNS = "\ufe0f"  # says that the sign before it is to be shown in colours

Word = tuple[str, str]  # style, text


def shown() -> list[list[Entry]]:
    """The messages of each phone, as they stand at its moment: the newest, each of them whole."""
    return [[bubble.entry for _, bubble in placed(each)] for each in moments()]


def moments() -> list[list[Entry]]:
    """All messages that there are at the moment of each phone."""
    return [_at(name, words) for name, words in PHONES.items()]


def _at(golden: str, words: str) -> list[Entry]:
    entries = parse((_GOLDENS / f"{golden}.txt").read_text()).entries
    for number, entry in enumerate(entries, start=1):
        if any(words in line for line in entry.lines):
            return standing(entries[:number])
    raise ValueError(f"{golden}: nobody says {words!r} any more")


def words() -> str:
    """What the picture shows."""
    return "\n\n".join(each.text() for phone in shown() for each in phone)


def draw() -> Image.Image:
    """Both phones beside each other."""
    wide = len(PHONES) * _WIDE + (len(PHONES) - 1) * _BETWEEN
    picture = Image.new("RGBA", (wide * _SCALE, _TALL * _SCALE))
    for number, entries in enumerate(moments()):
        phone = _Phone()
        phone.chat(entries)
        picture.paste(phone.finished(), (number * (_WIDE + _BETWEEN) * _SCALE, 0))
    return picture.reduce(_FINE).quantize(256, method=Image.Quantize.FASTOCTREE)


class _Phone:
    def __init__(self) -> None:
        self._image = Image.new("RGBA", (_WIDE * _SCALE, _TALL * _SCALE), _PAPER)
        self._pen = ImageDraw.Draw(self._image)

    def chat(self, entries: Sequence[Entry]) -> None:
        """The newest at the bottom."""
        bubbles = placed(entries)
        for top, bubble in bubbles:
            bubble.draw(self._pen, top)
        if not bubbles or bubbles[0][0] > _FRAME + _HEAD + 48:
            self._day()

    def _day(self) -> None:
        upper, middle = _FRAME + _HEAD + 12, _WIDE / 2
        _box(self._pen, (middle - 34, upper, middle + 34, upper + 24), "#b4c1cc", radius=12)
        _write(self._pen, middle, upper + 12, "Today", "#ffffff", 12.5, anchor="mm", bold=True)

    def finished(self) -> Image.Image:
        """With head, foot and case."""
        self._head()
        self._foot()
        case = Image.new("L", self._image.size)
        edge = (0, 0, self._image.width - 1, self._image.height - 1)
        ImageDraw.Draw(case).rounded_rectangle(edge, _ROUND * _SCALE, 255)
        self._pen.rounded_rectangle(edge, _ROUND * _SCALE, outline=_CASE, width=_FRAME * _SCALE)
        whole = Image.new("RGBA", self._image.size)
        whole.paste(self._image, mask=case)
        return whole

    def _head(self) -> None:
        lower = _FRAME + _HEAD
        _box(self._pen, (0, 0, _WIDE, lower), _BAR)
        _box(self._pen, (24, _FRAME + 10, 60, _FRAME + 46), "#2f6f9f", radius=18)
        _write(self._pen, 42, _FRAME + 28, "a", "#ffffff", 20, anchor="mm", bold=True)
        _write(self._pen, 72, _FRAME + 21, BOT, _INK, 16, anchor="lm", bold=True)
        _write(self._pen, 72, _FRAME + 39, "bot", _FAINT, 12, anchor="lm")

    def _foot(self) -> None:
        upper = _TALL - _FOOT - _FRAME
        _box(self._pen, (0, upper, _WIDE, _TALL), _BAR)
        _box(self._pen, (22, upper + 8, _WIDE - 22, upper + 38), "#e6ebef", radius=15)
        _write(self._pen, 36, upper + 23, "Message", _FAINT, 14, anchor="lm")


class _Bubble:
    """A message with its buttons; *height* in points."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._lines = [row for line in entry.lines for row in _wrapped(list(_words(line)))]
        text = len(self._lines) * _LINE + _SMALL + 2 * _PAD - 2
        self._text_height = text
        self.height = text + len(entry.buttons) * (_BUTTON + 4)

    def draw(self, pen: ImageDraw.ImageDraw, top: float) -> None:
        theirs = self.entry.speaker == BOT
        widest = max(map(_width_of, self._lines)) if self._lines else 0
        wide = min(max(widest, 60) + 2 * _PAD, _WIDEST)
        wide = _WIDEST if self.entry.buttons else wide
        left = _FRAME + _EDGE if theirs else _WIDE - _FRAME - _EDGE - wide
        lower = top + self._text_height
        _box(pen, (left, top, left + wide, lower), _THEIRS if theirs else _OURS, radius=13)
        for number, line in enumerate(self._lines):
            _write_line(pen, left + _PAD, top + _PAD + number * _LINE, line)
        clock = left + wide - _PAD, lower - 6
        _write(pen, *clock, self.entry.time, _FAINT, _SMALL, anchor="rs")
        self._buttons(pen, left, lower + 4, wide)

    def _buttons(self, pen: ImageDraw.ImageDraw, left: float, top: float, wide: float) -> None:
        for row in self.entry.buttons:
            each = (wide - 4 * (len(row) - 1)) / len(row)
            for number, label in enumerate(row):
                x = left + number * (each + 4)
                _box(pen, (x, top, x + each, top + _BUTTON), _KEY, radius=9)
                middle = x + each / 2, top + _BUTTON / 2
                _write(pen, *middle, label, _INK, 14, anchor="mm")
            top += _BUTTON + 4


def placed(entries: Sequence[Entry]) -> list[tuple[float, _Bubble]]:
    """The newest messages that are whole between head and foot, each with its upper edge."""
    found: list[tuple[float, _Bubble]] = []
    bottom: float = _TALL - _FOOT - _FRAME - _APART
    for bubble in map(_Bubble, reversed(entries)):
        top = bottom - bubble.height
        if top < _FRAME + _HEAD + _APART:
            break
        found.insert(0, (top, bubble))
        bottom = top - _APART
    return found


def _words(line: str) -> Iterator[Word]:
    """Words with their styles; each keeps the blanks behind it."""
    for style, text in styled(line):
        for word in re.findall(r"\S+ *| +", text.replace(_SILENT_SIGNS, "")):
            yield style, word


def _wrapped(line: list[Word]) -> list[list[Word]]:
    """The rows of a line in a bubble; a word that is longer than a row is cut into pieces."""
    rows: list[list[Word]] = [[]]
    for style, word in line:
        room = _WIDEST - 2 * _PAD
        if rows[-1] and _width_of([*rows[-1], (style, word.rstrip())]) > room:
            rows.append([])
        while _width_of([(style, word.rstrip())]) > room:
            most = next(
                count
                for count in range(len(word), 0, -1)
                if _width_of([(style, word[:count])]) <= room
            )
            rows[-1].append((style, word[:most]))
            rows.append([])
            word = word[most:]  # noqa: PLW2901 - what is left of it
        rows[-1].append((style, word))
    return rows


def _width_of(row: Sequence[Word]) -> float:
    return sum(_advance(each) for _, word in row for each in word)


@cache
def _advance(character: str) -> float:
    if character in SIGNS:
        return _SIZE + 2
    require_drawable(character)
    return _font(_SIZE).getlength(character) / _SCALE


def require_drawable(character: str) -> None:
    """Notice what the font would show as an empty box. Raises ValueError."""
    if not character.isascii() and character not in "“”…":
        raise ValueError(f"nobody has drawn {character!r} yet: see picture_signs.py")


def _write_line(pen: ImageDraw.ImageDraw, x: float, y: float, row: Sequence[Word]) -> None:
    for style, word in row:
        colour = {"code": _LINK, "italic": _FAINT}.get(style, _INK)
        if word.startswith(("http", "/")):
            colour = _LINK
        for each in word:
            if each in SIGNS:
                SIGNS[each](pen, x * _SCALE, (y + 1) * _SCALE, _SIZE * _SCALE)
            else:
                _write(pen, x, y + 14, each, colour, _SIZE, anchor="ls", bold=style == "bold")
            x += _advance(each)


def _write(  # noqa: PLR0913, PLR0917 - a text, its place and its looks
    pen: ImageDraw.ImageDraw,
    x: float,
    y: float,
    text: str,
    colour: str,
    size: float,
    *,
    anchor: str,
    bold: bool = False,
) -> None:
    place = (x * _SCALE, y * _SCALE)
    stroke = _SCALE * 0.3 if bold else 0
    pen.text(place, text, colour, _font(size), anchor, stroke_width=stroke, stroke_fill=colour)


def _box(
    pen: ImageDraw.ImageDraw,
    corners: tuple[float, float, float, float],
    colour: str,
    radius: float = 0,
) -> None:
    left, upper, right, lower = (each * _SCALE for each in corners)
    pen.rounded_rectangle((left, upper, right - 1, lower - 1), radius * _SCALE, colour)


@cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size * _SCALE)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def main() -> None:
    """Write the picture."""
    notes = PngInfo()
    notes.add_itxt(WORDS, words())
    FILE.parent.mkdir(exist_ok=True)
    draw().save(FILE, "PNG", optimize=True, pnginfo=notes)
    print(f"wrote {FILE}, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
