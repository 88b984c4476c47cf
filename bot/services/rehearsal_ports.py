"""What a rehearsal asks of the outside world: a copy of the stack that harms nobody."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.domain.manifest import DatabaseFacts
from bot.domain.rehearsal import MigrationLook, RehearsedHop
from bot.domain.rehearsal_log import LastWords
from bot.domain.stack import Stack
from bot.services.update_gate import GateProbe


class CopiedMigration(Protocol):
    """The migrations of one version, as they run on the copy."""

    async def look(self) -> MigrationLook:
        """How far they are."""

    async def log(self) -> Sequence[str]:
        """The end of what they have written, line by line; there may be secrets in it."""


class StackCopy(Protocol):
    """A throw-away PostgreSQL and, where one is asked for, Redis, in a network that leads nowhere.

    All that is started on it is memory-limited, has no socket and no mounts of the live stack, and
    is gone after its context. Raises PortError where the Engine or this host fails.
    """

    async def load(self, archive: AsyncIterator[bytes]) -> None:
        """Restore a custom-format dump, whole or not at all.

        Raises IntegrityError with the first words of `pg_restore` when it cannot.
        """

    async def load_sessions(self, rdb: AsyncIterator[bytes]) -> None:
        """Start Redis on a snapshot. Raises IntegrityError where it does not start on it."""

    async def facts(self) -> DatabaseFacts:
        """What the database holds, counted as a backup's snapshot is."""

    async def settle(self) -> None:
        """Empty the task queue, so that nothing queued is done again, and gather statistics."""

    def migration(self, hop: RehearsedHop) -> AbstractAsyncContextManager[CopiedMigration]:
        """Start the migrations of *hop*, and nothing else of it."""

    def application(self, hop: RehearsedHop) -> AbstractAsyncContextManager[GateProbe]:
        """Start server and worker of *hop*; the probe asks them as it would the live ones."""

    async def last_words(self) -> Mapping[str, LastWords]:
        """The end of the logs of server and worker that were started on it, by service."""

    async def obstacle(self) -> str:
        """Why what failed on it says nothing of the version; "" where it does.

        Such as a container that was killed for want of memory.
        """


class Rehearsals(Protocol):
    """Where copies are made."""

    def copy(self, stack: Stack, job_id: str) -> AbstractAsyncContextManager[StackCopy]:
        """An empty copy of *stack*, gone after the context; what a kill leaves bears *job_id*.

        Raises PortError where it does not start, or cannot be reached from here.
        """
