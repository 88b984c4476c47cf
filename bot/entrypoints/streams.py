"""The process's own streams: there, able to hold any text, and honest about what could not be sent.

A reader that went away (`akbot backups | head -1`) is no error of anybody: nothing is said, and the
exit code is what a shell reports of a program that SIGPIPE ended, as it is for `git` and `ls`.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from bot.domain.errors import PortError

READER_GONE = 141
_STDIN, _STDOUT, _STDERR = 0, 1, 2


class ReaderGoneError(Exception):
    """Nobody reads the output any more, so that there is nobody to tell either."""


def take_streams() -> None:
    """Make the standard streams fit for use; to be called once, before any file is opened.

    One that the caller closed is opened so that its use fails: its number would else go to the
    next file, and the output into that.
    """
    for number, stream in ((_STDIN, sys.stdin), (_STDOUT, sys.stdout), (_STDERR, sys.stderr)):
        if stream is None:
            os.open(os.devnull, os.O_WRONLY if number == _STDIN else os.O_RDONLY)
    sys.stdout = sys.stdout or _writer(_STDOUT)
    sys.stderr = sys.stderr or _writer(_STDERR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale may know no arrow


def _writer(number: int) -> TextIO:
    return open(number, "w", encoding="utf-8", closefd=False)


def say(text: str) -> None:
    """Write *text* and a line's end to stdout, and see them out.

    Raises:
        ReaderGoneError: a pipe's reader went away.
        PortError: the system refuses to take it, for want of room, say.
    """
    with written_out():
        sys.stdout.write(f"{text}\n")


@contextmanager
def written_out() -> Iterator[None]:
    """For a block that does nothing but write to stdout: when it ends all is out, or this raises.

    Raises:
        ReaderGoneError, PortError: as `say`.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError as error:
        forget(sys.stdout)
        raise ReaderGoneError from error
    except OSError as error:
        forget(sys.stdout)
        raise PortError(
            f"write stdout: {error.strerror}", hint="Look at where the output was sent."
        ) from error


def complain(*lines: str) -> None:
    """Write to stderr; where nobody can hear it the work goes on."""
    try:
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        sys.stderr.flush()
    except OSError:
        forget(sys.stderr)


def forget(stream: TextIO) -> None:
    """Let what is still held back, and all that follows, go nowhere.

    Python would else fail over it once more at its end, and change the exit code.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
