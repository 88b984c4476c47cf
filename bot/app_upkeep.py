"""The part of the composition root that builds what looks after backups once they are made."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.adapters.journal_jobs import SqliteJobJournal
from bot.adapters.keys import HostKeys
from bot.adapters.read_locks import ReadLocks
from bot.services.copies import CopyService
from bot.services.damage import DamageLog
from bot.services.damage_elsewhere import DamageNotes
from bot.services.delete import DeleteService
from bot.services.pins import PinEverywhere
from bot.services.ports import Clock, Publish
from bot.services.prune import PruneService
from bot.services.prune_stores import Kept, PruneStores
from bot.services.rekey import RekeyService
from bot.services.store_ports import BackupStore
from bot.services.stores import Place, Stores


@dataclass(frozen=True)
class Upkeep:
    """Copies, prunes, deletions, pins and new seals, each for a folder *stack* of the stores."""

    stores: Stores
    journal: SqliteJobJournal
    locks: ReadLocks
    clock: Clock
    keys: HostKeys

    def copies(self, stack: str, publish: Publish) -> CopyService:
        """`akbot copy`."""
        trusted, damage = self.keys.trusted(), damage_logs(self.keys, self.clock)
        return CopyService(self.stores, self.locks, self.clock, trusted, publish, stack, damage)

    def prunes(self, stack: str, publish: Publish) -> PruneStores:
        """`akbot prune`."""
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

    def deletions(self, stack: str, publish: Publish) -> DeleteService:
        """`akbot delete`."""
        trusted = self.keys.trusted()
        return DeleteService(self.stores, self.journal, self.locks, trusted, publish, stack)

    async def rekeys(self, stack: str, publish: Publish) -> RekeyService:
        """`akbot rekey`."""
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

    async def pins(self, stack: str) -> PinEverywhere:
        """`akbot pin`."""
        keyring = await asyncio.to_thread(self.keys.signer)
        return PinEverywhere(self.stores, keyring, self.locks, stack)


def damage_logs(keys: HostKeys, clock: Clock) -> Callable[[BackupStore], DamageLog]:
    """What makes a store's log of what was found damaged there."""
    return lambda store: DamageLog(store, keys.trusted(), keys.signing_key, clock)


def damage_notes(stores: Stores, keys: HostKeys, clock: Clock) -> DamageNotes:
    """Notes what is found damaged in *stores*."""
    return DamageNotes(stores, damage_logs(keys, clock))


def tell_nobody(_: object) -> None:
    """A preview is no work of which somebody should hear."""
