"""The state folder: whose it is, who works in it, and room kept for the last words of a job.

Locks are kernel locks on files (`flock`), so they end with the process that took them however that
ends, and hold across containers that share the folder. No process numbers: those of two containers
mean different processes.
"""

import asyncio
import errno
import fcntl
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.keyfiles import create_private
from bot.adapters.threads import finish
from bot.domain.backup_id import SUFFIX_ALPHABET
from bot.domain.errors import BotError, BusyError, ConfigError, PortError, RefusedError

BALLAST_SIZE = 1024 * 1024
_PROBE_SIZE = 64 * 1024
_JOBS = "lock"
_LOOKS = 5  # who only looks whether a lock is held has it for an instant
_LOOK_SECONDS = 0.02

_ID_LENGTH = 8
_ID = re.compile(rf"[{SUFFIX_ALPHABET}]{{{_ID_LENGTH}}}")

_DENIED = ('permission denied in "{folder}"', "Give AKBOT_STATE to the user that the bot runs as.")
FULL = ('no space left on "{folder}"', "Free space on the disk of AKBOT_STATE.")
_READ_ONLY = ('"{folder}" is read-only', "Mount AKBOT_STATE writable, or name another folder.")
_NOT_A_FOLDER = ('"{folder}" is not a folder', "Name a folder in AKBOT_STATE.")
_NO_LOCKS = ('"{folder}" knows no file locks', "Name a folder on a local disk in AKBOT_STATE.")
_CANNOT_BE = ('"{folder}" cannot be made there', "Name another folder in AKBOT_STATE.")
_SETTING_IS_WRONG = {
    errno.ENOENT: _CANNOT_BE,
    errno.EEXIST: _NOT_A_FOLDER,
    errno.ENOTDIR: _NOT_A_FOLDER,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.ENOLCK: _NO_LOCKS,
    errno.EOPNOTSUPP: _NO_LOCKS,
}
_DISK_FAILS = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: _READ_ONLY}


@contextmanager
def state_errors(doing: str, folder: Path) -> Iterator[None]:
    """Raise the system's errors as ConfigError where a setting cures them, else as PortError."""
    try:
        yield
    except OSError as error:
        raise _translate(doing, folder, error) from error


def _translate(doing: str, folder: Path, error: OSError) -> BotError:
    code = error.errno or 0
    if code in _SETTING_IS_WRONG:
        cause, hint = _SETTING_IS_WRONG[code]
        return ConfigError(f"{doing}: {cause.format(folder=folder)}", hint=hint)
    cause, hint = _DISK_FAILS.get(code, (f'"{{folder}}": {error.strerror}', "Look at AKBOT_STATE."))
    return PortError(f"{doing}: {cause.format(folder=folder)}", hint=hint)


class StateFolder:
    """The folder at *path*, made on first use.

    Only what `state_errors` makes of the system's errors leaves the methods, but for those whose
    docstring says that they block: these are for a thread, and raise OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    async def id(self) -> str:
        """Eight characters that tell this folder from all others, made once."""
        with state_errors("read the state's id", self.path):
            text = await finish(asyncio.to_thread(self._read_id))
        if not _ID.fullmatch(text):
            raise ConfigError(
                f'AKBOT_STATE: "{self.path / "id"}" is damaged',
                hint="Remove it; a new one is made.",
            )
        return text

    async def made_at(self) -> datetime:
        """When this folder was first used, in UTC."""
        await self.id()
        with state_errors("look at the state's id", self.path):
            found = await asyncio.to_thread((self.path / "id").stat)
        return datetime.fromtimestamp(found.st_mtime, UTC)

    def _read_id(self) -> str:
        file = self.path / "id"
        if not file.exists():
            with self.alone():
                characters = (secrets.choice(SUFFIX_ALPHABET) for _ in range(_ID_LENGTH))
                create_private(file, "".join(characters).encode())
        return file.read_bytes().decode(errors="replace")

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold the folder's one lock for jobs; BusyError at once where anybody else does."""
        hint = 'Wait until it is done; "akbot jobs" shows it.'
        async with self._locked(_JOBS, BusyError("busy: another job runs", hint=hint)):
            yield

    async def has_job(self) -> bool:
        """Whether a process works on a job here, or settles one, at this moment."""
        with state_errors("look at the lock of the state", self.path):
            return await finish(asyncio.to_thread(self._has_job))

    def _has_job(self) -> bool:
        try:
            file = os.open(self.path / _JOBS, os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    @asynccontextmanager
    async def hold_for_daemon(self) -> AsyncIterator[None]:
        """Be the one daemon of this folder; RefusedError where there is one already."""
        hint = "Stop that one, or name another folder in AKBOT_STATE."
        taken = RefusedError(f'another "akbot run" works with "{self.path}"', hint=hint)
        async with self._locked("daemon", taken):
            yield

    @asynccontextmanager
    async def _locked(self, name: str, taken: RefusedError) -> AsyncIterator[None]:
        lock = _FileLock(self.path / name)
        try:
            with state_errors("lock the state", self.path):
                if not await finish(asyncio.to_thread(self._take, lock)):
                    raise taken
            yield
        finally:
            lock.free()

    async def probe(self) -> None:
        """Write a little and remove it. Raises what a job's own first line would raise."""
        with state_errors("write a test file", self.path):
            await finish(asyncio.to_thread(self._probe))

    def _probe(self) -> None:
        file = self.make() / f"probe-{secrets.token_hex(4)}"
        try:
            _write_private(file, os.urandom(_PROBE_SIZE))
        finally:
            file.unlink(missing_ok=True)

    def _take(self, lock: "_FileLock") -> bool:
        self.make()
        return lock.take()

    def make(self) -> Path:
        """Make the folder if it is missing (blocks)."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.path

    @contextmanager
    def alone(self) -> Iterator[Path]:
        """Wait until no other process is in here: for what must be made by one alone (blocks)."""
        folder = os.open(self.make(), os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield self.path
        finally:
            os.close(folder)

    def fill_ballast(self) -> None:
        """Keep room for a job's end, leaving as much; OSError where there is none (blocks).

        Random bytes, written: a hole or what a file system can compress would keep no room.
        """
        file = self.make() / "ballast"
        if file.exists() and file.stat().st_size >= BALLAST_SIZE:
            return
        disk = os.statvfs(self.path)
        if disk.f_bavail * disk.f_frsize < 2 * BALLAST_SIZE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            _write_private(file, os.urandom(BALLAST_SIZE))
        except OSError:
            file.unlink(missing_ok=True)
            raise

    def drop_ballast(self) -> bool:
        """Give the room back; False where it was given already (blocks)."""
        try:
            (self.path / "ballast").unlink()
        except FileNotFoundError:
            return False
        return True


class _FileLock:
    """A lock on the file at *path*, which is made if it is missing and stays; its calls block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def take(self) -> bool:
        """False at once where another holds it."""
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        for _ in range(_LOOKS):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOOK_SECONDS)
            else:
                return True
        return False

    def free(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
