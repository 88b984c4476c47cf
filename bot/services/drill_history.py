"""What drills have found: their reports, which lie beside the backups."""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from bot.domain.backup_id import BackupId, parse_backup_id
from bot.domain.drill import DrillReport, decode_report, drill_file, drill_of
from bot.domain.errors import IntegrityError, ObjectNotFoundError
from bot.domain.manifest import SIGNATURE_SUFFIX, backup_prefix
from bot.domain.signature import PublicKey, verify
from bot.services.catalogue import read_small
from bot.services.store_ports import BackupStore
from bot.services.stores import Stores

_LOOKED_AT = 20  # reports, in case somebody else has left some that nobody trusts


@dataclass(frozen=True)
class DrillHistory:
    """The reports that lie beside the backups; *trusted* says whose signatures count."""

    stores: Stores
    trusted: Callable[[], Collection[PublicKey]]

    async def newest(self, stack: str) -> DrillReport | None:
        """The newest report that somebody trusted has signed, None where there is none."""
        reports, _ = await self.stores.ask(lambda store: self._newest_in(store, stack))
        known = [each for each in reports.values() if each]
        return max(known, key=lambda each: each.began, default=None)

    async def _newest_in(self, store: BackupStore, stack: str) -> DrillReport | None:
        found: list[tuple[BackupId, BackupId]] = []
        async for each in store.list(f"{stack}/"):
            folder, _, name = each.key.removeprefix(f"{stack}/").partition("/")
            job_id = drill_of(name)
            if job_id:
                with suppress(ValueError):
                    found.append((job_id, parse_backup_id(folder)))
        for job_id, backup_id in sorted(found, reverse=True)[:_LOOKED_AT]:
            with suppress(IntegrityError, ObjectNotFoundError):
                return await self._read(store, stack, job_id, backup_id)
        return None

    async def _read(
        self, store: BackupStore, stack: str, job_id: BackupId, backup_id: BackupId
    ) -> DrillReport:
        key = backup_prefix(stack, backup_id) + drill_file(job_id)
        document = await read_small(store, key)
        verify(document, await read_small(store, key + SIGNATURE_SUFFIX), self.trusted())
        return decode_report(document, stack=stack, backup_id=backup_id)
