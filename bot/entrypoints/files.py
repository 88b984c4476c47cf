"""Input and output files of commands: streams, and files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from bot.domain.errors import ConfigError, PortError

STANDARD = "-"


@contextmanager
def io_errors(doing: str) -> Iterator[None]:
    """Raise what the system refuses as PortError; a reader that went away is not an error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise PortError(f"{doing}: {error.strerror}") from error


def open_input(path: str, flag: str) -> BufferedReader:
    """Open stdin or a file. Raises ConfigError naming *flag*."""
    try:
        return open(0 if path == STANDARD else path, "rb", closefd=path != STANDARD)
    except OSError as error:
        raise ConfigError(
            f"open {flag} {shown(path)}: {error.strerror}",
            hint="Check the name and who may read it.",
        ) from error


@contextmanager
def open_output(path: str | None, mode: int) -> Iterator[BinaryIO]:
    """Open stdout, or a file that takes its name only when the block ends well.

    What exists and is no regular file (a device, a pipe) is written directly.
    """
    if path is None or path == STANDARD:
        with open(1, "wb", closefd=False) as stdout:
            yield stdout
        return
    named = Path(path)
    if named.exists() and not named.is_file():
        with _create(named, os.O_WRONLY, mode) as file:
            yield file
        return
    target = named.resolve()
    draft = target.with_name(f".akbot-{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with _create(draft, flags, mode, named=named) as file, _or_removed(draft):
        yield file
        _sync(file)
        draft.replace(target)
    _sync_folder(target.parent)


def write_new(path: Path, content: bytes) -> None:
    """Write a secret to a file that did not exist, and that nobody else could ever read."""
    with (
        io_errors(f"write {shown(str(path))}"),
        _create(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600) as file,
        _or_removed(path),
    ):
        file.write(content)
        _sync(file)
        _sync_folder(path.parent)


def _create(path: Path, flags: int, mode: int, *, named: Path | None = None) -> BinaryIO:
    """Create *path*; an error names *named* where that is what a person knows."""
    named = named or path
    try:
        return os.fdopen(os.open(path, flags, mode), "wb")
    except FileExistsError as error:
        raise ConfigError(
            f'create -o "{named}": it exists, and a key is never overwritten',
            hint="Choose another name.",
        ) from error
    except OSError as error:
        raise ConfigError(
            f'create -o "{named}": {error.strerror}',
            hint="Check the folder and who may write to it.",
        ) from error


@contextmanager
def _or_removed(path: Path) -> Iterator[None]:
    """Remove *path* if the block fails or is interrupted."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Make a new name in *path* survive a loss of power."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def shown(path: str | None, otherwise: str = "stdin") -> str:
    """The file's name, quoted, for a message; a key that was given for one is not repeated."""
    if path is None or path == STANDARD:
        return otherwise
    if "SECRET-KEY" in path.upper():
        return "the file (this is a key itself, not the name of a file)"
    return f'"{path}"'
