"""Pin a backup, so that no prune deletes it, or take its pin away."""

from dataclasses import dataclass

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord
from bot.domain.errors import BotError, ObjectExistsError, RefusedError
from bot.domain.manifest import backup_prefix
from bot.domain.pins import encode_pin, next_pin, pin_file
from bot.services.catalogue import find_backup
from bot.services.keyring import Keyring
from bot.services.ports import ReadLocks
from bot.services.signed import put_signed
from bot.services.store_ports import BackupStore
from bot.services.stores import Place, Stores

_ATTEMPTS = 3  # two people may pin at the same moment


@dataclass(frozen=True)
class PinService:
    """`akbot pin`, for the folder *stack* of one store."""

    store: BackupStore
    keyring: Keyring
    locks: ReadLocks
    stack: str

    async def run(self, backup_id: BackupId, *, pinned: bool) -> BackupRecord:
        """Let the backup be *pinned* or not, and return it as it is then.

        Raises RefusedError where there is no trusted backup of that name, or it is just being
        deleted.
        """
        async with self.locks.reading(backup_id):
            for _ in range(_ATTEMPTS):
                record = await self._find(backup_id)
                if record.pinned is pinned and not record.doubtful_pin:
                    return record
                try:
                    await self._write(backup_id, pinned=pinned)
                except ObjectExistsError:
                    continue  # somebody else was faster: see what that says
                return await self._find(backup_id)
        raise RefusedError(f'somebody else is pinning "{backup_id}"', hint="Try again.")

    async def _find(self, backup_id: BackupId) -> BackupRecord:
        record = await find_backup(self.store, self.stack, backup_id, self.keyring.trusted)
        if record is None or record.summary is None:
            why = f": {record.reason}" if record else ""
            raise RefusedError(
                f'there is no trusted backup "{backup_id}" to pin{why}',
                hint='See "akbot backups" for their ids.',
            )
        return record

    async def _write(self, backup_id: BackupId, *, pinned: bool) -> None:
        prefix = backup_prefix(self.stack, backup_id)
        names = [each.key.removeprefix(prefix) async for each in self.store.list(prefix)]
        number = next_pin(names)
        document = encode_pin(self.stack, backup_id, number, pinned=pinned)
        await put_signed(self.store, prefix + pin_file(number), document, self.keyring.signing_key)


@dataclass(frozen=True)
class PinEverywhere:
    """`akbot pin`, in every store that has the backup."""

    stores: Stores
    keyring: Keyring
    locks: ReadLocks
    stack: str

    async def run(self, record: BackupRecord, *, pinned: bool) -> BackupRecord:
        """Let the backup be *pinned* or not wherever it lies, and return it as it is then.

        Raises RefusedError where it is not trusted or just being deleted, and what went wrong in
        the first store in which it did, once all were asked.
        """
        places = [each for each in self.stores.places if each.name in record.stores]
        failed: list[BotError] = []
        for place in places:
            try:
                await self._service(place).run(record.id, pinned=pinned)
            except BotError as error:
                failed.append(error)
        if failed:
            raise failed[0]
        found = await self.stores.find(self.stack, record.id, self.keyring.trusted)
        return found or record

    def _service(self, place: Place) -> PinService:
        return PinService(place.store, self.keyring, self.locks, self.stack)
