"""Backups as the store has them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field

from bot.domain.backup_id import BackupId, parse_backup_id
from bot.domain.catalogue import (
    BackupRecord,
    assess,
    assess_unsigned,
    require_trusted,
    small_files,
)
from bot.domain.errors import IntegrityError
from bot.domain.found_set import FoundSet
from bot.domain.judgement import Judgement, mark_of, rules_of
from bot.domain.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    SIGNATURE_SUFFIX,
    Manifest,
    backup_prefix,
    decode_manifest,
)
from bot.domain.signature import PublicKey, verify
from bot.domain.summary import digest_of
from bot.services.catalogue_ports import CatalogueCache, NothingRemembered, Shelf
from bot.services.pipeline import ending
from bot.services.store_ports import BackupStore

_AT_ONCE = 8
_BATCH = 64  # so many are judged before the listing goes on, and remembered together
_TOLD_EVERY = 1024

Tell = Callable[[str], object]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Set:
    """A backup's files; *mark* stands for them, None where that cannot be told."""

    id: BackupId
    sizes: Mapping[str, int]
    mark: bytes | None


@dataclass(frozen=True)
class Listing:
    """Lists what a store has, and reads no manifest again that it has judged before.

    Memory does not grow with what must be read. *tell* hears of it where that is much.
    """

    cache: CatalogueCache = field(default_factory=NothingRemembered)
    tell: Tell = logger.info

    async def backups(
        self, store: BackupStore, stack: str, trusted: Collection[PublicKey]
    ) -> list[BackupRecord]:
        """Every backup of *stack*, newest first, each judged by what lies in the store."""
        shelf = Shelf(f"{store.name} {stack}", rules_of(trusted))
        known = await self.cache.known(shelf)
        look = _Look(store, stack, trusted, shelf, self.cache, self.tell, known)
        async with ending(_sets(store, stack, f"{stack}/")) as sets:
            async for found in sets:
                await look.take(found)
        await look.read_those_waiting()
        for name in look.scattered:
            if whole := await find_backup(store, stack, name, trusted):
                look.records[name] = whole
        if gone := known.keys() - look.records.keys():
            await self.cache.forget(shelf, gone)
        return [look.records[name] for name in sorted(look.records, reverse=True)]


@dataclass
class _Look:
    """One look through a store; *scattered* is what does not lie in one piece in its listing."""

    store: BackupStore
    stack: str
    trusted: Collection[PublicKey]
    shelf: Shelf
    cache: CatalogueCache
    tell: Tell
    known: Mapping[BackupId, Judgement]
    records: dict[BackupId, BackupRecord] = field(default_factory=dict)
    scattered: set[BackupId] = field(default_factory=set)
    _seen: set[BackupId] = field(default_factory=set)
    _waiting: list[_Set] = field(default_factory=list)
    _read: int = 0

    async def take(self, found: _Set) -> None:
        """Judge *found* by what is known, or later, together with others."""
        if found.id in self._seen:
            self.scattered.add(found.id)
            return
        self._seen.add(found.id)
        before = self.known.get(found.id)
        if before and found.mark and before.mark == found.mark:
            self.records[found.id] = before.record
            return
        self._waiting.append(found)
        if len(self._waiting) == _BATCH:
            await self.read_those_waiting()
            self._tell()

    async def read_those_waiting(self) -> None:
        """Read and judge them, and remember what was made of them."""
        waiting, self._waiting = self._waiting, []
        judged = await _judge_all(self.store, self.stack, waiting, self.trusted)
        self.records.update((each.record.id, each.record) for each in judged)
        await self.cache.keep(self.shelf, [each for each in judged if each.mark])
        self._read += len(waiting)

    def _tell(self) -> None:
        if self._read == _BATCH:
            self.tell(
                f"reading the manifests in {self.store.name} that were not read here before,"
                " which takes a while"
            )
        elif self._read % _TOLD_EVERY == 0:
            self.tell(f"{self._read} manifests are read")


async def find_backup(
    store: BackupStore, stack: str, backup_id: BackupId, trusted: Collection[PublicKey]
) -> BackupRecord | None:
    """One backup, all read anew, as it lies in the store; None where nothing of it does."""
    found = await _find_set(store, stack, backup_id)
    return (await _judge(store, stack, found, trusted)).record if found else None


async def read_unsigned(
    store: BackupStore, stack: str, backup_id: BackupId
) -> tuple[BackupRecord, Manifest]:
    """One backup, whoever wrote it. Raises IntegrityError where it is not whole."""
    found = await _find_set(store, stack, backup_id)
    return assess_unsigned(await _read_set(store, stack, found or _Set(backup_id, {}, None)))


@dataclass(frozen=True)
class SignedManifest:
    """A manifest as it was just read, with the bytes that *signer* has signed."""

    manifest: Manifest
    signer: PublicKey
    document: bytes
    signature: bytes


async def read_manifest(
    store: BackupStore, record: BackupRecord, trusted: Collection[PublicKey]
) -> SignedManifest:
    """The manifest of a backup that is to be used, its signature checked now.

    Raises:
        RefusedError, UntrustedError: nobody who is trusted here has signed it.
        IntegrityError: there is none, or another one than was listed.
    """
    summary = require_trusted(record)
    key = backup_prefix(summary.stack, record.id) + MANIFEST
    document = await read_small(store, key)
    signature = await read_small(store, key + SIGNATURE_SUFFIX)
    signer = verify(document, signature, trusted)
    if digest_of(document) != summary.digest:
        raise IntegrityError(
            f'backup "{record.id}" has changed since it was looked at', hint="Look at it again."
        )
    manifest = decode_manifest(document, stack=summary.stack, backup_id=record.id)
    return SignedManifest(manifest, signer, document, signature)


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


async def _sets(store: BackupStore, stack: str, prefix: str) -> AsyncIterator[_Set]:
    """The backups of *stack* below *prefix* as they come; keys of another form are nobody's.

    One whose keys do not follow each other comes several times.
    """
    folder, files = "", list[tuple[str, int, str]]()
    begin = len(stack) + 1
    async with ending(store.list(prefix)) as objects:
        async for each in objects:
            name, _, file = each.key[begin:].partition("/")
            if name != folder:
                if found := _set_of(folder, files):
                    yield found
                folder, files = name, []
            if file and "/" not in file:
                files.append((file, each.size, each.version))
    if found := _set_of(folder, files):
        yield found


def _set_of(folder: str, files: Collection[tuple[str, int, str]]) -> _Set | None:
    if not files:
        return None
    try:
        backup_id = parse_backup_id(folder)
    except ValueError:
        return None
    return _Set(backup_id, {name: size for name, size, _ in files}, mark_of(files))


async def _find_set(store: BackupStore, stack: str, backup_id: BackupId) -> _Set | None:
    async with ending(_sets(store, stack, backup_prefix(stack, backup_id))) as found:
        async for each in found:
            return each
    return None


async def _judge_all(
    store: BackupStore, stack: str, sets: Collection[_Set], trusted: Collection[PublicKey]
) -> list[Judgement]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def judge(found: _Set) -> Judgement:
        async with slots:
            return await _judge(store, stack, found, trusted)

    tasks = [asyncio.ensure_future(judge(each)) for each in sets]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _judge(
    store: BackupStore, stack: str, found: _Set, trusted: Collection[PublicKey]
) -> Judgement:
    record = assess(await _read_set(store, stack, found), trusted)
    return Judgement(found.mark or b"", record)


async def _read_set(store: BackupStore, stack: str, found: _Set) -> FoundSet:
    prefix = backup_prefix(stack, found.id)
    small = {name: await read_small(store, prefix + name) for name in small_files(found.sizes)}
    return FoundSet(stack, found.id, found.sizes, small)
