"""What the use cases ask of the outside world; the promise stands in each docstring.

One in-memory fake per port lives in `tests/fakes.py`; the same contract tests run on the fake and
on the real adapter.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.domain.backup_id import BackupId
from bot.domain.contents import Contents
from bot.domain.daemon_report import DaemonReport
from bot.domain.database_rights import DatabaseRights
from bot.domain.findings import DiskUsage
from bot.domain.kit_record import KitRecord
from bot.domain.leftovers import Databases
from bot.domain.manifest import DatabaseFacts
from bot.domain.messages import Event
from bot.domain.pause import Pause
from bot.domain.registry_answers import Platform
from bot.domain.signature import PublicKey
from bot.domain.stack import FileSource, Stack


@dataclass(frozen=True)
class DatabaseServer:
    """What the dump depends on: versions, size in bytes, whether `pg_dump` compresses by itself."""

    version: str
    database: str
    database_size: int
    has_zstd: bool


class Snapshot(Protocol):
    """One exported snapshot of the database: all that comes from it agrees to the row.

    It lives as long as its context; dumps that were begun from it must have ended before.
    """

    @property
    def server(self) -> DatabaseServer:
        """Where it was taken."""

    async def facts(self) -> DatabaseFacts:
        """Counts of every table, and the fingerprint."""

    def dump(self) -> AsyncIterator[bytes]:
        """`pg_dump` in custom format, compressed by itself only where `has_zstd`.

        Raises PortError unless the end of the dump was proven: exit code 0 *and* its trailer.
        """


class Database(Protocol):
    """The stack's PostgreSQL, by programs of its own version, in its container or beside it."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open a transaction and export its snapshot."""

    async def end_sessions(self) -> int:
        """End what the database's programs left running for this job; how many there were."""

    async def way_out(self) -> str:
        """By which way its dumps leave the container, for people."""

    async def rights(self) -> DatabaseRights:
        """What the role may do there whose name akbot takes."""

    async def databases(self) -> Databases:
        """All of the server; whether or not Authentik's own lets anybody in."""

    def roles(self) -> AsyncIterator[bytes]:
        """`pg_dumpall --globals-only`, as SQL text, its end proven as a dump's.

        Without passwords where only a superuser sees them.
        """

    async def check_archive(self, archive: AsyncIterator[bytes]) -> None:
        """Read a custom-format dump to its very end with `pg_restore`.

        It runs in a throw-away container of the stack's PostgreSQL image, without network.
        Raises IntegrityError with the first words of `pg_restore` when it is not whole.
        """


PREVIEW = "preview"
"""The job of a throw-away container that is no job's; what is left of it goes some hours later."""


class ScratchDatabase(Protocol):
    """A throw-away PostgreSQL of the stack's own image, for one dump to be restored into."""

    async def version(self) -> str:
        """The server's."""

    async def load(self, archive: AsyncIterator[bytes]) -> None:
        """Restore a custom-format dump, whole or not at all.

        Raises IntegrityError with the first words of `pg_restore` when it cannot.
        """

    async def load_text(self, text: AsyncIterator[bytes]) -> None:
        """Run SQL text to its end. Raises IntegrityError with `psql`'s first words at an error."""

    def dump(self) -> AsyncIterator[bytes]:
        """A custom-format dump of what it holds. Raises PortError at its end if it is not whole."""

    async def facts(self) -> DatabaseFacts:
        """What it holds, counted as a backup's snapshot is."""

    async def contents(self) -> Contents:
        """What a person would look for first."""

    async def write(self) -> None:
        """Make a table, write into it, and drop it. Raises PortError when that fails."""

    def application(self) -> AbstractAsyncContextManager["CopiedApplication"]:
        """A copy of the stack's server and worker on this database, with no way out of it.

        What was queued is not done: its task queue is emptied first.
        """


class CopiedApplication(Protocol):
    """Authentik's server and worker as they start on a scratch database."""

    async def answer(self, page: str) -> int:
        """The HTTP status of *page*, a path without its first slash; 0 while nothing listens."""

    async def trouble(self) -> str:
        """Why it will never answer, such as a container that ended; "" while it may."""

    async def last_words(self) -> str:
        """The end of the server's log."""


class SessionStore(Protocol):
    """The stack's Redis."""

    async def version(self) -> str:
        """Its version."""

    def rdb(self) -> AsyncIterator[bytes]:
        """A fresh RDB file."""


class StackFiles(Protocol):
    """Files of the stack: mounts of its containers, and its project folder."""

    def archive(self, source: FileSource) -> AsyncIterator[bytes]:
        """A tar stream of the folder, owners and modes kept; works on stopped containers."""

    def config(self) -> AsyncIterator[bytes]:
        """A tar stream of compose files, `.env` and the bot's own settings."""

    async def authentik_version(self) -> str | None:
        """What the version file in the server says (authentik-facts section 2), None if nothing."""


class Engine(Protocol):
    """The Docker Engine: finds the stack and gives access to its parts."""

    async def find_stack(self) -> Stack:
        """The stack as it is now. Raises ConfigError when it cannot be told which one is meant."""

    async def platform(self) -> Platform:
        """What its images must be made for."""

    def database(self, stack: Stack, job_id: str = "") -> Database:
        """Its PostgreSQL; the sessions of its programs carry *job_id* in their name."""

    def session_store(self, stack: Stack) -> SessionStore | None:
        """Its Redis; None in a stack that has none."""

    def files(self, stack: Stack) -> StackFiles:
        """Its files."""

    def scratch_database(
        self, stack: Stack, job_id: str, image: str = ""
    ) -> AbstractAsyncContextManager[ScratchDatabase]:
        """An empty database in a throw-away container, which is gone after the context.

        With *image* the application of that name can be started on it. Raises PortError where it
        does not start, RefusedError where there is no such image here.
        """

    async def load_rdb(self, stack: Stack, rdb: AsyncIterator[bytes], job_id: str) -> int | None:
        """Load a snapshot into a throw-away Redis of the stack's image; its number of keys.

        None in a stack that has no Redis any more. Raises IntegrityError where it cannot be loaded.
        """

    async def remove_throw_aways(self, job_id: str) -> int:
        """Remove the throw-away containers of a job; how many there were."""


class Disk(Protocol):
    """The host's file systems."""

    async def usage(self, path: str) -> DiskUsage | None:
        """The file system that holds *path*, or would; None where this process cannot see it."""


class State(Protocol):
    """The folder in which akbot keeps its journal and its keys."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    async def probe(self) -> None:
        """Write a little and remove it. Raises what a job's own first line would raise."""


class DaemonStatus(Protocol):
    """The daemon of this host, asked from another process."""

    async def report(self) -> DaemonReport | None:
        """What it says of itself; None where none answers."""


@dataclass(frozen=True)
class KeyFacts:
    """The keys of this host as `check` shows them; recipients as fingerprints."""

    recipients: tuple[str, ...]
    trusted: frozenset[PublicKey]
    identity_path: str
    has_identity: bool
    identity_is_only_here: bool


class KitLog(Protocol):
    """What this host remembers of its recovery kit."""

    async def read(self) -> KitRecord:
        """What was written last; an empty record at first. ConfigError where it is damaged."""

    async def update(self, change: Callable[[KitRecord], KitRecord]) -> None:
        """Replace it by what *change* makes of it, whole or not at all, alone among processes."""


class PauseMark(Protocol):
    """What holds back on this host what begins by itself."""

    async def read(self) -> Pause | None:
        """The newest pause, over or not; None for none.

        Raises ConfigError where that cannot be told.
        """

    async def write(self, pause: Pause) -> None:
        """Let *pause* be the one that counts."""

    async def clear(self) -> None:
        """End it; none that is there is no error."""


class JobLog(Protocol):
    """A job's own page of the journal; each call returns when it is on the disk."""

    @property
    def id(self) -> BackupId:
        """The job's name, and that of the backup that it makes."""

    async def plan(self, **facts: str) -> None:
        """Write what must be known to undo what is about to be done."""

    async def commit(self, **facts: str) -> None:
        """Likewise, where what becomes of the job if it is stopped is another thing from then on.

        Raises CancelledError, and writes nothing, where somebody wants it stopped: they were told
        what becomes of it now.
        """

    async def note(self, **facts: str) -> None:
        """Write what is true already: an undo by this process knows it even where that fails."""

    async def step(self, name: str) -> None:
        """Write what is about to be done."""


class ReadLocks(Protocol):
    """What is read is not deleted, and the other way round, across the processes of this host."""

    def reading(self, backup_id: BackupId) -> AbstractAsyncContextManager[None]:
        """Keep it while the context lives; several may. Raises BusyError while it is deleted."""

    def deleting(self, backup_id: BackupId) -> AbstractAsyncContextManager[None]:
        """Keep readers away while the context lives. Raises BusyError at once where one reads."""


class Clock(Protocol):
    """Time and chance, injected so that decisions can be tested."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only go forward."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    def random_text(self, alphabet: str, length: int) -> str:
        """Unpredictable characters."""


Publish = Callable[[Event], None]
"""Tells listeners; it never blocks and never raises."""
