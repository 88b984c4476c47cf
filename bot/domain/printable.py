"""Text from elsewhere, made fit for one line of a terminal or a log.

A manifest may come from another host, a job's actor from a chat, an error's words from a program.
None of them may move the cursor, begin a line, or turn the direction in which the rest is read.
"""

LONGEST_NAME = 100
LONGEST_WORDS = 1000


def printable(text: str, longest: int = LONGEST_NAME) -> str:
    """*text* in at most *longest* characters; what has no shape of its own stands as an escape."""
    pieces = (
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in text[: longest + 1]
    )
    shown = "".join(pieces)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def file_name(text: str) -> str:
    """The name of a file, quoted, for a message; a key that was given for one is not repeated."""
    if "SECRET-KEY" in text.upper():
        return "the file (this is a key itself, not the name of a file)"
    return f'"{text}"'


def one_line(text: str, longest: int = LONGEST_WORDS) -> str:
    """The words of *text*, such as several lines of a program, with one blank between them."""
    return printable(" ".join(text.split()), longest)
