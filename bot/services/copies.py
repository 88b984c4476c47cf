"""Bring each store what it lacks, object by object, from a store that has it.

A copy is proven as a backup is: the signature before, each object's checksum on its way and once
more where it lies, the manifest last.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import require_readable
from bot.domain.copies import Copy, plan_copies
from bot.domain.damage import Depth
from bot.domain.drill import drill_of
from bot.domain.errors import BotError, IntegrityError, PortError, RefusedError, UntrustedError
from bot.domain.jobs import READS
from bot.domain.manifest import (
    MANIFEST,
    SIGNATURE_SUFFIX,
    Component,
    backup_prefix,
)
from bot.domain.messages import StepBegan
from bot.domain.pins import pins_to_read
from bot.domain.signature import PublicKey, verify
from bot.services.catalogue import read_manifest, read_small
from bot.services.damage import DamageLog
from bot.services.deletion import COPYING, STACK, delete_set, is_half_a_set
from bot.services.metering import Meter
from bot.services.pipeline import Tally, ending, hash_stored, read_ahead
from bot.services.ports import (
    Clock,
    JobLog,
    Publish,
    ReadLocks,
)
from bot.services.stalls import unless_stalled
from bot.services.store_ports import BackupStore, Objects
from bot.services.stores import IN_STORE, STORE_ERRORS, Place, Stores
from bot.services.verify import verify_component

_MOST_REPORTS = 20


class DamagedSourceError(IntegrityError):
    """What is to be copied is not what its manifest says."""


@dataclass(frozen=True)
class Copied:
    """What was copied where."""

    done: tuple[Copy, ...] = ()

    @property
    def words(self) -> str:
        """All of it in a sentence, for the journal."""
        if not self.done:
            return "no store lacks a backup"
        return ", ".join(f"{each.record.id} to {each.target}" for each in self.done) + " copied"


@dataclass(frozen=True)
class CopyService:
    """`akbot copy`, for the folder *stack* of every store; *damage* is a store's log."""

    stores: Stores
    locks: ReadLocks
    clock: Clock
    trusted: Collection[PublicKey]
    publish: Publish
    stack: str
    damage: Callable[[BackupStore], DamageLog]

    async def preview(self) -> tuple[Copy, ...]:
        """What each store that answers lacks, the newest first."""
        catalogue = await self.stores.catalogue(self.stack, self.trusted)
        policies = {place.name: place.policy for place in self.stores.places}
        return plan_copies(catalogue.found, policies, self.clock.now())

    async def run(self, job: JobLog) -> Copied:
        """Copy it; a store that fails is not asked for more, a damaged backup is left.

        Raises PortError in the end where something could not be copied.
        """
        plan = await self.preview()
        await job.plan(**{STACK: self.stack})
        done: list[Copy] = []
        left: dict[str, BotError] = {}
        damaged: dict[BackupId, DamagedSourceError] = {}
        for number, copy in enumerate(plan, start=1):
            if copy.target in left or copy.record.id in damaged:
                continue
            self.publish(
                StepBegan(f"copying {copy.record.id} to {copy.target}, {number} of {len(plan)}")
            )
            try:
                await self._copy(copy, job)
            except DamagedSourceError as error:
                damaged[copy.record.id] = error
            except (*STORE_ERRORS, RefusedError) as error:
                left[copy.target] = error
            else:
                done.append(copy)
        copied = Copied(tuple(done))
        if left or damaged:
            raise _failed(left, damaged, copied)
        return copied

    async def _copy(self, copy: Copy, job: JobLog) -> None:
        """From the first source that has it whole."""
        backup_id, target = copy.record.id, self._place(copy.target)
        async with self.locks.reading(backup_id):
            for number, name in enumerate(copy.sources, start=1):
                source = self._place(name)
                await job.plan(**{READS: backup_id, COPYING: backup_id, IN_STORE: target.name})
                await job.step(f"copy {backup_id} to {target.name}")
                try:
                    await self._between(source, target, copy)
                except DamagedSourceError as error:
                    log = self.damage(source.store)
                    await log.remember(require_readable(copy.record), error, Depth.STORED)
                    if number == len(copy.sources):
                        raise _damaged(backup_id, name, error) from error
                except STORE_ERRORS:
                    if number == len(copy.sources):
                        raise
                else:
                    return

    async def _between(self, source: Place, target: Place, copy: Copy) -> None:
        stall = self.stores.stall

        async def work(there: BackupStore) -> None:
            await unless_stalled(
                source.store, lambda here: self._copy_set(here, there, copy), stall
            )

        await unless_stalled(target.store, work, stall)

    async def _copy_set(self, source: BackupStore, target: BackupStore, copy: Copy) -> None:
        backup_id = copy.record.id
        prefix = backup_prefix(self.stack, backup_id)
        require_readable(copy.record)
        read = await read_manifest(source, copy.record, self.trusted)
        if await is_half_a_set(target, self.stack, backup_id):
            await delete_set(target, self.stack, backup_id)
        meter = Meter(self.publish, self.clock)
        objects = meter.reading(source, read.manifest.stored_size)
        for component in read.manifest.components:
            async with ending(read_ahead(_proven(objects, component))) as blocks:
                await target.put(component.key, blocks, size_hint=component.stored_size)
            await verify_component(target, component, ())
        await self._small_files(source, target, prefix)
        await target.put(prefix + MANIFEST + SIGNATURE_SUFFIX, _once(read.signature))
        await target.put(prefix + MANIFEST, _once(read.document))
        if await read_small(target, prefix + MANIFEST) != read.document:
            raise IntegrityError("the manifest that the store gives back is another one")

    async def _small_files(self, source: BackupStore, target: BackupStore, prefix: str) -> None:
        """Pins and reports of drills, as far as somebody trusted has signed them."""
        sizes = {each.key.removeprefix(prefix): each.size async for each in source.list(prefix)}
        pins = [name for name in pins_to_read(sizes) if not name.endswith(SIGNATURE_SUFFIX)]
        reports = sorted((name for name in sizes if drill_of(name)), reverse=True)
        for name in [*pins, *reports[:_MOST_REPORTS]]:
            if name + SIGNATURE_SUFFIX not in sizes:
                continue
            document = await read_small(source, prefix + name)
            signature = await read_small(source, prefix + name + SIGNATURE_SUFFIX)
            try:
                verify(document, signature, self.trusted)
            except UntrustedError:
                continue  # nobody relies on it here, so nobody misses it there
            await target.put(prefix + name + SIGNATURE_SUFFIX, _once(signature))
            await target.put(prefix + name, _once(document))

    def _place(self, name: str) -> Place:
        return next(place for place in self.stores.places if place.name == name)


def _damaged(backup_id: BackupId, store: str, error: DamagedSourceError) -> DamagedSourceError:
    """Where it was found: no fault of the store which was to have it."""
    damaged = DamagedSourceError(
        f'backup "{backup_id}" in store "{store}" is damaged: {error}',
        hint=f'Look at it there with "akbot verify {backup_id}".',
    )
    _take_notes(damaged, error)
    return damaged


def _failed(
    left: Mapping[str, BotError], damaged: Mapping[BackupId, DamagedSourceError], copied: Copied
) -> PortError:
    words = [f'copy to store "{name}": {error}' for name, error in left.items()]
    words += [str(error) for error in damaged.values()]
    errors: list[BotError] = [*left.values(), *damaged.values()]
    failed = PortError(
        "; ".join([*words, *([copied.words] if copied.done else [])]),
        hint=errors[0].hint or 'Mend that store, then run "akbot copy".',
    )
    for error in errors:
        _take_notes(failed, error)
    failed.__cause__ = errors[0]
    return failed


def _take_notes(error: BotError, earlier: BotError) -> None:
    for note in getattr(earlier, "__notes__", ()):
        error.add_note(note)


async def _proven(store: Objects, component: Component) -> AsyncIterator[bytes]:
    """The stored object; it ends with an error, and so is not stored, if it is another one."""
    tally = Tally()
    async with ending(hash_stored(read_ahead(store.get(component.key)), tally)) as blocks:
        async for block in blocks:
            yield block
    if (tally.stored, tally.sha256) != (component.stored_size, component.sha256):
        raise DamagedSourceError(
            f'component "{component.name}": the stored bytes are not those that were sent'
        )


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
