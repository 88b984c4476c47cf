"""Read a stored backup back: bytes, signature and, with an identity, what is inside."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from bot import age
from bot.domain.catalogue import BackupRecord, require_readable
from bot.domain.components import POSTGRES, Format, encoding_of
from bot.domain.damage import Depth
from bot.domain.errors import IntegrityError, RefusedError
from bot.domain.manifest import Component, Manifest
from bot.domain.messages import ComponentVerified, StepBegan
from bot.domain.restorable import restore_check
from bot.services.catalogue import read_manifest
from bot.services.damage import DamageLog
from bot.services.metering import Meter
from bot.services.pipeline import Tally, drain, ending, hash_stored, read_ahead, unseal
from bot.services.ports import (
    Clock,
    Database,
    Engine,
    Publish,
    ReadLocks,
)
from bot.services.store_ports import BackupStore, Objects
from bot.services.unpacking import decompress

T = TypeVar("T")


@dataclass(frozen=True)
class Verified:
    """What was read: how deep it went, and how many bytes."""

    backup_id: str
    decrypted: bool
    deep: bool
    stored_size: int


@dataclass(frozen=True)
class VerifyService:
    """`akbot verify`, in one store; what is found is remembered there in *damage*."""

    engine: Engine
    store: BackupStore
    identities: Sequence[age.Identity]
    clock: Clock
    publish: Publish
    locks: ReadLocks
    damage: DamageLog

    async def run(self, record: BackupRecord, *, deep: bool) -> Verified:
        """Read every component of *record* to its end.

        Stored bytes are compared with the signed manifest; with an identity they are decrypted and
        each file's own format is checked; *deep* also reads the dump with `pg_restore`. A backup
        that is not what its manifest says counts as damaged from then on, until one is whole.

        Raises:
            IntegrityError: something is not what the manifest says, or was not when somebody
                looked deeper.
            RefusedError: the backup is not trusted or just being deleted, or *deep* without an
                identity.
        """
        require_readable(record)
        manifest = (await read_manifest(self.store, record, self.damage.trusted)).manifest
        if deep and not self.identities:
            raise RefusedError(
                "a deep check needs the private key, which is not on this host",
                hint="Set AKBOT_IDENTITY_FILE, or run it where the key is.",
            )
        database = self.engine.database(await self.engine.find_stack()) if deep else None
        depth = Depth.DEEP if deep else Depth.OPENED if self.identities else Depth.STORED
        async with self.locks.reading(record.id):
            try:
                await self._read(manifest, database)
            except IntegrityError as error:
                await self.damage.remember(manifest, error, depth)
                raise
            if damage := await self.damage.whole(manifest, depth):
                drill, deep_look = f"akbot drill {record.id}", f"akbot verify {record.id} --deep"
                raise IntegrityError(
                    f"nothing is wrong so far, but something was, deeper: {damage.words}",
                    hint="Look there again with"
                    f' "{drill if damage.depth is Depth.DRILLED else deep_look}".',
                )
        read = deep and manifest.component(POSTGRES) is not None
        return Verified(record.id, bool(self.identities), read, manifest.stored_size)

    async def _read(self, manifest: Manifest, database: Database | None) -> None:
        objects = Meter(self.publish, self.clock).reading(self.store, manifest.stored_size)
        for component in manifest.components:
            await verify_component(objects, component, self.identities, database, as_restored=True)
            self.publish(ComponentVerified(component))


async def verify_in_each(
    services: Mapping[str, VerifyService], record: BackupRecord, publish: Publish
) -> Verified:
    """Read *record* in one store after the other, each by its name; what was seen in the first."""
    results: list[Verified] = []
    for name, service in services.items():
        if len(services) > 1:
            publish(StepBegan(f"reading it in store {name}"))
        results.append(await service.run(record, deep=False))
    return results[0]


async def verify_component(
    store: Objects,
    component: Component,
    identities: Sequence[age.Identity],
    database: Database | None = None,
    *,
    as_restored: bool = False,
) -> int:
    """Read one component to its end; with *database* a dump goes through `pg_restore` as well.

    *as_restored*: what a restore would refuse is damage, too. Returns how many bytes were inside,
    unpacked; 0 where they were not looked at here. Raises IntegrityError naming the component.
    """
    if not identities:
        await _read_stored(store, component)
        return 0
    encoding = encoding_of(component.key)
    check = restore_check(component) if as_restored else encoding.new_check()

    async def take(content: AsyncIterator[bytes]) -> int:
        if database and encoding.format is Format.ARCHIVE:
            await database.check_archive(content)
            return 0
        return await drain(content, check)

    return await read_component(store, component, identities, take)


async def read_component(
    store: Objects,
    component: Component,
    identities: Sequence[age.Identity],
    take: Callable[[AsyncIterator[bytes]], Awaitable[T]],
) -> T:
    """Let *take* have the file inside the component, to its end, and return what it returns.

    *take* has it before it is known to be what was sent, which is known only when this returns: it
    must be where nothing comes out before, as in a sealed container or beside what serves. Raises
    IntegrityError naming the component; of an object that is not what was sent it says that,
    whatever *take* makes of it.
    """
    encoding, tally, broken = encoding_of(component.key), Tally(), list[IntegrityError]()
    with _naming(component):
        content = unseal(_stored(store, component, tally), identities=identities, tally=tally)
        if encoding.compressed:
            content = decompress(content)
        try:
            async with ending(_noting(content, broken)) as noted:
                taken = await take(noted)
        except IntegrityError:
            if not broken:
                await _read_to_its_end(store, component)
            raise
        _compare(tally, component, opened=True)
    return taken


async def plain_of(
    store: Objects, component: Component, identities: Sequence[age.Identity]
) -> AsyncIterator[bytes]:
    """The file inside the component, compressed if it is; it ends with an error if not whole.

    Raises IntegrityError naming the component.
    """
    tally = Tally()
    with _naming(component):
        content = unseal(_stored(store, component, tally), identities=identities, tally=tally)
        async with ending(content):
            async for block in content:
                yield block
        _compare(tally, component, opened=True)


async def _noting(
    content: AsyncIterator[bytes], broken: list[IntegrityError]
) -> AsyncIterator[bytes]:
    """Put into *broken* what *content* itself raises."""
    try:
        async with ending(content):
            async for block in content:
                yield block
    except IntegrityError as error:
        broken.append(error)
        raise


async def _read_stored(store: Objects, component: Component) -> None:
    with _naming(component):
        await _read_to_its_end(store, component)


async def _read_to_its_end(store: Objects, component: Component) -> None:
    tally = Tally()
    async with ending(_stored(store, component, tally)) as stored:
        async for _ in stored:
            pass
    _compare(tally, component, opened=False)


def _stored(store: Objects, component: Component, tally: Tally) -> AsyncIterator[bytes]:
    return read_ahead(hash_stored(read_ahead(store.get(component.key)), tally))


@contextmanager
def _naming(component: Component) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise type(error)(f'component "{component.name}": {error}', hint=error.hint) from error


def _compare(tally: Tally, component: Component, *, opened: bool) -> None:
    if (tally.stored, tally.sha256) != (component.stored_size, component.sha256):
        raise IntegrityError("the stored bytes are not those that were sent")
    if opened and tally.plain != component.plain_size:
        raise IntegrityError(
            f"it opens to {tally.plain} bytes where the manifest says {component.plain_size}"
        )
