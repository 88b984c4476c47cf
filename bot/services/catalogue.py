"""Backups as the store has them."""

import asyncio
from collections.abc import Collection

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord, FoundSet, assess, group_by_backup, small_files
from bot.domain.manifest import MAX_MANIFEST_BYTES, backup_prefix
from bot.domain.signature import PublicKey
from bot.services.ports import BackupStore

_AT_ONCE = 8


async def list_backups(
    store: BackupStore, stack: str, trusted: Collection[PublicKey]
) -> list[BackupRecord]:
    """Every backup of *stack*, newest first, each judged by what lies in the store."""
    objects = [(each.key, each.size) async for each in store.list(f"{stack}/")]
    slots = asyncio.Semaphore(_AT_ONCE)

    async def judge(backup_id: BackupId, sizes: dict[str, int]) -> BackupRecord:
        async with slots:
            small = {
                name: await read_small(store, backup_prefix(stack, backup_id) + name)
                for name in small_files(sizes)
            }
        return assess(FoundSet(stack, backup_id, sizes, small), trusted)

    sets = group_by_backup(stack, objects)
    return list(await asyncio.gather(*(judge(name, sizes) for name, sizes in sets.items())))


async def read_small(store: BackupStore, key: str) -> bytes:
    """A whole small object; of a hostile one only so much as a manifest may have."""
    parts: list[bytes] = []
    length = 0
    async for block in store.get(key):
        parts.append(block)
        length += len(block)
        if length > MAX_MANIFEST_BYTES:
            break
    return b"".join(parts)[: MAX_MANIFEST_BYTES + 1]
