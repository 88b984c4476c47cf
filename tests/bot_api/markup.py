"""Telegram's HTML: what it understands, what it refuses, and how it counts.

The rules and the wording are those of TDLib's `parse_html`, with one exception: TDLib shows an `&`
that begins no entity it knows as it is written, although the documentation demands `&amp;`. Here
that is an error, because nobody means to show `&nbsp;`.
"""

import re
from dataclasses import dataclass

from tests.bot_api.errors import ApiError, Json, bad_request

TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ATTRIBUTE = re.compile(r"""\s+([^\s=>]+)(?:\s*=\s*("[^"]*"|'[^']*'|[A-Za-z0-9.-]+))?""")
_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|([A-Za-z]+));")
_START = re.compile(r"<([^\s>]*)")
_END = re.compile(r"</([^\s>]*)\s*>")
_PLAIN = re.compile(r"[^<&]+")
_LINK = re.compile(r"(?:https?://)?[^\s/:]+\.\S+|(?:tg|ton)://\S+|mailto:\S+")


@dataclass(frozen=True)
class Formatted:
    """Text as a reader sees it, and the entities that dress it."""

    text: str
    entities: tuple[Json, ...] = ()

    def __len__(self) -> int:
        return utf16_length(self.text)

    def trimmed(self) -> "Formatted":
        """Lose the white space around the text, as Telegram does with every message."""
        text = self.text.strip()
        before = utf16_length(self.text[: len(self.text) - len(self.text.lstrip())])
        kept = (_clipped(entity, before, utf16_length(text)) for entity in self.entities)
        return Formatted(text, tuple(entity for entity in kept if entity["length"] > 0))


@dataclass(frozen=True)
class _Open:
    tag: str
    offset: int
    pieces: int
    attributes: dict[str, str]


def utf16_length(text: str) -> int:
    """Count as Telegram counts: in UTF-16 code units, of which an emoji has two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_html(html: str) -> Formatted:
    """Return what *html* shows.

    Raises:
        ApiError: Telegram would not parse it.
    """
    return _Parser(html).parse()


def _clipped(entity: Json, before: int, length: int) -> Json:
    start = max(0, entity["offset"] - before)
    end = min(length, entity["offset"] + entity["length"] - before)
    return entity | {"offset": start, "length": end - start}


class _Parser:
    """One pass over the text, with a stack of the tags that are open."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.position = 0
        self.text: list[str] = []
        self.length = 0
        self.open: list[_Open] = []
        self.entities: list[Json] = []

    def parse(self) -> Formatted:
        while self.position < len(self.html):
            if self.html.startswith("</", self.position):
                self._end_tag()
            elif self.html.startswith("<", self.position):
                self._start_tag()
            elif self.html.startswith("&", self.position):
                self._show(self._reference())
            elif plain := _PLAIN.match(self.html, self.position):
                self.position = plain.end()
                self._show(plain[0])
        if self.open:
            last = self.open[-1].tag
            raise _unparsable(f'Can\'t find end tag corresponding to start tag "{last}"')
        for entity in self.entities:
            if entity["type"] == "code":  # only a whole `pre` has a language
                entity.pop("language", None)
        ordered = sorted(self.entities, key=lambda found: (found["offset"], -found["length"]))
        return Formatted("".join(self.text), tuple(ordered))

    def _show(self, text: str) -> None:
        self.text.append(text)
        self.length += utf16_length(text)

    def _reference(self) -> str:
        found = _REFERENCE.match(self.html, self.position)
        shown = _decoded(found) if found else None
        if found is None or shown is None:
            raise _unparsable(f"Unsupported entity at byte offset {self._offset()}")
        self.position = found.end()
        return shown

    def _start_tag(self) -> None:
        named = _START.match(self.html, self.position)
        tag = named[1].lower() if named else ""
        if named is None or named.end() == len(self.html):
            raise _unparsable(f"Unclosed start tag at byte offset {self._offset()}")
        if tag not in TYPES:
            raise _unparsable(f'Unsupported start tag "{tag}" at byte offset {self._offset()}')
        attributes, end = self._attributes(tag, named.end())
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise _unparsable(
                f'Tag "span" must have class "tg-spoiler" at byte offset {self._offset()}'
            )
        self.open.append(_Open(tag, self.length, len(self.text), attributes))
        self.position = end

    def _attributes(self, tag: str, position: int) -> tuple[dict[str, str], int]:
        attributes = {}
        while found := _ATTRIBUTE.match(self.html, position):
            name, value = found.groups(default="")
            quoted = value[:1] in {'"', "'"}
            attributes[name] = (
                _REFERENCE.sub(lambda it: _decoded(it) or it[0], value[1:-1]) if quoted else value
            )
            position = found.end()
        rest = self.html[position:].lstrip()
        if not rest:
            raise _unparsable(f"Unclosed start tag at byte offset {self._offset()}")
        if not rest.startswith(">"):
            raise _unparsable(
                f'Expected equal sign in declaration of an attribute of the tag "{tag}"'
                f" at byte offset {self._offset()}"
            )
        return attributes, len(self.html) - len(rest) + 1

    def _end_tag(self) -> None:
        if not self.open:
            raise _unparsable(f"Unexpected end tag at byte offset {self._offset()}")
        found = _END.match(self.html, self.position)
        if found is None:
            raise _unparsable(f"Unclosed end tag at byte offset {self._offset()}")
        opened, tag = self.open.pop(), found[1].lower()
        if tag not in {"", opened.tag}:
            raise _unparsable(
                f"Unmatched end tag at byte offset {self._offset()},"
                f' expected "</{opened.tag}>", found "</{tag}>"'
            )
        self.position = found.end()
        if self.length > opened.offset:
            self._dress(opened)

    def _dress(self, opened: _Open) -> None:
        length = self.length - opened.offset
        entity: Json = {"type": TYPES[opened.tag], "offset": opened.offset, "length": length}
        inside = self.entities[-1] if self.entities else {}
        fills = (inside.get("offset"), inside.get("length")) == (opened.offset, length)
        if opened.tag == "pre" and fills and "language" in inside:
            self.entities[-1] = inside | {"type": "pre"}
            return
        detail = self._detail(opened)
        if detail is not None:
            self.entities.append(entity | detail)

    def _detail(self, opened: _Open) -> Json | None:
        """Return what the tag's attributes add to its entity, None if there is to be no entity."""
        attributes = opened.attributes
        match opened.tag:
            case "a":
                url = attributes.get("href") or "".join(self.text[opened.pieces :])
                return {"url": url} if _LINK.fullmatch(url) else None
            case "code" if attributes.get("class", "").startswith("language-"):
                return {"language": attributes["class"].removeprefix("language-")}
            case "blockquote" if "expandable" in attributes:
                return {"type": "expandable_blockquote"}
            case "tg-emoji":
                return {"custom_emoji_id": _emoji(attributes.get("emoji-id", ""))}
            case _:
                return {}

    def _offset(self) -> int:
        return len(self.html[: self.position].encode())


def _decoded(found: re.Match[str]) -> str | None:
    hexadecimal, decimal, name = found.groups()
    if name:
        return _NAMED.get(name)
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    is_surrogate = 0xD800 <= code <= 0xDFFF
    return chr(code) if 0 < code < 0x10FFFF and not is_surrogate else None


def _emoji(identifier: str) -> str:
    if not identifier.isdecimal() or int(identifier) == 0:
        raise _unparsable("Invalid custom emoji identifier specified")
    return identifier


def _unparsable(why: str) -> ApiError:
    return bad_request(f"can't parse entities: {why}")
