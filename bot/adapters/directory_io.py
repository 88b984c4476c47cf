"""The blocking half of the directory store: what its threads do.

Every path below the root is walked by descriptors without following symbolic links.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bot.adapters.directory_errors import root_errors
from bot.domain.errors import ConfigError
from bot.domain.objects import is_object_key
from bot.domain.store_url import SETTING

_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_INNER_FOLDER = _FOLDER | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe must not hold us
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW

_UNFINISHED = re.compile(r"\.akbot-part-[a-z0-9]+\.(?P<name>.+)")
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_NOT_AN_OBJECT = {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO}


class Entry(NamedTuple):
    """What lies in a folder: an object, or with no *size* a folder, its *key* ending in `/`.

    *version* is another one once a file was written, or another one put in its place.
    """

    key: str
    size: int | None
    version: str = ""


class Unfinished(NamedTuple):
    """A file whose writer is gone; *key* is what it was to become."""

    key: str
    temporary: str
    size: int


class PartFile:
    """An object that is being written; each call but the constructor blocks."""

    def __init__(self, root: Path, parts: list[str]) -> None:
        self._root = root
        *self._folders, self._name = parts
        self._folder = -1
        self._file = -1
        self._visible = False
        self.temporary = f".akbot-part-{secrets.token_hex(8)}.{self._name}"

    def open(self) -> None:
        """Make the hidden file, and the folders on the way."""
        make_root(self._root)
        self._folder = self._open_folder()
        if _exists(self._name, self._folder):
            raise FileExistsError(errno.EEXIST, "object exists", self._name)

    def _open_folder(self) -> int:
        for _ in range(10):  # a delete may take the folder away while it is still empty
            with suppress(FileNotFoundError), _entered(self._root, self._folders, make=True) as at:
                self._file = os.open(self.temporary, _CREATE, 0o600, dir_fd=at)
                return os.dup(at)
        raise OSError(errno.EBUSY, "folders vanish while they are made")

    def write(self, chunks: list[bytes]) -> None:
        """Append *chunks* with as few calls as the system allows, copying nothing."""
        waiting = [memoryview(chunk) for chunk in chunks]
        while waiting:
            written = os.writev(self._file, waiting)
            while waiting and written >= len(waiting[0]):
                written -= len(waiting.pop(0))
            if written:
                waiting[0] = waiting[0][written:]

    def publish(self) -> None:
        """Bring all to the disk and only then show it under its own name."""
        os.fsync(self._file)
        link_once(self._folder, self.temporary, self._name)
        self._visible = True
        with suppress(FileNotFoundError):
            os.unlink(self.temporary, dir_fd=self._folder)
        os.fsync(self._folder)

    def discard(self) -> None:
        """Leave no trace, not even if it was published and closed."""
        if self._file < 0 and not self._visible:
            return
        with suppress(OSError), _entered(self._root, self._folders) as folder:
            for name in [self.temporary, self._name] if self._visible else [self.temporary]:
                with suppress(OSError):
                    os.unlink(name, dir_fd=folder)
        _remove_empty(self._root, self._folders)

    def close(self) -> None:
        """Give the descriptors back."""
        descriptors, self._file, self._folder = (self._file, self._folder), -1, -1
        for descriptor in descriptors:
            if descriptor >= 0:
                os.close(descriptor)


def link_once(
    folder: int, temporary: str, name: str, *, link: Callable[..., None] = os.link
) -> None:
    """Rename *temporary* to *name*, which must not exist.

    Where the file system has no hard links (FAT, some network mounts), a claim file that only one
    process can make stands in for the link's exclusiveness.
    """
    try:
        link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
    else:
        return
    claim = f".akbot-part-claim.{name}"
    os.close(os.open(claim, _CREATE, 0o600, dir_fd=folder))
    try:
        if _exists(name, folder):
            raise FileExistsError(errno.EEXIST, "object exists", name)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        os.unlink(claim, dir_fd=folder)


class ReadFile:
    """An object that is being read; it stays readable when it is deleted meanwhile."""

    def __init__(self, root: Path, parts: list[str]) -> None:
        self._root = root
        *self._folders, self._name = parts
        self._file = -1

    def open(self) -> int:
        """Open it and return its size."""
        try:
            with _entered(self._root, self._folders) as folder:
                self._file = os.open(self._name, _READ, dir_fd=folder)
        except OSError as error:
            if error.errno in _NOT_AN_OBJECT:
                raise FileNotFoundError(errno.ENOENT, "not a file", self._name) from error
            raise
        status = os.fstat(self._file)
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(errno.ENOENT, "not a file", self._name)
        return status.st_size

    def read(self, start: int, length: int) -> bytes:
        """Up to *length* bytes from *start*."""
        return os.pread(self._file, length, start)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._file >= 0:
            os.close(self._file)


def read_folder(root: Path, path: str) -> list[Entry]:
    """Objects and folders right in *path* (`""` or ending in `/`), in the order of their keys."""
    entries: list[Entry] = []
    try:
        with _entered(root, path.split("/")[:-1]) as folder, os.scandir(folder) as listed:
            for entry in listed:
                key = path + entry.name
                if not is_object_key(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    entries.append(Entry(key + "/", None))
                elif entry.is_file(follow_symlinks=False):
                    found = entry.stat(follow_symlinks=False)
                    version = f"{found.st_ino:x}-{found.st_ctime_ns:x}"
                    entries.append(Entry(key, found.st_size, version))
    except FileNotFoundError:
        return entries
    return sorted(entries)


def remove_object(root: Path, parts: list[str]) -> None:
    """Delete the object, if there is one, and the folders that this leaves empty."""
    *folders, name = parts
    try:
        with _entered(root, folders) as folder:
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)
    except OSError as error:
        if error.errno not in _NOT_AN_OBJECT | {errno.ENOENT}:
            raise
    _remove_empty(root, folders)


def find_unfinished(root: Path, prefix: str) -> list[Unfinished]:
    """Files below *prefix* that were begun and not published."""
    found: list[Unfinished] = []
    with suppress(FileNotFoundError), _entered(root, []) as top:
        for path, folders, names, folder in os.fwalk(".", dir_fd=top):
            folders[:] = sorted(filter(is_object_key, folders))
            for name in sorted(names):
                match = _UNFINISHED.fullmatch(name)
                key = os.path.normpath(f"{path}/{match['name']}") if match else ""
                if match and key.startswith(prefix):
                    size = os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
                    found.append(Unfinished(key, name, size))
    return found


def remove_unfinished(root: Path, unfinished: Unfinished) -> None:
    """Delete it, and the folders that this leaves empty."""
    remove_object(root, [*unfinished.key.split("/")[:-1], unfinished.temporary])


@contextmanager
def _entered(root: Path, folders: list[str], *, make: bool = False) -> Iterator[int]:
    with root_errors(root):
        folder = os.open(root, _FOLDER)
    try:
        for name in folders:
            inner = _enter(folder, name, make=make)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _enter(folder: int, name: str, *, make: bool) -> int:
    with suppress(FileNotFoundError):
        return os.open(name, _INNER_FOLDER, dir_fd=folder)
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=folder)
        os.fsync(folder)
    return os.open(name, _INNER_FOLDER, dir_fd=folder)


def make_ready(root: Path) -> None:
    """Make the folder that is missing. Raises what writing the first object would raise."""
    make_root(root)
    with root_errors(root), _entered(root, []):
        if not os.access(root, os.W_OK | os.X_OK):
            code = errno.EROFS if os.statvfs(root).f_flag & os.ST_RDONLY else errno.EACCES
            raise OSError(code, os.strerror(code))


def make_root(root: Path) -> None:
    """Make it and all above it that is missing. Raises ConfigError where it cannot be."""
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    for folder in reversed(missing):
        with root_errors(root):
            try:
                folder.mkdir(mode=0o700, exist_ok=True)
            except FileNotFoundError as error:  # as below /proc, where nothing can be made
                raise ConfigError(
                    f'{SETTING}: "{folder}" cannot be made',
                    hint="Name a folder on a disk that can be written.",
                ) from error
        with _entered(folder.parent, []) as parent:
            os.fsync(parent)


def _remove_empty(root: Path, folders: list[str]) -> None:
    with suppress(OSError):  # one that is not empty ends it
        for depth in range(len(folders), 0, -1):
            with _entered(root, folders[: depth - 1]) as folder:
                os.rmdir(folders[depth - 1], dir_fd=folder)


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
