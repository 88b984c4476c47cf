"""What is said where Telegram takes no file: a picture's caption, the end of a document. Pure."""

from dataclasses import replace

from bot.entrypoints.telegram.markup import LONGEST_TEXT, cut, escape, plain, units, verbatim
from bot.services.journal_ports import Message

_ALL, _END = "All of it:", "Its end:"
_AROUND = 200  # units for the sentence and the marks between
_LONGEST_OF_ONE = 5  # units that a character may take once it is escaped


def without_file(message: Message) -> Message:
    """*message* in words alone, in which a document stands as far as it fits, to its end."""
    alone = replace(message, document=None, picture=None)
    if message.document is None:
        return alone
    name, content = message.document
    whole = verbatim(content).strip("\n")
    shown = _end(whole, LONGEST_TEXT - _AROUND - units(message.text))
    part = _ALL if shown == escape(whole) else _END
    note = f"<i>{plain(name, 80)} cannot be sent as a file here. {part}</i>"
    return replace(alone, text=f"{message.text}\n\n{note}\n<pre>{shown}</pre>")


def _end(text: str, room: int) -> str:
    """The last lines of *text*, escaped, in at most *room* units; of one that is longer a part."""
    lines: list[str] = []
    for line in reversed(text.split("\n")):
        escaped = escape(line)
        room -= units(escaped) + 1
        if room < 0:
            break
        lines.insert(0, escaped)
    if lines:
        return "\n".join(lines)
    return escape(cut(text.rpartition("\n")[2], (LONGEST_TEXT - 2 * _AROUND) // _LONGEST_OF_ONE))
