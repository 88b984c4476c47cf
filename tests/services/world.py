"""Everything that a backup needs, in memory, tied together as the real thing is."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot import age
from bot.domain.catalogue import BackupRecord, choose
from bot.domain.drill import DrillReport
from bot.domain.drilled import keyless_was_told, outcome_words
from bot.domain.errors import RefusedError
from bot.domain.jobs import ALL_JOBS, Job, Trigger
from bot.domain.manifest import Manifest
from bot.domain.messages import (
    BackupEvent,
    Command,
    Event,
    RunBackup,
    RunCopy,
    RunDrill,
    RunPrune,
    RunRekey,
    RunRestore,
)
from bot.domain.restore_plan import Preview
from bot.domain.retention import Policy
from bot.services.backup import BackedUp, BackupService
from bot.services.catalogue import Listing
from bot.services.copies import Copied, CopyService
from bot.services.damage import DamageLog
from bot.services.damage_elsewhere import DamageNotes, elsewhere
from bot.services.drill import DrillService
from bot.services.jobs import Begun, Jobs, Listener
from bot.services.keyring import Keyring
from bot.services.pins import PinEverywhere, PinService
from bot.services.pipeline import Tally, unseal
from bot.services.ports import JobLog, Publish
from bot.services.prune import Pruned, PruneService
from bot.services.prune_stores import Kept, PrunedStores, PruneStores
from bot.services.rekey import Rekeyed, RekeyService
from bot.services.standing import Standing
from bot.services.stores import Place, Stores
from bot.services.undo import Undo
from bot.services.unpacking import decompress
from bot.services.verify import Verified, VerifyService
from tests.fakes import FakeStore
from tests.fakes_journal import FakeJobJournal, FakeLock, FakeReadLocks
from tests.fakes_stack import FakeClock, FakeEngine

IDENTITY = age.X25519Identity.generate()
COMMAND = RunBackup(trigger=Trigger.CLI, actor="root")
DRILL = RunDrill(trigger=Trigger.CLI, actor="root")
PRUNE = RunPrune(trigger=Trigger.CLI, actor="root")
REKEY = RunRekey(trigger=Trigger.CLI, actor="root")
COPY = RunCopy(trigger=Trigger.CLI, actor="root")


def make_keyring() -> Keyring:
    return Keyring([IDENTITY.recipient()], Ed25519PrivateKey.generate(), [IDENTITY])


@dataclass
class World:
    """One process; another one after a kill is a World with the same store, journal and keys."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    store: FakeStore = field(default_factory=FakeStore)
    clock: FakeClock = field(default_factory=FakeClock)
    journal: Any = field(default_factory=FakeJobJournal)
    lock: FakeLock = field(default_factory=FakeLock)
    read_locks: FakeReadLocks = field(default_factory=FakeReadLocks)
    policy: Policy = field(default_factory=Policy)
    others: dict[str, Any] = field(default_factory=dict)  # further stores, by name
    policies: dict[str, Policy] = field(default_factory=dict)  # of theirs
    stall: float = 60.0
    listing: Listing = field(default_factory=Listing)
    keyring: Keyring = field(default_factory=make_keyring)
    told: list[tuple[Job, Event]] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)  # others who are told
    settling: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def stores(self) -> Stores:
        """All of them; the first is called "first"."""
        others = (
            Place(name, store, self.policies.get(name, self.policy))
            for name, store in self.others.items()
        )
        return Stores((Place("first", self.store, self.policy), *others), self.stall, self.listing)

    @property
    def events(self) -> list[Event]:
        """What the backup itself told."""
        return [event for _, event in self.told if isinstance(event, BackupEvent)]

    @property
    def jobs(self) -> Jobs:
        undo = Undo(
            self.engine, self.stores, self.journal, self.clock, lambda: self.keyring.trusted
        )
        listeners = [lambda job, event: self.told.append((job, event)), *self.listeners]
        return Jobs(self.journal, self.lock, undo, self.clock, listeners, settling=self.settling)

    async def run(self, command: RunBackup = COMMAND, begun: Begun | None = None) -> Manifest:
        """A backup, as a job."""
        return (await self.back_up(command, begun)).manifest

    async def back_up(self, command: RunBackup = COMMAND, begun: Begun | None = None) -> BackedUp:
        """A backup, as a job, and where it lies."""

        async def work(job: JobLog, publish: Publish) -> BackedUp:
            service = BackupService(self.engine, self.stores, self.keyring, self.clock, publish)
            return await service.run(command, job)

        return await self.jobs.run(command, work, begun, lambda done: done.words)

    async def copy(self, command: RunCopy = COPY) -> Copied:
        """A copy, as a job."""

        async def work(job: JobLog, publish: Publish) -> Copied:
            return await self.copies(publish).run(job)

        return await self.jobs.run(command, work, words=lambda copied: copied.words)

    def copies(self, publish: Publish = lambda _: None) -> CopyService:
        trusted = self.keyring.trusted
        return CopyService(
            self.stores, self.read_locks, self.clock, trusted, publish, "authentik", self.damage_log
        )

    def damage_log(self, store: Any) -> DamageLog:
        return DamageLog(store, self.keyring.trusted, lambda: self.keyring.signing_key, self.clock)

    @property
    def verify(self) -> VerifyService:
        identities = self.keyring.identities
        log = self.damage_log(self.store)
        tell = lambda _: None  # noqa: E731
        return VerifyService(
            self.engine, self.store, identities, self.clock, tell, self.read_locks, log
        )

    async def rekey(self, command: RunRekey = REKEY) -> Rekeyed:
        """New seals, as a job."""

        async def work(job: JobLog, publish: Publish) -> Rekeyed:
            service = RekeyService(
                self.stores,
                self.keyring,
                self.journal,
                self.read_locks,
                self.clock,
                publish,
                "authentik",
                DamageNotes(self.stores, self.damage_log),
            )
            return await service.run(command, job)

        return await self.jobs.run(command, work, words=lambda done: done.words)

    def prunes(self, publish: Publish = lambda _: None) -> PruneStores:
        def service(place: Place, kept: Kept) -> PruneService:
            return self.prune_service(publish, place, kept)

        return PruneStores(self.stores, self.keyring.trusted, "authentik", service)

    def prune_service(
        self,
        publish: Publish = lambda _: None,
        place: Place | None = None,
        kept: Kept | None = None,
    ) -> PruneService:
        place = place or self.stores.places[0]
        return PruneService(
            place.store,
            self.journal,
            self.read_locks,
            self.clock,
            self.keyring.trusted,
            publish,
            place.policy,
            "authentik",
            place.name,
            kept or {},
            self.listing,
        )

    async def prune(self, command: RunPrune = PRUNE) -> Pruned:
        """A prune, as a job; what was done in the first store."""
        return (await self.prune_all(command)).by_store["first"]

    async def prune_all(self, command: RunPrune = PRUNE) -> PrunedStores:
        """A prune, as a job, in every store."""

        async def work(job: JobLog, publish: Publish) -> PrunedStores:
            return await self.prunes(publish).run(command, job)

        return await self.jobs.run(command, work, words=lambda pruned: pruned.words)

    async def drill(self, command: RunDrill = DRILL, begun: Begun | None = None) -> DrillReport:
        """A drill, as a job."""

        async def work(job: JobLog, publish: Publish) -> DrillReport:
            record = choose(await self.records(), command.backup)
            service = DrillService(
                self.engine,
                self.stores.holding(record),
                self.keyring,
                self.clock,
                publish,
                self.read_locks,
                self.damage_log(self.stores.holding(record)),
                elsewhere(self.stores, record, self.damage_log),
                boot=command.boot,
                is_planned=command.trigger is Trigger.SCHEDULE,
            )
            return await service.run(record, job)

        told = keyless_was_told(await self.journal.jobs(ALL_JOBS))
        return await self.jobs.run(command, work, begun, partial(outcome_words, told=told))

    async def start(self, command: Command, begun: Begun | None = None) -> object:
        """Whatever job *command* asks for."""
        match command:
            case RunBackup():
                return await self.back_up(command, begun)
            case RunCopy():
                if not await self.copies().preview():  # as the app: no job for nothing
                    return Copied()
                return await self.copy(command)
            case RunPrune():
                return await self.prune(command)
            case RunDrill():
                return await self.drill(command, begun)
            case _:
                raise TypeError(command)

    async def pin(self, wanted: str, pinned: bool) -> BackupRecord:  # noqa: FBT001 - as the app's
        record = choose(await self.records(), wanted)
        service = PinEverywhere(self.stores, self.keyring, self.read_locks, "authentik")
        return await service.run(record, pinned=pinned)

    async def read_back(self, wanted: str, publish: Publish) -> Verified:
        record = choose(await self.records(), wanted)
        return await replace(self.verify, publish=publish).run(record, deep=False)

    async def preview(self, _: RunRestore) -> Preview:
        raise RefusedError("nothing can be restored here")

    @property
    def standing(self) -> Standing:
        async def has_job() -> bool:
            return self.lock.held

        return Standing(self.journal, has_job)

    @property
    def pins(self) -> PinService:
        return PinService(self.store, self.keyring, self.read_locks, "authentik")

    async def manifest(self, record: BackupRecord) -> Manifest:
        """That of a backup that may be opened."""
        return await self.stores.manifest(record, self.keyring.trusted)

    async def records(self) -> list[BackupRecord]:
        return await self.stores.backups("authentik", self.keyring.trusted)

    async def opened(self, key: str) -> bytes:
        """What is inside a stored object."""

        async def stored() -> AsyncIterator[bytes]:
            yield self.store.objects[key]

        plain = unseal(stored(), identities=[IDENTITY], tally=Tally())
        content = decompress(plain) if key.endswith(".zst.age") else plain
        return b"".join([block async for block in content])
