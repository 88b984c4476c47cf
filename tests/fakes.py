"""In-memory stand-ins for the ports; the contract tests hold them to the same promises."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field

from bot.domain.backup_id import BackupId
from bot.domain.errors import ObjectExistsError, ObjectNotFoundError, PortError
from bot.domain.judgement import Judgement
from bot.domain.kit_record import KitRecord
from bot.domain.objects import key_parts, range_end
from bot.services.catalogue_ports import Shelf
from bot.services.store_ports import Protection, StoredObject

_BLOCK = 256 * 1024


@dataclass
class FakeStore:
    """A BackupStore in memory.

    `fail_put_at` and `fail_get_at` break every upload or download at that byte; `left` are uploads
    that a killed process is said to have left; `calls` tells what was asked for, in order.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    fail_put_at: int | None = None
    fail_get_at: int | None = None
    left: list[str] = field(default_factory=list)
    kept: Protection = Protection.NONE
    calls: list[tuple[str, str]] = field(default_factory=list)
    name: str = "memory"
    local_path: str | None = None
    part_size: int = 64 * 1024

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_hint: int | None = None,  # noqa: ARG002 - for stores that send parts
        moved: Callable[[], None] | None = None,  # noqa: ARG002 - likewise
    ) -> int:
        key_parts(key)
        self.calls.append(("put", key))
        self._require_absent(key)
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if self.fail_put_at is not None and len(data) >= self.fail_put_at:
                raise PortError(f'write object "{key}": connection lost', retryable=True)
            await asyncio.sleep(0)
        self._require_absent(key)
        self.objects[key] = bytes(data)
        return len(data)

    def _require_absent(self, key: str) -> None:
        if key in self.objects:
            raise ObjectExistsError(f'write object "{key}": exists already')

    async def get(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        key_parts(key)
        self.calls.append(("get", key))
        if key not in self.objects:
            raise ObjectNotFoundError(f'read object "{key}": not found')
        data = self.objects[key]
        end = range_end(key, len(data), start=start, length=length)
        for position in range(start, end, _BLOCK):
            if self.fail_get_at is not None and position + _BLOCK >= self.fail_get_at:
                raise PortError(f'read object "{key}": connection lost', retryable=True)
            await asyncio.sleep(0)
            yield data[position : min(position + _BLOCK, end)]

    async def stat(self, key: str) -> StoredObject:
        key_parts(key)
        if key not in self.objects:
            raise ObjectNotFoundError(f'look up object "{key}": not found')
        return StoredObject(key, len(self.objects[key]))

    async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        for key in sorted(self.objects):
            await asyncio.sleep(0)
            if key.startswith(prefix) and key in self.objects:
                data = self.objects[key]
                yield StoredObject(key, len(data), f"{hash(data):x}")

    async def delete(self, *keys: str) -> None:
        for key in keys:
            key_parts(key)
        for key in keys:
            self.calls.append(("delete", key))
            self.objects.pop(key, None)

    async def unfinished(self, prefix: str = "") -> Sequence[str]:
        return [line for line in self.left if line.startswith(prefix)]

    async def discard_unfinished(self, prefix: str = "") -> int:
        gone = await self.unfinished(prefix)
        self.left = [line for line in self.left if line not in gone]
        return len(gone)

    async def protection(self) -> Protection:
        return self.kept

    async def close(self) -> None:
        self.calls.append(("close", ""))


@dataclass
class FakeKitLog:
    """A KitLog in memory."""

    record: KitRecord = field(default_factory=KitRecord)

    async def read(self) -> KitRecord:
        return self.record

    async def update(self, change: Callable[[KitRecord], KitRecord]) -> None:
        self.record = change(self.record)


@dataclass
class FakeCatalogueCache:
    """A CatalogueCache in memory."""

    kept: dict[tuple[str, BackupId], tuple[str, Judgement]] = field(default_factory=dict)

    async def known(self, shelf: Shelf) -> dict[BackupId, Judgement]:
        return {
            name: judgement
            for (place, name), (rules, judgement) in self.kept.items()
            if (place, rules) == (shelf.place, shelf.rules)
        }

    async def keep(self, shelf: Shelf, judged: Collection[Judgement]) -> None:
        for (place, name), (rules, _) in [*self.kept.items()]:
            if judged and place == shelf.place and rules != shelf.rules:
                del self.kept[place, name]
        for each in judged:
            self.kept[shelf.place, each.record.id] = (shelf.rules, each)

    async def forget(self, shelf: Shelf, gone: Collection[BackupId]) -> None:
        for name in gone:
            self.kept.pop((shelf.place, name), None)
