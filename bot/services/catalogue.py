"""Backups as the store has them."""

import asyncio
from collections.abc import Collection

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import (
    BackupRecord,
    assess,
    assess_unsigned,
    group_by_backup,
    small_files,
)
from bot.domain.found_set import FoundSet
from bot.domain.manifest import MAX_MANIFEST_BYTES, backup_prefix
from bot.domain.signature import PublicKey
from bot.services.pipeline import ending
from bot.services.store_ports import BackupStore

_AT_ONCE = 8


async def list_backups(
    store: BackupStore, stack: str, trusted: Collection[PublicKey]
) -> list[BackupRecord]:
    """Every backup of *stack*, newest first, each judged by what lies in the store."""
    return await _judged(store, stack, f"{stack}/", trusted)


async def find_backup(
    store: BackupStore, stack: str, backup_id: BackupId, trusted: Collection[PublicKey]
) -> BackupRecord | None:
    """One backup as it lies in the store, None where nothing of it does."""
    found = await _judged(store, stack, backup_prefix(stack, backup_id), trusted)
    return found[0] if found else None


async def read_unsigned(store: BackupStore, stack: str, backup_id: BackupId) -> BackupRecord:
    """One backup, whoever wrote it. Raises IntegrityError where it is not whole."""
    prefix = backup_prefix(stack, backup_id)
    sizes = {each.key.removeprefix(prefix): each.size async for each in store.list(prefix)}
    small = {name: await read_small(store, prefix + name) for name in small_files(sizes)}
    return assess_unsigned(FoundSet(stack, backup_id, sizes, small))


async def _judged(
    store: BackupStore, stack: str, prefix: str, trusted: Collection[PublicKey]
) -> list[BackupRecord]:
    objects = [(each.key, each.size) async for each in store.list(prefix)]
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
    async with ending(store.get(key)) as blocks:
        async for block in blocks:
            parts.append(block)
            length += len(block)
            if length > MAX_MANIFEST_BYTES:
                break
    return b"".join(parts)[: MAX_MANIFEST_BYTES + 1]
