"""The part of the composition root that builds what restores need."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.adapters.dump_file import DumpFile
from bot.adapters.engine import DockerEngine
from bot.adapters.journal_jobs import SqliteJobJournal
from bot.adapters.keys import HostKeys
from bot.adapters.read_locks import ReadLocks
from bot.adapters.restore_place import DockerWorkplace
from bot.app_upkeep import damage_notes
from bot.domain.errors import RefusedError
from bot.domain.jobs import CHANGED
from bot.domain.messages import RunRestore
from bot.domain.restore_plan import Preview
from bot.services.backup import BackupService
from bot.services.gate import GatePatience
from bot.services.half_backups import HalfBackups
from bot.services.keyring import Keyring
from bot.services.ports import Clock, JobLog, Publish
from bot.services.restore import Confirm, Restored, RestoreService
from bot.services.restore_dump import DumpRestoreService
from bot.services.restore_recovery import RestoreRecovery
from bot.services.restore_undo import UndoService
from bot.services.stores import Stores


@dataclass(frozen=True)
class Source:
    """Where backups are read from, with which keys, and whose they are: the folder *stack*."""

    stores: Stores
    keyring: Keyring
    stack: str | None


@dataclass(frozen=True)
class Restores:
    """Restores, their undo and their recovery; *source* where it is not this host's own."""

    engine: DockerEngine
    stores: Stores
    journal: SqliteJobJournal
    clock: Clock
    keys: HostKeys
    locks: ReadLocks
    workplace: DockerWorkplace
    gate: GatePatience
    stack: str | None
    source: Source | None = None

    async def run(
        self, command: RunRestore, job: JobLog, publish: Publish, confirm: Confirm
    ) -> Restored:
        """The work of a job of kind RESTORE."""
        if command.undo:
            return await self._undo(publish).run(job, confirm)
        if command.dump:
            return await (await self._of_dump(command, publish)).run(command, job, confirm)
        return await (await self._service(publish)).run(command, job, confirm)

    async def preview(self, command: RunRestore) -> Preview:
        """`akbot restore --dry-run`."""
        if command.undo:
            return await self._undo(_tell_nobody).preview()
        if command.dump:
            await self.require_dump(command)
            return await (await self._of_dump(command, _tell_nobody)).preview(command)
        return await (await self._service(_tell_nobody)).preview(command)

    async def require_dump(self, command: RunRestore) -> None:
        """Raises ConfigError where the dump that was asked for cannot be read at all."""
        if command.dump:
            await asyncio.to_thread(DumpFile(command.dump).require)

    def recovery(self) -> RestoreRecovery:
        """What settles those that did not end well."""
        return RestoreRecovery(
            self.engine,
            HalfBackups(self.engine, self.stores, self.keys.trusted),
            self.journal,
            self.clock,
            self.workplace,
            self.gate,
        )

    async def _service(self, publish: Publish) -> RestoreService:
        keyring = await asyncio.to_thread(self.keys.keyring)
        source = self.source or Source(self.stores, keyring, self.stack)
        notes = damage_notes(self.stores, self.keys, self.clock)
        return RestoreService(
            self.engine,
            source.stores,
            source.keyring,
            self.clock,
            publish,
            self.locks,
            self.workplace,
            self.gate,
            self._safety(keyring, publish),
            source.stack,
            notes if source.stores is self.stores else None,
        )

    def _safety(self, keyring: Keyring, publish: Publish) -> BackupService:
        return BackupService(self.engine, self.stores, keyring, self.clock, publish, self.stack)

    async def _of_dump(self, command: RunRestore, publish: Publish) -> DumpRestoreService:
        keyring = await asyncio.to_thread(self.keys.keyring)
        return DumpRestoreService(
            self.engine,
            DumpFile(command.dump),
            keyring,
            self.clock,
            publish,
            self.workplace,
            self.gate,
            self._safety(keyring, publish),
        )

    def _undo(self, publish: Publish) -> UndoService:
        return UndoService(
            self.engine,
            self.stores,
            self.keys.trusted,
            self.journal,
            self.clock,
            publish,
            self.workplace,
            self.gate,
        )


class _Plan(Protocol):
    """What a person agrees to."""

    @property
    def plan_hash(self) -> str: ...


def confirmed_before(agreed: str) -> Callable[[_Plan], Awaitable[bool]]:
    """Whoever gave the command had a person's word for the plan with that hash, and no other."""

    async def confirm(preview: _Plan) -> bool:
        if preview.plan_hash != agreed:
            raise RefusedError(CHANGED)
        return True

    return confirm


def _tell_nobody(_: object) -> None:
    """A preview is no work of which somebody should hear."""
