"""Back the stack up: every component streamed, sealed, stored and read back, the manifest last."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bot.domain.backup_id import BackupId, created_at
from bot.domain.catalogue import BackupRecord, newest_undoubted
from bot.domain.components import (
    CONFIG,
    GLOBALS,
    POSTGRES,
    REDIS,
    Encoding,
    Format,
    require_components,
)
from bot.domain.errors import IntegrityError, PortError
from bot.domain.jobs import PARTIAL
from bot.domain.manifest import (
    Component,
    DatabaseFacts,
    Manifest,
    Software,
    backup_prefix,
)
from bot.domain.messages import (
    BackupFinished,
    BackupStarted,
    ComponentProgressed,
    ComponentStored,
    ComponentVerified,
    RunBackup,
)
from bot.domain.plausibility import doubts, expected_dump_size
from bot.domain.stack import Stack, file_sources
from bot.services.catalogue import read_manifest
from bot.services.commit import commit
from bot.services.deletion import STACK, delete_set
from bot.services.fanout import Receivers
from bot.services.keyring import Keyring
from bot.services.pipeline import Tally, ending, load_codecs, read_ahead, seal
from bot.services.ports import Clock, Database, Engine, JobLog, Publish, Snapshot
from bot.services.settling import backed_up
from bot.services.stalls import unless_stalled
from bot.services.stores import Stores
from bot.services.verify import verify_component

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Where a component's bytes come from; *size_hint* bounds them, in bytes."""

    component: str
    encoding: Encoding
    chunks: AsyncIterator[bytes]
    size_hint: int | None = None

    @property
    def file_name(self) -> str:
        return self.encoding.file_name(self.component)


@dataclass(frozen=True)
class BackedUp:
    """A backup, where it lies, and why in none of the other stores."""

    manifest: Manifest
    stores: tuple[str, ...]
    missing: Mapping[str, str]

    @property
    def words(self) -> str:
        """All of it in a sentence, for the journal."""
        return backed_up(self.missing)


@dataclass(frozen=True)
class BackupService:
    """`akbot backup`; *stack_name* is the stack's folder in the store, its project's by default."""

    engine: Engine
    stores: Stores
    keyring: Keyring
    clock: Clock
    publish: Publish
    stack_name: str | None = None

    async def run(self, command: RunBackup, job: JobLog) -> BackedUp:
        """Take a backup into every store that takes it, and return where it lies by then.

        Raises what failed first. Then there is no whole backup, and what *job*'s page says is what
        must be undone.
        """
        started = self.clock.monotonic()
        loading = asyncio.ensure_future(asyncio.to_thread(load_codecs))
        stack = await self.engine.find_stack()
        require_components(stack, command.components)
        _require_running(stack, command)
        name = self.stack_name or stack.project
        catalogue = await self.stores.catalogue(name, self.keyring.trusted)
        good = newest_undoubted(catalogue.records)
        earlier = await self._read_earlier(good) if good else None
        prefix = backup_prefix(name, job.id)
        await loading

        await job.plan(**{STACK: name, **({PARTIAL: "yes"} if command.components else {})})
        receivers = Receivers(self.stores, dict(catalogue.silent))
        async with AsyncExitStack() as context:
            snapshot: Snapshot | None = None
            database = self.engine.database(stack, job.id)
            if not command.components or POSTGRES in command.components:
                snapshot = await context.enter_async_context(database.snapshot())
            sources = _chosen(self._sources(stack, database, snapshot), command.components)
            self.publish(_started(job.id, snapshot, earlier))
            components, facts = await self._store_all(sources, snapshot, prefix, job, receivers)

        manifest = Manifest(
            id=job.id,
            stack=name,
            created=created_at(job.id),
            trigger=command.trigger,
            actor=command.actor,
            label=command.label,
            software=await self._software(stack, snapshot),
            database=facts,
            components=components,
            recipients=self.keyring.fingerprints,
            warnings=doubts(facts, _dump_of(components), earlier) if facts else (),
            partial=bool(command.components),
        )
        await job.step("commit")
        await receivers.each(lambda store: commit(store, manifest, self.keyring, pin=command.pin))
        missing = await receivers.sweep(lambda store: delete_set(store, name, job.id))
        self.publish(BackupFinished(manifest, self.clock.monotonic() - started, missing))
        return BackedUp(manifest, tuple(receivers.taking), missing)

    async def _read_earlier(self, record: BackupRecord) -> Manifest | None:
        """The manifest to compare the new one with; where it cannot be read nothing is compared."""
        store, trusted = self.stores.holding(record), self.keyring.trusted
        try:
            read = await unless_stalled(
                store, lambda there: read_manifest(there, record, trusted), self.stores.stall
            )
        except (PortError, IntegrityError) as error:
            logger.warning("compare the new backup with %s: %s", record.id, error)
            return None
        return read.manifest

    def _sources(self, stack: Stack, database: Database, snapshot: Snapshot | None) -> list[Source]:
        """Everything that this stack has, the database first; nothing is opened yet."""
        sources: list[Source] = []
        if snapshot:
            outside = not snapshot.server.has_zstd
            sources.append(
                Source(
                    POSTGRES,
                    Encoding(Format.ARCHIVE, compressed=outside),
                    snapshot.dump(),
                    2 * snapshot.server.database_size,
                )
            )
        sql = Encoding(Format.SQL, compressed=True)
        sources.append(Source(GLOBALS, sql, database.roles()))
        sessions = self.engine.session_store(stack)
        if sessions:
            rdb = Encoding(Format.RDB, compressed=True)
            sources.append(Source(REDIS, rdb, sessions.rdb()))
        files = self.engine.files(stack)
        tar = Encoding(Format.TAR, compressed=True)
        holders = [each for each in (stack.server, stack.worker) if each]
        sources += [
            Source(folder.component, tar, files.archive(folder)) for folder in file_sources(holders)
        ]
        sources.append(Source(CONFIG, tar, files.config()))
        return sources

    async def _store_all(
        self,
        sources: Sequence[Source],
        snapshot: Snapshot | None,
        prefix: str,
        job: JobLog,
        receivers: Receivers,
    ) -> tuple[tuple[Component, ...], DatabaseFacts | None]:
        """The dump in one lane, the small components in another, the counts beside them."""
        dumps = [source for source in sources if source.component == POSTGRES]
        others = [source for source in sources if source.component != POSTGRES]
        try:
            async with asyncio.TaskGroup() as lanes:
                dumping = lanes.create_task(self._store_in_turn(dumps, prefix, job, receivers))
                copying = lanes.create_task(self._store_in_turn(others, prefix, job, receivers))
                counting = lanes.create_task(snapshot.facts()) if snapshot else None
        except BaseExceptionGroup as failures:
            cause = _first_cause(failures)
            raise cause from cause.__cause__
        facts = counting.result() if counting else None
        return (*dumping.result(), *copying.result()), facts

    async def _store_in_turn(
        self, sources: Sequence[Source], prefix: str, job: JobLog, receivers: Receivers
    ) -> list[Component]:
        components: list[Component] = []
        for source in sources:
            await job.step(f"store {source.component}")
            components.append(await self._store(source, prefix + source.file_name, receivers))
        return components

    async def _store(self, source: Source, key: str, receivers: Receivers) -> Component:
        started = self.clock.monotonic()
        tally = Tally()
        sealed = seal(
            source.chunks,
            encoding=source.encoding,
            recipients=self.keyring.recipients,
            tally=tally,
        )
        reported = self._reporting(source.component, sealed, tally)
        async with ending(read_ahead(reported)) as blocks:
            stored_size = await receivers.put(key, blocks, size_hint=source.size_hint)
        component = Component(
            name=source.component,
            key=key,
            plain_size=tally.plain,
            stored_size=stored_size,
            sha256=tally.sha256,
            seconds=round(self.clock.monotonic() - started, 3),
            archive=tally.archive,
        )
        self.publish(ComponentStored(component))
        identities = self.keyring.own_identities
        await receivers.each(lambda store: verify_component(store, component, identities))
        self.publish(ComponentVerified(component))
        return component

    async def _reporting(
        self, name: str, blocks: AsyncIterator[bytes], tally: Tally
    ) -> AsyncIterator[bytes]:
        async with ending(blocks):
            async for block in blocks:
                yield block
                self.publish(ComponentProgressed(name, tally.read, tally.stored))

    async def _software(self, stack: Stack, snapshot: Snapshot | None) -> Software:
        sessions = self.engine.session_store(stack)
        return Software(
            authentik=await self.engine.files(stack).authentik_version(),
            image=stack.server.image,
            image_digest=stack.server.image_digest,
            postgresql=snapshot.server.version if snapshot else None,
            redis=await sessions.version() if sessions else None,
        )


def _require_running(stack: Stack, command: RunBackup) -> None:
    """PostgreSQL and Redis must answer; server and worker need not run to have their files read."""
    wanted = command.components or {POSTGRES, REDIS}
    needed = ((POSTGRES, stack.postgresql), (GLOBALS, stack.postgresql), (REDIS, stack.redis))
    for component, container in needed:
        if component in wanted and container and not container.running:
            verb = "unpause" if container.state == "paused" else "up -d"
            raise PortError(
                f'service "{container.service}" does not run: its container is {container.state}',
                hint=f'Start it with "docker compose {verb} {container.service}".',
            )


def _started(
    backup_id: BackupId, snapshot: Snapshot | None, earlier: Manifest | None
) -> BackupStarted:
    if snapshot is None:
        return BackupStarted(backup_id, 0, 0)
    size = snapshot.server.database_size
    expected = expected_dump_size(size, earlier, compressed=snapshot.server.has_zstd)
    return BackupStarted(backup_id, size, expected)


def _chosen(sources: Sequence[Source], wanted: frozenset[str]) -> list[Source]:
    if not wanted:
        return list(sources)
    return [source for source in sources if source.component in wanted]


def _dump_of(components: Sequence[Component]) -> Component | None:
    return next((each for each in components if each.name == POSTGRES), None)


def _first_cause(failure: BaseException) -> BaseException:
    """What went wrong first: a group's members come in the order in which they failed."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
