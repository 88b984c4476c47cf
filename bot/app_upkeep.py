"""The part of the composition root that looks after backups once they are made."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.adapters.journal_jobs import SqliteJobJournal
from bot.adapters.keys import HostKeys
from bot.adapters.read_locks import ReadLocks
from bot.domain.catalogue import BackupRecord, choose
from bot.domain.doomed import Doomed
from bot.domain.messages import RunCopy, RunDelete, RunPrune, RunRekey
from bot.domain.rekey import Rekeying
from bot.domain.retention import RetentionPlan
from bot.services.copies import Copied, CopyService
from bot.services.damage import DamageLog
from bot.services.damage_elsewhere import DamageNotes
from bot.services.delete import Deleted, DeleteService
from bot.services.jobs import Begun, Jobs
from bot.services.pins import PinEverywhere
from bot.services.ports import Clock, JobLog, Publish
from bot.services.prune import PruneService
from bot.services.prune_stores import Kept, PrunedStores, PruneStores
from bot.services.rekey import Rekeyed, RekeyService
from bot.services.store_ports import BackupStore
from bot.services.stores import Place, Stores


@dataclass(frozen=True)
class Upkeep:
    """Copies, prunes, deletions, pins and new seals of what lies in *stores* for this stack.

    *stack* and *backups* ask for its name there, and for all that there is.
    """

    jobs: Jobs
    stores: Stores
    journal: SqliteJobJournal
    locks: ReadLocks
    clock: Clock
    keys: HostKeys
    stack: Callable[[], Awaitable[str]]
    backups: Callable[[], Awaitable[list[BackupRecord]]]

    async def copy(self, command: RunCopy, begun: Begun | None = None) -> Copied:
        """`akbot copy`, as a job where a store lacks anything."""
        stack = await self.stack()
        if not await self._copies(stack, _tell_nobody).preview():
            return Copied()

        async def work(job: JobLog, publish: Publish) -> Copied:
            return await self._copies(stack, publish).run(job)

        return await self.jobs.run(command, work, begun, lambda copied: copied.words)

    async def rekey(self, command: RunRekey, begun: Begun | None = None) -> Rekeyed:
        """`akbot rekey`, as a job."""
        stack = await self.stack()

        async def work(job: JobLog, publish: Publish) -> Rekeyed:
            return await (await self._rekeys(stack, publish)).run(command, job)

        return await self.jobs.run(command, work, begun, lambda done: done.words)

    async def plan_rekey(self, wanted: str) -> tuple[Rekeying, ...]:
        """`akbot rekey --dry-run`."""
        return await (await self._rekeys(await self.stack(), _tell_nobody)).preview(wanted)

    async def prune(self, command: RunPrune, begun: Begun | None = None) -> PrunedStores:
        """`akbot prune`, as a job."""
        stack = await self.stack()

        async def work(job: JobLog, publish: Publish) -> PrunedStores:
            return await self._prunes(stack, publish).run(command, job)

        return await self.jobs.run(command, work, begun, lambda pruned: pruned.words)

    async def plan_prune(self) -> dict[str, RetentionPlan]:
        """`akbot prune --dry-run`, by store."""
        return await self._prunes(await self.stack(), _tell_nobody).preview()

    async def delete(self, command: RunDelete, agreed: Doomed) -> Deleted:
        """`akbot delete`, as a job."""
        stack = await self.stack()

        async def work(job: JobLog, publish: Publish) -> Deleted:
            return await self._deletions(stack, publish).run(command, agreed, job)

        return await self.jobs.run(command, work, None, lambda deleted: deleted.words)

    async def plan_delete(self, command: RunDelete) -> Doomed:
        """What `akbot delete` would delete."""
        return await self._deletions(await self.stack(), _tell_nobody).preview(command)

    async def pin(self, wanted: str, pinned: bool) -> BackupRecord:  # noqa: FBT001 - its one question
        """`akbot pin`."""
        keyring = await asyncio.to_thread(self.keys.signer)
        pins = PinEverywhere(self.stores, keyring, self.locks, await self.stack())
        return await pins.run(choose(await self.backups(), wanted), pinned=pinned)

    def _copies(self, stack: str, publish: Publish) -> CopyService:
        trusted, damage = self.keys.trusted(), damage_logs(self.keys, self.clock)
        return CopyService(self.stores, self.locks, self.clock, trusted, publish, stack, damage)

    def _prunes(self, stack: str, publish: Publish) -> PruneStores:
        trusted = self.keys.trusted()

        def service(place: Place, kept: Kept) -> PruneService:
            return PruneService(
                place.store,
                self.journal,
                self.locks,
                self.clock,
                trusted,
                publish,
                place.policy,
                stack,
                place.name,
                kept,
                self.stores.listing,
            )

        return PruneStores(self.stores, trusted, stack, service)

    def _deletions(self, stack: str, publish: Publish) -> DeleteService:
        trusted = self.keys.trusted()
        return DeleteService(self.stores, self.journal, self.locks, trusted, publish, stack)

    async def _rekeys(self, stack: str, publish: Publish) -> RekeyService:
        keyring = await asyncio.to_thread(self.keys.keyring)
        return RekeyService(
            self.stores,
            keyring,
            self.journal,
            self.locks,
            self.clock,
            publish,
            stack,
            damage_notes(self.stores, self.keys, self.clock),
        )


def damage_logs(keys: HostKeys, clock: Clock) -> Callable[[BackupStore], DamageLog]:
    """What makes a store's log of what was found damaged there."""
    return lambda store: DamageLog(store, keys.trusted(), keys.signing_key, clock)


def damage_notes(stores: Stores, keys: HostKeys, clock: Clock) -> DamageNotes:
    """Notes what is found damaged in *stores*."""
    return DamageNotes(stores, damage_logs(keys, clock))


def _tell_nobody(_: object) -> None:
    """A preview is no work of which somebody should hear."""
