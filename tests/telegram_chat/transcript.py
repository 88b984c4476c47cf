"""A conversation as text that a person can review, and that a program can read back.

A golden is a title and the entries of one chat, in order, with an empty line between them:

    A backup that was asked for, from the request to its outcome.

    12:00 #1 Anna
        /backup before the move

    12:00 #2 akbot, without a sound
        ⏳ *Backup is running* since 12:00

    12:01 #2 akbot edits
        (3 lines as before)
        ✅ verified: globals, 12.0 kB

    12:02 #3 akbot, with 20261124T120000Z-k3f9.txt
        All that was said about `20261124T120000Z-k3f9`
        [Try again] [Status]

    12:02 #3 Anna presses [Try again], and is shown “Trying again.”

`#2` is the message that was sent second; an edit or a press names the one that it is about. What
stands under a head is the message as the phone shows it: `*bold*`, `` `code` ``, `~italic~`, and
monospaced lines between two lines of three backticks; its buttons come last, a row a line. Of an
edit the first lines may be told as those of before.

`parse` makes a `Transcript` of that, each entry with all its lines, and `Transcript.text` the
reverse; `standing` is what is to be seen at the end, and `styled` takes a line apart for whoever
draws it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import takewhile

from tests.bot_api.chats import Message, Version
from tests.bot_api.keyboard import buttons
from tests.bot_api.markup import Formatted

BOT = "akbot"
BLOCK = "```"

_MARKS = {"bold": "*", "code": "`", "italic": "~"}
_STYLES = {mark: style for style, mark in _MARKS.items()}
_STYLED = re.compile(r"([*`~])(.+?)\1")
_INDENT = "    "
_AS_BEFORE = re.compile(r"\((\d+) lines as before\)")
_FEWEST_AS_BEFORE = 3
_HEAD = re.compile(
    r"(?P<time>\d\d:\d\d) #(?P<number>\d+) (?P<speaker>\w+)"
    r"(?: (?P<deed>edits|presses|deletes))?(?: \[(?P<pressed>.+?)\])?"
    r"(?P<silent>, without a sound)?(?:, with (?P<file>\S+))?"
    r"(?:, and is shown “(?P<toast>.+)”)?"
)


class Deed(StrEnum):
    """What somebody does with a message."""

    SENDS = ""
    EDITS = "edits"
    PRESSES = "presses"
    DELETES = "deletes"


_WRITES = {Deed.SENDS, Deed.EDITS}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened; *number* is that of the message, *speaker* `BOT` or a person.

    *lines* and *buttons* (labels, by rows) are those of the message from then on; *pressed* is the
    label that was pressed, *toast* what was shown of that to the person.
    """

    time: str
    number: int
    speaker: str
    deed: Deed = Deed.SENDS
    lines: tuple[str, ...] = ()
    buttons: tuple[tuple[str, ...], ...] = ()
    silent: bool = False
    file: str = ""
    pressed: str = ""
    toast: str = ""

    def text(self, before: Sequence[str] = ()) -> str:
        """As it stands in a golden; *before*: the lines of the message until then."""
        pairs = zip(before, self.lines, strict=False)
        same = list(takewhile(lambda pair: pair[0] == pair[1], pairs))
        lines = list(self.lines)
        if len(same) >= _FEWEST_AS_BEFORE:
            lines[: len(same)] = [f"({len(same)} lines as before)"]
        rows = [" ".join(f"[{label}]" for label in row) for row in self.buttons]
        body = [f"{_INDENT}{line}".rstrip() for line in (*lines, *rows)]
        return "\n".join([self._head(), *body])

    def _head(self) -> str:
        deed = f" {self.deed}" if self.deed else ""
        pressed = f" [{self.pressed}]" if self.pressed else ""
        notes = ", without a sound" if self.silent else ""
        notes += f", with {self.file}" if self.file else ""
        notes += f", and is shown “{self.toast}”" if self.toast else ""
        return f"{self.time} #{self.number} {self.speaker}{deed}{pressed}{notes}"


@dataclass(frozen=True)
class Transcript:
    """A conversation; *title* says in a sentence what it shows."""

    title: str
    entries: tuple[Entry, ...]

    def text(self) -> str:
        """The golden."""
        lines: dict[int, Sequence[str]] = {}
        blocks = []
        for entry in self.entries:
            blocks.append(entry.text(lines.get(entry.number, ())))
            if entry.deed in _WRITES:
                lines[entry.number] = entry.lines
        return "\n\n".join([self.title, *blocks]) + "\n"


def parse(golden: str) -> Transcript:
    """Read what `Transcript.text` wrote.

    Raises:
        ValueError: it is not of that form.
    """
    title, *blocks = re.split(r"\n\n(?=\S)", golden.rstrip("\n"))
    lines: dict[int, tuple[str, ...]] = {}
    entries = []
    for block in blocks:
        entry = _entry(block)
        if entry.lines and (found := _AS_BEFORE.fullmatch(entry.lines[0])):
            kept = lines[entry.number][: int(found[1])]
            entry = replace(entry, lines=(*kept, *entry.lines[1:]))
        if entry.deed in _WRITES:
            lines[entry.number] = entry.lines
        entries.append(entry)
    return Transcript(title, tuple(entries))


def _entry(block: str) -> Entry:
    head, *body = block.split("\n")
    found = _HEAD.fullmatch(head)
    if found is None:
        raise ValueError(f"no head of an entry: {head!r}")
    lines = [line.removeprefix(_INDENT) for line in body]
    rows: list[tuple[str, ...]] = []
    while lines and lines[-1].startswith("["):
        rows.insert(0, tuple(re.findall(r"\[(.+?)\]", lines.pop())))
    return Entry(
        time=found["time"],
        number=int(found["number"]),
        speaker=found["speaker"],
        deed=Deed(found["deed"] or ""),
        lines=tuple(lines),
        buttons=tuple(rows),
        silent=bool(found["silent"]),
        file=found["file"] or "",
        pressed=found["pressed"] or "",
        toast=found["toast"] or "",
    )


def standing(entries: Iterable[Entry]) -> list[Entry]:
    """The messages as they are to be seen after *entries*: each once, as it stands by then."""
    messages: dict[int, Entry] = {}
    for entry in entries:
        match entry.deed:
            case Deed.SENDS:
                messages[entry.number] = entry
            case Deed.EDITS:
                before = messages[entry.number]
                messages[entry.number] = replace(before, lines=entry.lines, buttons=entry.buttons)
            case Deed.DELETES:
                del messages[entry.number]
            case Deed.PRESSES:
                pass
    return list(messages.values())


def styled(line: str) -> Iterator[tuple[str, str]]:
    """The pieces of a line: "bold", "code", "italic" or "", and the text without its marks."""
    position = 0
    for found in _STYLED.finditer(line):
        if found.start() > position:
            yield "", line[position : found.start()]
        yield _STYLES[found[1]], found[2]
        position = found.end()
    if position < len(line):
        yield "", line[position:]


def entry_of(
    message: Message, version: Version, number: int, speaker: str, deed: Deed = Deed.SENDS
) -> Entry:
    """What *version* of *message* shows."""
    rows = tuple(tuple(each.label for each in row) for row in buttons(version.markup))
    return Entry(
        time=f"{version.at:%H:%M}",
        number=number,
        speaker=speaker,
        deed=deed,
        lines=tuple(_marked(version.content).split("\n")),
        buttons=rows,
        silent=message.silent and deed is Deed.SENDS,
        file=message.file.name if message.file and deed is Deed.SENDS else "",
    )


def _marked(content: Formatted) -> str:
    """The text with marks for its entities, whose places Telegram counts in UTF-16 units."""
    if any(mark in content.text for mark in _STYLES) or "\n[" in content.text:
        raise ValueError(f"a golden cannot tell this from its own marks: {content.text!r}")
    marks: list[tuple[int, str]] = []
    for entity in content.entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        if entity["type"] == "pre":
            marks += [(start, f"{BLOCK}\n"), (end, f"\n{BLOCK}")]
        elif mark := _MARKS.get(entity["type"]):
            marks += [(start, mark), (end, mark)]
    return _with_marks(content.text.encode("utf-16-le"), marks)


def _with_marks(text: bytes, marks: Sequence[tuple[int, str]]) -> str:
    for place, mark in sorted(marks, key=lambda each: each[0], reverse=True):
        text = text[: 2 * place] + mark.encode("utf-16-le") + text[2 * place :]
    return text.decode("utf-16-le")
