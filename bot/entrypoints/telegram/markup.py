"""Text for Telegram: escaped, counted as Telegram counts, cut with a word, narrow in columns."""

import html
import re
import unicodedata
from collections.abc import Sequence

LONGEST_TEXT = 4000  # of Telegram's 4096 UTF-16 units; the rest is for marks added on the way
MOST_SHOWN = 4096  # in a message, tags and references not counted
MOST_IN_CAPTION = 1024
COLUMNS = 36

_CUT = " … (cut)"
_TAIL = 400  # of what is cut in the middle: its end says what became of it
_BLANKS = re.compile(r"[^\S\n]+")
_TURNS = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


def units(text: str) -> int:
    """The length of *text* as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """Leave out what is no text: control characters, lone surrogates, changes of direction."""
    return _BLANKS.sub(" ", verbatim(text)).strip()


def verbatim(text: str) -> str:
    """Likewise, but every blank stays: for what is told by its indentation."""
    return "".join(each for each in text if _is_text(each))


def _is_text(each: str) -> bool:
    if each.isspace():
        return True
    return unicodedata.category(each) not in {"Cc", "Cs"} and ord(each) not in _TURNS


def cut(text: str, longest: int) -> str:
    """*text* in at most *longest* units; what was left out is said."""
    if units(text) <= longest:
        return text
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * (longest - len(_CUT))]
    return kept.decode("utf-16-le", "ignore").rstrip() + _CUT


def plain(text: str, longest: int = 300) -> str:
    """Foreign text inside a message: cleaned, cut, escaped."""
    return escape(cut(clean(text), longest))


def escape(text: str) -> str:
    """*text* so that Telegram shows it as it is."""
    return html.escape(text, quote=False)


def bold(text: str) -> str:
    """Foreign text as a heading."""
    return f"<b>{plain(text)}</b>"


def code(text: str) -> str:
    """Foreign text that can be copied with one tap."""
    return f"<code>{plain(text, 100)}</code>"


def strip_tags(text: str) -> str:
    """What a reader sees of *text*, for where its markup is not understood."""
    return html.unescape(re.sub(r"</?[a-z]+>", "", text))


def fitting(text: str, most: int) -> str:
    """HTML that shows at most *most* units: *text* or, plain, its beginning and its end."""
    shown = strip_tags(text)
    if units(shown) <= most:
        return text
    raw = shown.encode("utf-16-le", "surrogatepass")
    tail = raw[-2 * _TAIL :].decode("utf-16-le", "ignore").lstrip()
    return escape(f"{cut(shown, most - units(tail) - 1)}\n{tail}")


def width(text: str) -> int:
    """The columns that *text* takes in a monospaced font."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def clip(text: str, columns: int) -> str:
    """*text* in at most *columns*; an ellipsis stands for the rest."""
    if len(text) <= columns and width(text) <= columns:
        return text
    kept = text[: columns - 1]
    while width(kept) > columns - 1:
        kept = kept[:-1]
    return kept + "…"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Monospaced columns; the last one gets what is left of the width."""
    clean_rows = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*clean_rows, strict=True)][:-1]
    lines = []
    for row in clean_rows:
        cells = [cell + " " * (most - width(cell)) for cell, most in zip(row, widths, strict=False)]
        lines.append(clip("  ".join([*cells, row[-1]]).rstrip(), COLUMNS))
    return f"<pre>{escape(chr(10).join(lines))}</pre>"
