"""One change to the text of a compose file, by the marks of its tree; every other byte stays.

Each change is proved: the new text, read again, must differ from the old one in that alone.
"""

import re
from dataclasses import dataclass

from bot.domain.compose_tree import (
    Alias,
    Items,
    Node,
    Pairs,
    Plain,
    Scalar,
    Tree,
    by_hand,
    children,
    read_tree,
)

_REST = re.compile(r"[ \t]*(?:[ \t]#[^\n]*)?\r?$", re.MULTILINE)
_TOO_MUCH = "the change cannot be made without touching more"
_STAYS_SHORT = ("restart", "image", "command")  # on one line, and where a person would look


@dataclass(frozen=True)
class Cut:
    """The entry at *index* of *parent* goes, with its comments."""

    parent: Items | Pairs
    index: int


@dataclass(frozen=True)
class Put:
    """Another word instead of *scalar*; its quotes stay."""

    scalar: Scalar
    value: str


@dataclass(frozen=True)
class Add:
    """A new entry in *parent*."""

    parent: Pairs
    key: str
    value: str


Edit = Cut | Put | Add


def cut(tree: Tree, parent: Items | Pairs, index: int) -> Cut:
    """The cut of an entry, or of all that nothing would be left in."""
    while len(children(parent)) == 1 and id(parent) in tree.parents:
        parent, index = tree.parents[id(parent)]
    return Cut(parent, index)


def change(tree: Tree, edit: Edit, path: str) -> Tree:
    """Make one change.

    Raises:
        RefusedError: it cannot be made without touching more.
    """
    match edit:
        case Cut(parent, index):
            made = _cut(tree.text, parent, index)
        case Put(scalar, value):
            made = _put(tree.text, scalar, value)
        case _:
            made = _add(tree.text, edit.parent, f"{edit.key}: {edit.value}")
    if made is None or not made.strip():
        raise by_hand(path, _TOO_MUCH)
    after = read_tree(made, path)
    if _shape(after.root) != _shape(tree.root, edit):
        raise by_hand(path, _TOO_MUCH)
    return after


def _shape(node: Node, edit: Edit | None = None) -> Plain:
    """What is written, with merges as they stand, were *edit* made."""
    if isinstance(node, Alias):
        return _shape(node.target, edit)
    if isinstance(node, Scalar):
        return edit.value if isinstance(edit, Put) and edit.scalar is node else node.value
    gone = edit.index if isinstance(edit, Cut) and edit.parent is node else -1
    if isinstance(node, Items):
        return [_shape(each, edit) for n, each in enumerate(node.items) if n != gone]
    pairs = enumerate(node.pairs if isinstance(node, Pairs) else ())
    found = {key.value: _shape(value, edit) for n, (key, value) in pairs if n != gone}
    if isinstance(edit, Add) and edit.parent is node:
        found[edit.key] = edit.value
    return found


def _span(parent: Items | Pairs, index: int) -> tuple[int, int]:
    if isinstance(parent, Items):
        item = parent.items[index]
        return item.start, item.end
    key, value = parent.pairs[index]
    return key.start, max(key.end, value.end)


def _cut(text: str, parent: Items | Pairs, index: int) -> str | None:
    start, end = _span(parent, index)
    if parent.flow:
        return _cut_flow(text, parent, index)
    first = text.rfind("\n", 0, start) + 1
    before = text[first:start]
    shape = r"[ \t]*-[ \t]+" if isinstance(parent, Items) else r"[ \t]*"
    rest = _REST.match(text, end)
    if rest is None or not re.fullmatch(shape, before):
        return None
    column = len(before) - len(before.lstrip(" \t"))
    last = _after_comments(text, _line_end(text, rest.end()), column)
    whole = "\n" in text[start:end].rstrip()
    first = _with_heading(text, first, column, whole=whole)
    return _without_lines(text, first, last, is_first=index == 0)


def _cut_flow(text: str, parent: Items | Pairs, index: int) -> str | None:
    start, end = _span(parent, index)
    if index + 1 < len(children(parent)):
        end = _span(parent, index + 1)[0]
    elif index:
        start = _span(parent, index - 1)[1]
    if "#" in text[start:end]:
        return None
    return text[:start] + text[end:]


def _line_end(text: str, place: int) -> int:
    """Where the line after that of *place* begins."""
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _after_comments(text: str, last: int, column: int) -> int:
    """Past the comments that are deeper than *column*: they are about what goes."""
    place = last
    while place < len(text):
        end = _line_end(text, place)
        line = text[place:end]
        words = line.strip()
        if words and not (words.startswith("#") and _indent(line) > column):
            break
        place = end
        last = end if words else last
    return last


def _with_heading(text: str, first: int, column: int, *, whole: bool) -> int:
    """From the comment right above on, where it is about what goes.

    A comment above one line of several may be about all of them: it goes if it speaks of Redis.
    """
    place = first
    while place:
        start = text.rfind("\n", 0, place - 1) + 1
        line = text[start:place]
        if not line.strip().startswith("#") or _indent(line) != column:
            break
        place = start
    return place if whole or "redis" in text[place:first].lower() else first


def _without_lines(text: str, first: int, last: int, *, is_first: bool) -> str:
    """And without one of the two gaps that would meet."""
    before, after = text[:first], text[last:]
    gap = not before or _BLANK_BEFORE.search(before) is not None
    if not after.strip():
        kept = _BLANK_BEFORE.sub(r"\1", before) if gap else before
        return kept + after
    if gap or is_first:
        after = _BLANK_AFTER.sub("", after)
    return before + after


_BLANK_BEFORE = re.compile(r"(\n)(?:[ \t]*\r?\n)+\Z")
_BLANK_AFTER = re.compile(r"\A(?:[ \t]*\r?\n)+")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _put(text: str, scalar: Scalar, value: str) -> str | None:
    raw = text[scalar.start : scalar.end]
    if scalar.style not in {"", "'", '"'} or raw != f"{scalar.style}{scalar.value}{scalar.style}":
        return None
    new = f"{scalar.style}{value}{scalar.style}"
    return text[: scalar.start] + new + text[scalar.end :]


def _add(text: str, parent: Pairs, words: str) -> str | None:
    pairs = parent.pairs
    if parent.flow:
        place = pairs[-1][1].end if pairs else text.index("{", parent.start) + 1
        return text[:place] + (f", {words}" if pairs else words) + text[place:]
    first = text.rfind("\n", 0, pairs[0][0].start) + 1
    indent = text[first : pairs[0][0].start]
    if indent.strip(" \t"):
        return None
    newline = "\r\n" if "\r\n" in text else "\n"
    for key, value in pairs:
        rest = _REST.match(text, max(key.end, value.end))
        if key.value in _STAYS_SHORT and rest and "\n" not in text[key.start : value.end]:
            end = _line_end(text, rest.end())
            if text[end - 1 : end] != "\n":
                return text + newline + indent + words
            return text[:end] + indent + words + newline + text[end:]
    return text[:first] + indent + words + newline + text[first:]
