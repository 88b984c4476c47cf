"""Files that are replaced by a rename, with the old one kept beside; owner and mode stay.

Beside the file lie `.akbot-<key>.<name>.old` and, until it takes its place, `….new`.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.domain.compose_edit import FileChange
from bot.domain.errors import PortError, RefusedError
from bot.domain.tar_sieve import OWN

_CHANGED = "Nothing was changed. Plan it again, which shows the change anew."


def read_files(paths: Sequence[str]) -> dict[str, bytes]:
    """What is in each, by path (blocks)."""
    found: dict[str, bytes] = {}
    for path in paths:
        with _errors("read", path):
            found[path] = Path(path).read_bytes()
    return found


def is_staged(changes: Sequence[FileChange], key: str) -> bool:
    """Whether each is changed, or lies ready beside (blocks)."""
    return all(
        change.new in {_digest(_target(change)), _digest(_beside(change, key, "new"))}
        for change in changes
    )


def stage(changes: Sequence[FileChange], texts: Mapping[str, bytes], key: str) -> None:
    """Lay the old and the new text beside each file (blocks).

    Raises RefusedError where a file or a text is not that of the plan.
    """
    for change in changes:
        new = texts.get(change.path, b"")
        if hashlib.sha256(new).hexdigest() != change.new:
            raise RefusedError(f'"{change.path}" is another than was planned', hint=_CHANGED)
    for change in changes:
        target = _target(change)
        with _errors("read", change.path):
            old = target.read_bytes()
        if hashlib.sha256(old).hexdigest() != change.old:
            raise RefusedError(f'"{change.path}" is another than was planned', hint=_CHANGED)
        _write(_beside(change, key, "old"), old, target)
        _write(_beside(change, key, "new"), texts[change.path], target)


def swap(changes: Sequence[FileChange], key: str) -> None:
    """Let what was staged take the files' places (blocks).

    Raises RefusedError where somebody has edited one meanwhile.
    """
    for change in changes:
        target, new = _target(change), _beside(change, key, "new")
        with _errors("write", change.path):
            now = _digest(target)
            if now not in {change.old, change.new}:
                raise RefusedError(f'"{change.path}" was edited meanwhile', hint=_CHANGED)
            if now == change.old:
                new.replace(target)
            new.unlink(missing_ok=True)
            flush_folder(target.parent)


def swap_back(changes: Sequence[FileChange], key: str) -> list[Path]:
    """Put the old files back (blocks); where those are which somebody has edited meanwhile."""
    kept: list[Path] = []
    for change in changes:
        target, old = _target(change), _beside(change, key, "old")
        with _errors("write", change.path):
            now, have = _digest(target), _digest(old) == change.old
            if now == change.new and not have:
                raise PortError(
                    f'put "{change.path}" back: the old text beside it is gone',
                    hint="Put it back from a backup: see deploy/RUNBOOK.md.",
                )
            if have and now not in {change.old, change.new, None}:
                aside = target.with_name(f"{target.name}.edited-{key}")
                target.replace(aside)
                kept.append(aside)
            if have and now != change.old:
                old.replace(target)
            _clear(change, key)
            flush_folder(target.parent)
    return kept


def kept(changes: Sequence[FileChange], key: str) -> dict[str, bytes]:
    """The old texts that lie beside, by path (blocks). Raises RefusedError where one is gone."""
    found: dict[str, bytes] = {}
    for change in changes:
        old = _beside(change, key, "old")
        if _digest(old) != change.old:
            raise RefusedError(
                f'what was "{change.path}" before is not kept any more',
                hint="Nothing was changed. Restore a backup instead.",
            )
        found[change.path] = old.read_bytes()
    return found


def discard(changes: Sequence[FileChange], key: str) -> None:
    """Remove what lies beside (blocks)."""
    for change in changes:
        with _errors("remove", change.path):
            _clear(change, key)


def _clear(change: FileChange, key: str) -> None:
    for kind in ("old", "new"):
        path = _beside(change, key, kind)
        for each in (path, _part(path)):
            each.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    """What is not yet whole."""
    return path.with_name(f"{path.name}.part")


def _target(change: FileChange) -> Path:
    """The file itself, where the path is a link."""
    return Path(change.path).resolve()


def _beside(change: FileChange, key: str, kind: str) -> Path:
    target = _target(change)
    return target.with_name(f"{OWN}{key}.{target.name}.{kind}")


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def _write(path: Path, content: bytes, like: Path) -> None:
    """Whole or not at all; owner and mode as *like* has them."""
    part = _part(path)
    with _errors("write beside", str(like)):
        part.unlink(missing_ok=True)
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "wb") as file:
            status = like.stat()
            file.write(content)
            os.fchown(number, status.st_uid, status.st_gid)
            os.fchmod(number, status.st_mode & 0o7777)
            file.flush()
            os.fsync(number)
        part.replace(path)
        flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Let a new name in it survive a loss of power (blocks). Raises OSError."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _errors(doing: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PortError(
            f'{doing} "{path}": {error.strerror}',
            hint="Mount the project's folder into akbot's container under its own path.",
        ) from error
