"""The journal's file: one SQLite database, written by several processes, each on one thread.

It is opened by the first call. Writes are on the disk when they return (write-ahead log, full
synchronisation) and wait for those of other processes. A disk that is full takes nothing; the
ballast in the state folder is given back only for what must be written or read even then.
"""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from bot.adapters.journal_schema import migrate
from bot.adapters.state_folder import FULL, StateFolder, state_errors
from bot.adapters.threads import ENDING, Threads, ThreadsClosedError
from bot.domain.errors import PortError

FILE = "journal.db"

PATIENCE_SECONDS = 20.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

T = TypeVar("T")
Call = Callable[[sqlite3.Connection], T]


class JournalDatabase:
    """The database in *folder*; calls are made with the connection, on the one thread.

    A write waits *patience_seconds* for another process to finish its own.
    """

    def __init__(self, folder: StateFolder, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._folder = folder
        self._patience_seconds = patience_seconds
        self._threads = Threads("journal", 1)
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # which one is open, whatever its name is by now
        self._is_closed = False

    async def read(self, query: Call[T]) -> T:
        """Answer *query*, one statement."""
        with _journal_errors("read the journal", self._folder.path):
            return await self._threads.run(lambda: query(self._open()))

    async def write(self, change: Call[T]) -> T:
        """Make *change*, whole or not at all, and return when it is on the disk."""
        with _journal_errors("write the journal", self._folder.path):
            return await self._threads.run(lambda: _transact(self._open(), change))

    async def write_fast(self, change: Call[T]) -> T:
        """Make *change* without waiting for the disk: a power cut may lose it, a kill does not."""
        with _journal_errors("write the journal", self._folder.path):
            return await self._threads.run(lambda: _transact_fast(self._open(), change))

    async def write_at_last(self, change: Call[T]) -> T:
        """Make *change* on a full disk too: the ballast is given for it."""

        def write() -> T:
            return self._with_ballast(lambda: _transact(self._open(), change))

        with _journal_errors("write the journal", self._folder.path):
            return await self._threads.run(write)

    async def keep_room(self) -> None:
        """See to it that there is a ballast for `write_at_last`."""
        with _journal_errors("write the journal", self._folder.path):
            await self._threads.run(self._folder.fill_ballast)

    async def probe(self) -> None:
        """Write what stands there already, to the disk. Raises what a job's own line would."""

        def rewrite(connection: sqlite3.Connection) -> None:
            [schema] = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {schema:d}")

        await self.write(rewrite)

    async def truncate_log(self) -> None:
        """Shrink the write-ahead log to nothing, unless another process needs it now."""
        statement = "PRAGMA wal_checkpoint(TRUNCATE)"
        await self.read(lambda connection: connection.execute(statement).fetchall())

    async def close(self) -> None:
        """Close the file, if it was opened, and end the thread."""
        await self._threads.run(self._close)
        await self._threads.close()

    def _close(self) -> None:
        self._is_closed = True
        if self._connection:
            self._connection.close()
        self._connection = None

    def _open(self) -> sqlite3.Connection:
        """The connection. Raises PortError where its file is not the journal any more, or it ends.

        What is written to a removed file is gone with the process, and its locks hold nobody off.
        """
        if self._is_closed:  # by a call before this one, which was on its way already
            raise ThreadsClosedError(ENDING)
        if self._connection is None:
            self._connection = self._with_ballast(self._connect)
            self._file = _identity(self._folder.path / FILE)
        elif self._file != _identity(self._folder.path / FILE):
            raise PortError(
                f'the journal "{self._folder.path}/{FILE}" was removed or replaced meanwhile',
                hint="Put AKBOT_STATE back, with the keys in it, and start akbot anew.",
            )
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        """Connect; alone, since SQLite fails two processes that turn the log on at once."""
        with self._folder.alone() as folder:
            file = folder / FILE
            _create_private(file)
            connection = sqlite3.connect(file, timeout=self._patience_seconds, isolation_level=None)
            try:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA synchronous = FULL")
                migrate(connection, file)
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
            except BaseException:
                connection.close()
                raise
        return connection

    def _with_ballast(self, call: Callable[[], T]) -> T:
        """Call; where the disk may be full, give the ballast back and call once more."""
        try:
            return call()
        except (sqlite3.OperationalError, OSError) as error:
            if not (_may_be_full(error) and self._folder.drop_ballast()):
                raise
        return call()


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def _create_private(file: Path) -> None:
    """Create the file that SQLite would make readable for others.

    One that is there is not opened: closing it would end the locks that this process has on it.
    """
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _transact(connection: sqlite3.Connection, change: Call[T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = change(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def _transact_fast(connection: sqlite3.Connection, change: Call[T]) -> T:
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        return _transact(connection, change)
    finally:
        connection.execute("PRAGMA synchronous = FULL")


def _may_be_full(error: sqlite3.Error | OSError) -> bool:
    """SQLite calls only a missing block "full"; quotas and its other files are I/O errors to it."""
    if isinstance(error, OSError):
        return error.errno in _NO_ROOM
    return _kind(error) in {"FULL", "IOERR", "CANTOPEN"}


def _kind(error: sqlite3.Error) -> str:
    """SQLite's word for it without the details, e.g. FULL, IOERR, BUSY."""
    name = getattr(error, "sqlite_errorname", "") or ""
    return name.removeprefix("SQLITE_").partition("_")[0]


_DAMAGED = (
    f'"{{folder}}/{FILE}" is damaged',
    "Stop the bot and move it away, its -wal and -shm too; the backups are not touched.",
)
_NOT_OURS = (
    f'"{{folder}}/{FILE}" cannot be written',
    "Give AKBOT_STATE to the user that the bot runs as, on a writable disk.",
)
_CAUSES = {
    "FULL": FULL,
    "READONLY": _NOT_OURS,
    "CANTOPEN": _NOT_OURS,
    "BUSY": ("another process does not finish writing it", "Try again."),
    "IOERR": ('the disk under "{folder}" fails', "Look at the kernel's log, and at free space."),
    "NOTADB": _DAMAGED,
    "CORRUPT": _DAMAGED,
    "CONSTRAINT": ("there is one of that name already", "Try again."),
}


@contextmanager
def _journal_errors(doing: str, folder: Path) -> Iterator[None]:
    """Raise SQLite's and the system's errors as ours."""
    try:
        with state_errors(doing, folder):
            yield
    except sqlite3.Error as error:
        kind = _kind(error)
        cause, hint = _CAUSES.get(kind, (str(error), "Look at AKBOT_STATE."))
        raise PortError(
            f"{doing}: {cause.format(folder=folder)}",
            hint=hint,
            retryable=kind in {"BUSY", "CONSTRAINT"},
        ) from error
