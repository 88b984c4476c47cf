"""Seal earlier backups for today's keys: each under a new name, proven before the old one goes.

The new name tells the same time as the old one: it is the same backup, to `latest`, to retention
and to people. The files inside stream through memory, a block at a time, and touch no disk.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

from bot.domain.backup_id import (
    SUFFIX_ALPHABET,
    SUFFIX_LENGTH,
    BackupId,
    created_at,
    make_backup_id,
)
from bot.domain.catalogue import BackupRecord
from bot.domain.errors import IntegrityError, OtherKeyError, PortError, RefusedError
from bot.domain.jobs import ALL_JOBS
from bot.domain.manifest import Component, backup_prefix
from bot.domain.messages import RunRekey, StepBegan
from bot.domain.rekey import Rekeying, Way, plan_rekey
from bot.services.catalogue import find_backup
from bot.services.commit import commit
from bot.services.damage_elsewhere import DamageNotes
from bot.services.deletion import REKEYED_AS, REKEYING, STACK, delete_set
from bot.services.fanout import Receivers
from bot.services.journal_ports import JobJournal
from bot.services.keyring import Keyring
from bot.services.metering import Meter
from bot.services.pipeline import Tally, ending, reseal
from bot.services.ports import (
    Clock,
    JobLog,
    Publish,
    ReadLocks,
)
from bot.services.prune import in_use
from bot.services.settling import WHOLE_STATES
from bot.services.store_ports import BackupStore
from bot.services.stores import Stores
from bot.services.verify import plain_of, verify_component

_OTHER_KEY = "They are untouched. Add the key that opens them to AKBOT_IDENTITY_FILE."
_DAMAGED = "They are untouched. Make another backup: what is damaged cannot be restored either."


@dataclass(frozen=True)
class Rekeyed:
    """The new name of each backup by its old one; *kept*: why an old one is still there."""

    names: Mapping[BackupId, BackupId]
    kept: Mapping[BackupId, str]

    @property
    def words(self) -> str:
        """All of it in a sentence, for the journal."""
        parts = [f"{len(self.names)} sealed for today's keys"]
        parts += [f"{name}: {why}" for name, why in self.kept.items()]
        return "; ".join(parts)


@dataclass(frozen=True)
class RekeyService:
    """`akbot rekey`, for the folder *stack* of every store; what is damaged goes into *damage*."""

    stores: Stores
    keyring: Keyring
    journal: JobJournal
    locks: ReadLocks
    clock: Clock
    publish: Publish
    stack: str
    damage: DamageNotes

    async def preview(self, wanted: str) -> tuple[Rekeying, ...]:
        """What would be done, the newest first. Raises RefusedError where it is nothing."""
        records = await self.stores.backups(self.stack, self.keyring.trusted)
        needed = in_use(await self.journal.jobs(ALL_JOBS))
        return plan_rekey(records, wanted, self.keyring.fingerprints, needed)

    async def run(self, command: RunRekey, job: JobLog) -> Rekeyed:
        """Do it, one backup after another.

        Raises RefusedError where there is no private key, PortError where a store fails, and in the
        end IntegrityError where a backup does not open; that one is untouched then.
        """
        plan = await self.preview(command.backup)
        if plan and not self.keyring.identities:
            raise RefusedError(
                "the private key is not on this host, so nothing can be sealed anew",
                hint="Nothing was changed. Set AKBOT_IDENTITY_FILE to the key of those backups.",
            )
        await job.plan(**{STACK: self.stack})
        names: dict[BackupId, BackupId] = {}
        kept: dict[BackupId, str] = {}
        closed: dict[BackupId, IntegrityError] = {}
        for number, each in enumerate(plan, start=1):
            old = each.record.id
            self.publish(StepBegan(f"sealing {old} for today's keys, {number} of {len(plan)}"))
            if each.way is Way.LEAVE:
                kept[old] = each.reason
                continue
            try:
                names[old], missing = await self._successor(each, job)
            except IntegrityError as error:
                closed[old] = error
                continue
            try:
                await self._retire(old, names[old], job)
            except (RefusedError, PortError) as error:
                if isinstance(error, PortError) and error.retryable:
                    raise
                kept[old] = f"sealed anew, but still there: {error}"
            else:
                if missing:
                    stores = (f'still in store "{name}": {why}' for name, why in missing.items())
                    kept[old] = "; ".join(stores)
        done = Rekeyed(names, kept)
        if closed:
            raise _failed(closed, done)
        return done

    async def _successor(self, each: Rekeying, job: JobLog) -> tuple[BackupId, Mapping[str, str]]:
        """The name of the one that is sealed anew, made now or before; it is whole by then.

        And why some store, which has the old one, does not have it.
        """
        old = each.record.id
        if each.successor:
            await job.plan(**{REKEYING: old, REKEYED_AS: each.successor.id})
            return each.successor.id, {}
        suffix = self.clock.random_text(SUFFIX_ALPHABET, SUFFIX_LENGTH)
        new = make_backup_id(created_at(old), suffix)
        await job.plan(**{REKEYING: old, REKEYED_AS: new})
        await job.step(f"seal {old} as {new}")
        try:
            async with self.locks.reading(old):
                return new, await self._seal(each.record, new, job)
        except IntegrityError:
            await self.stores.ask(lambda store: delete_set(store, self.stack, new))
            raise

    async def _seal(self, record: BackupRecord, new: BackupId, job: JobLog) -> Mapping[str, str]:
        """Into every store that has the old one whole; one that fails is left to a later copy."""
        manifest = await self.stores.manifest(record, self.keyring.trusted)
        prefix = backup_prefix(self.stack, new)
        receivers = Receivers(self.stores.only(record.stores))
        components = [
            await self._component(record, each, prefix, receivers) for each in manifest.components
        ]
        sealed = replace(
            manifest,
            id=new,
            components=tuple(components),
            recipients=self.keyring.fingerprints,
            rekeyed_from=record.id,
        )
        await job.step(f"commit {new}")
        await receivers.each(lambda store: commit(store, sealed, self.keyring, pin=record.pinned))
        return await receivers.sweep(lambda store: delete_set(store, self.stack, new))

    async def _component(
        self, record: BackupRecord, component: Component, prefix: str, receivers: Receivers
    ) -> Component:
        started, tally = self.clock.monotonic(), Tally()
        key = prefix + component.key.rpartition("/")[2]
        content = self._read(record, component)
        resealed = reseal(content, recipients=self.keyring.recipients, tally=tally)
        async with ending(resealed) as sealed:
            stored_size = await receivers.put(key, sealed, size_hint=2 * component.stored_size)
        made = replace(
            component,
            key=key,
            stored_size=stored_size,
            sha256=tally.sha256,
            seconds=round(self.clock.monotonic() - started, 3),
        )
        identities = self.keyring.own_identities
        await receivers.each(lambda store: verify_component(store, made, identities))
        return made

    async def _read(self, record: BackupRecord, component: Component) -> AsyncIterator[bytes]:
        """The file inside; whatever else fails meanwhile is no damage of it."""
        meter = Meter(self.publish, self.clock)
        objects = meter.reading(self.stores.holding(record), component.stored_size)
        content = plain_of(objects, component, self.keyring.identities)
        try:
            async with ending(content):
                async for block in content:
                    yield block
        except IntegrityError as error:
            await self.damage.remember(record, component, error)
            raise

    async def _retire(self, old: BackupId, new: BackupId, job: JobLog) -> None:
        """Delete the old one wherever the new one is whole; elsewhere it stays."""
        async with self.locks.deleting(old):
            await job.step(f"delete {old}")

            async def retire(store: BackupStore) -> None:
                found = await find_backup(store, self.stack, new, self.keyring.trusted)
                if found and found.state in WHOLE_STATES:
                    await delete_set(store, self.stack, old)

            await self.stores.ask(retire)


def _failed(closed: Mapping[BackupId, IntegrityError], done: Rekeyed) -> IntegrityError:
    """How it ends where some do not open, *closed*; what was noted of the first is on it."""
    old, first = next(iter(closed.items()))
    failed = IntegrityError(
        f"{len(closed)} cannot be sealed anew ({old}: {first}); {done.words}",
        hint=_OTHER_KEY if isinstance(first, OtherKeyError) else _DAMAGED,
    )
    for note in getattr(first, "__notes__", ()):
        failed.add_note(note)
    failed.__cause__ = first
    return failed
