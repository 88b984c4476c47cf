"""A compose file as a tree that knows where in the text each part stands.

PyYAML's events have the marks; its nodes would not tell an alias from what it stands for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import RefusedError

MERGE = "<<"
Plain = str | list[Any] | dict[str, Any]


@dataclass(frozen=True, eq=False)
class Node:
    """Text from *start* up to *end*, the end of its last character."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Scalar(Node):
    """A word; *style* is its quote, "|" or ">" for a block, "" for none."""

    value: str
    style: str


@dataclass(frozen=True, eq=False)
class Items(Node):
    """A list; *flow* where it is written in brackets."""

    items: tuple[Node, ...]
    flow: bool


@dataclass(frozen=True, eq=False)
class Pairs(Node):
    """A mapping; *flow* where it is written in braces."""

    pairs: tuple[tuple[Scalar, Node], ...]
    flow: bool


@dataclass(frozen=True, eq=False)
class Alias(Node):
    """`*name`, which stands for *target*."""

    target: Node


@dataclass(frozen=True)
class Tree:
    """*parents* has for each node, by its identity, what it is in, and at which place."""

    text: str
    root: Pairs
    parents: Mapping[int, tuple[Items | Pairs, int]]


def read_tree(text: str, path: str) -> Tree:
    """Read the file that *path* names.

    Raises:
        RefusedError: it is no plain compose file, or none at all; nothing of its text is told.
    """
    from yaml import YAMLError  # noqa: PLC0415 - slow to import

    try:
        root = _Reader(text, path).document()
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise by_hand(path, f"it cannot be read{where}") from error
    parents: dict[int, tuple[Items | Pairs, int]] = {}
    _note_parents(root, parents)
    return Tree(text, root, parents)


def by_hand(path: str, why: str) -> RefusedError:
    """The refusal to change a file."""
    return RefusedError(
        f'"{path}" is not changed: {why}', hint="Nothing was changed. Do that by hand."
    )


def behind(node: Node) -> Node:
    """What an alias stands for, else the node itself."""
    return behind(node.target) if isinstance(node, Alias) else node


def layers(node: Node) -> Iterator[Pairs]:
    """A mapping and those that are merged into it, what counts first."""
    node = behind(node)
    if isinstance(node, Pairs):
        yield node
        for key, value in node.pairs:
            if key.value == MERGE:
                yield from layers(value)


def fields(node: Node, name: str) -> Iterator[Node]:
    """What stands under *name* in a mapping or in what is merged into it."""
    for layer in layers(node):
        for key, value in layer.pairs:
            if key.value == name:
                yield behind(value)


def meaning(node: Node) -> Plain:
    """What it says, aliases and merges applied; every word as text."""
    node = behind(node)
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [meaning(each) for each in node.items]
    return said_by(node)


def said_by(node: Node) -> dict[str, Plain]:
    """What a mapping says, likewise; nothing where it is none."""
    merged: dict[str, Plain] = {}
    for layer in reversed([*layers(node)]):
        merged |= {key.value: meaning(value) for key, value in layer.pairs if key.value != MERGE}
    return merged


class _Reader:
    """Makes nodes of events."""

    def __init__(self, text: str, path: str) -> None:
        import yaml  # noqa: PLC0415 - slow to import

        self._yaml = yaml
        self._text = text
        self._path = path
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._anchors: dict[str, Node] = {}

    def document(self) -> Pairs:
        events = self._yaml.events
        next(self._events)  # the stream's start
        if isinstance(next(self._events), events.StreamEndEvent):
            raise by_hand(self._path, "it is empty")
        root = self._node(next(self._events))
        next(self._events)  # the document's end
        if not isinstance(next(self._events), events.StreamEndEvent):
            raise by_hand(self._path, "it holds several documents")
        if not isinstance(root, Pairs):
            raise by_hand(self._path, "it is no compose file")
        return root

    def _node(self, event: Any) -> Node:
        events = self._yaml.events
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, events.AliasEvent):
            if event.anchor not in self._anchors:
                raise by_hand(self._path, f"*{event.anchor} stands for nothing in it")
            return Alias(start, end, self._anchors[event.anchor])
        if event.tag is not None:
            raise by_hand(self._path, f"it has a tag, {event.tag}")
        node: Node
        if isinstance(event, events.ScalarEvent):
            said = self._text[start:end].rstrip() if event.style in {"|", ">"} else ""
            end = start + len(said) if said else end
            node = Scalar(start, end, event.value, event.style or "")
        elif isinstance(event, events.SequenceStartEvent):
            node = self._items(start, flow=bool(event.flow_style))
        else:
            node = self._pairs(start, flow=bool(event.flow_style))
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _items(self, start: int, *, flow: bool) -> Items:
        items: list[Node] = []
        while not _ends(event := next(self._events), "SequenceEndEvent"):
            items.append(self._node(event))
        end = event.end_mark.index if flow or not items else items[-1].end
        return Items(start, end, tuple(items), flow)

    def _pairs(self, start: int, *, flow: bool) -> Pairs:
        pairs: list[tuple[Scalar, Node]] = []
        while not _ends(event := next(self._events), "MappingEndEvent"):
            key, value = self._node(event), self._node(next(self._events))
            if not isinstance(key, Scalar):
                raise by_hand(self._path, "a key in it is no word")
            if key.value in {known.value for known, _ in pairs}:
                raise by_hand(self._path, f'"{key.value}" stands in it twice')
            if key.value == MERGE and not isinstance(behind(value), Pairs):
                raise by_hand(self._path, "several mappings are merged into one in it")
            pairs.append((key, value))
        end = event.end_mark.index if flow or not pairs else pairs[-1][1].end
        return Pairs(start, end, tuple(pairs), flow)


def _ends(event: Any, kind: str) -> bool:
    return type(event).__name__ == kind


def children(node: Node) -> Sequence[Node]:
    """What is in a list, or the values of a mapping."""
    if isinstance(node, Items):
        return node.items
    return [value for _, value in node.pairs] if isinstance(node, Pairs) else ()


def _note_parents(node: Node, parents: dict[int, tuple[Items | Pairs, int]]) -> None:
    if isinstance(node, (Items, Pairs)):
        for number, child in enumerate(children(node)):
            parents[id(child)] = (node, number)
            _note_parents(child, parents)
