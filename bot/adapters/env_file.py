"""Compose's env file on the disk: one value changed, whole or not at all."""

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.adapters.file_swap import flush_folder
from bot.domain.env_text import with_setting, without_value
from bot.domain.errors import PortError
from bot.domain.restore import TagChange

_UNFINISHED = ".akbot-"  # and what tempfile makes of it


def read_env(path: Path) -> bytes:
    """Nothing where there is none yet."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise PortError(f'read "{path}": {error.strerror}') from error


def change_env(change: TagChange) -> None:
    """By a rename, so that no crash leaves half a file; a link is followed to the file itself."""
    path = Path(change.file)
    target = path.resolve()
    _sweep(target)
    text = read_env(path)
    new = changed_by(change, text)
    if new == text:
        return
    written = _write_beside(target, new)
    try:
        written.replace(target)
        flush_folder(target.parent)
    except OSError as error:
        written.unlink(missing_ok=True)
        raise PortError(f'write "{path}": {error.strerror}') from error


def changed_by(change: TagChange, text: bytes) -> bytes:
    """*text* after *change*."""
    if change.new is None:
        return without_value(text, change.name)
    return with_setting(text, change.name, change.new)  # what a person wrote may name a digest


def _write_beside(path: Path, text: bytes) -> Path:
    """A new file beside *path*, with its owner and mode."""
    with _beside(path):
        number, name = tempfile.mkstemp(prefix=f"{path.name}{_UNFINISHED}", dir=path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                with suppress(FileNotFoundError):
                    status = path.stat()
                    os.fchown(number, status.st_uid, status.st_gid)
                    os.fchmod(number, status.st_mode & 0o7777)
                file.write(text)
                file.flush()
                os.fsync(number)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    return Path(name)


def require_room_beside(path: Path, size: int) -> None:
    """That `change_env` can write there is seen before anything goes; by a file without a word."""
    target = path.resolve()
    prefix = f"{target.name}{_UNFINISHED}"
    with _beside(path), tempfile.TemporaryFile(prefix=prefix, dir=target.parent) as file:
        file.write(bytes(size))
        file.flush()


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PortError(
            f'write beside "{path}": {error.strerror}',
            hint="Mount the project's folder into akbot's container under its own path.",
        ) from error


def _sweep(target: Path) -> None:
    """Remove what an akbot that was killed as it wrote *target* has left: the secrets stand in it.

    Only whoever is about to write may do so: of those there is one at a time.
    """
    unfinished = re.compile(re.escape(target.name + _UNFINISHED) + "[a-z0-9_]{8}")
    with suppress(OSError):
        owners = {os.geteuid(), target.stat().st_uid}
        for each in target.parent.iterdir():
            if unfinished.fullmatch(each.name):
                status = each.lstat()
                if stat.S_ISREG(status.st_mode) and status.st_uid in owners:
                    each.unlink()
