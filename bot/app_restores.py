"""The part of the composition root that builds what restores need."""

import asyncio
from dataclasses import dataclass

from bot.adapters.engine import DockerEngine
from bot.adapters.journal_jobs import SqliteJobJournal
from bot.adapters.keys import HostKeys
from bot.adapters.read_locks import ReadLocks
from bot.adapters.restore_place import DockerWorkplace
from bot.domain.messages import RunRestore
from bot.domain.restore_plan import Preview
from bot.services.gate import GatePatience
from bot.services.ports import Clock, JobLog, Publish
from bot.services.restore import Confirm, Restored, RestoreService
from bot.services.restore_recovery import RestoreRecovery
from bot.services.restore_undo import UndoService
from bot.services.stores import Stores


@dataclass(frozen=True)
class Restores:
    """Restores, their undo and their recovery."""

    engine: DockerEngine
    stores: Stores
    journal: SqliteJobJournal
    clock: Clock
    keys: HostKeys
    locks: ReadLocks
    workplace: DockerWorkplace
    gate: GatePatience
    stack: str | None

    async def run(
        self, command: RunRestore, job: JobLog, publish: Publish, confirm: Confirm
    ) -> Restored:
        """The work of a job of kind RESTORE."""
        if command.undo:
            return await self._undo(publish).run(job, confirm)
        return await (await self._service(publish)).run(command, job, confirm)

    async def preview(self, command: RunRestore) -> Preview:
        """`akbot restore --dry-run`."""
        if command.undo:
            return await self._undo(_tell_nobody).preview()
        return await (await self._service(_tell_nobody)).preview(command)

    def recovery(self) -> RestoreRecovery:
        """What settles those that did not end well."""
        return RestoreRecovery(
            self.engine,
            self.stores,
            self.journal,
            self.clock,
            self.keys.trusted,
            self.workplace,
            self.gate,
        )

    async def _service(self, publish: Publish) -> RestoreService:
        return RestoreService(
            self.engine,
            self.stores,
            await asyncio.to_thread(self.keys.keyring),
            self.clock,
            publish,
            self.locks,
            self.workplace,
            self.gate,
            self.stack,
        )

    def _undo(self, publish: Publish) -> UndoService:
        return UndoService(
            self.engine, self.journal, self.clock, publish, self.workplace, self.gate
        )


async def confirmed_before(_: Preview) -> bool:
    """Whoever gave the command had a person's word for it."""
    return True


def _tell_nobody(_: object) -> None:
    """A preview is no work of which somebody should hear."""
