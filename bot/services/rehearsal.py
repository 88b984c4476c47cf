"""Rehearse an update: the whole way, hop by hop, on a copy that harms nobody.

What serves is only read: by the backup that was just made, or by a dump of its own. A version that
does not hold on the copy is refused before anything is touched.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.components import POSTGRES, REDIS
from bot.domain.drill import compare_databases
from bot.domain.errors import IntegrityError, PortError, RefusedError
from bot.domain.manifest import Component, Manifest
from bot.domain.rehearsal import (
    SERVER,
    WORKER,
    HopTook,
    Rehearsed,
    RehearsedHop,
    lost_rows,
    wants_redis,
)
from bot.domain.rehearsal_log import proof_of, read_failure, unfinished, with_last_words
from bot.domain.stack import Stack
from bot.domain.update import UNTOUCHED
from bot.domain.update_gate import Baseline, Patience, Verdict, Wanted
from bot.domain.versions import Version, read_tag
from bot.services.backup import BackedUp
from bot.services.keyring import Keyring
from bot.services.metering import Meter
from bot.services.pipeline import ending
from bot.services.ports import Clock, Engine, JobLog, Publish
from bot.services.rehearsal_ports import CopiedMigration, Rehearsals, StackCopy
from bot.services.store_ports import BackupStore
from bot.services.stores import Stores
from bot.services.switch import Begin
from bot.services.update_gate import UpdateGate
from bot.services.verify import read_component

_LOOK_AGAIN = 1.0


class RehearsalFailedError(RefusedError):
    """A version did not hold on the copy, and nothing was touched.

    *reason* is a sentence that names the cause, *proof* the log lines that show it, masked.
    """

    def __init__(self, hop: RehearsedHop, reason: str, proof: Sequence[str] = ()) -> None:
        super().__init__(
            f"the rehearsal of {hop.version} on a copy of the database failed: {reason}",
            hint=f"{UNTOUCHED} Wait for a later patch, or mend what it names.",
        )
        self.hop = hop
        self.version: Version = hop.version
        self.reason = reason
        self.proof = tuple(proof)


@dataclass(frozen=True)
class Rehearsal:
    """*before* is what the live version answered: only what held there can fail the copy.

    *patience* is each hop's: for how long it must hold, and how long its migrations and its start
    may take, each.
    """

    engine: Engine
    rehearsals: Rehearsals
    stores: Stores
    keyring: Keyring
    clock: Clock
    publish: Publish
    patience: Patience
    before: Baseline

    async def run(
        self, way: Sequence[RehearsedHop], source: BackedUp | None, job: JobLog, begin: Begin
    ) -> Rehearsed:
        """Go the whole *way* on a copy, made of *source* where its key is here, else of what runs.

        Raises:
            RehearsalFailedError: a version does not hold, by its own fault.
            IntegrityError: the backup is not what its manifest says.
            PortError: it could not be found out: no memory, an image that does not start here, an
                Engine that is away. That says nothing of the version.
        """
        began = self.clock.monotonic()
        stack = await self.engine.find_stack()
        async with self.rehearsals.copy(stack, job.id) as copy:
            await self._fill(copy, stack, source, job, begin)
            await copy.settle()
            loaded = self.clock.monotonic() - began
            took = [await self._hop(copy, hop, begin) for hop in way]
        return Rehearsed(tuple(took), loaded)

    async def _fill(
        self, copy: StackCopy, stack: Stack, source: BackedUp | None, job: JobLog, begin: Begin
    ) -> None:
        manifest = source.manifest if source else None
        dump = manifest.component(POSTGRES) if manifest else None
        redis = await self._wants_redis(stack)
        if source and manifest and dump and self.keyring.own_identities:
            await begin("rehearsing: loading the backup into a throw-away database")
            place = self.stores.named(source.stores[0])
            if place is None:
                raise PortError(f'there is no store "{source.stores[0]}" any more')
            await self._load_backup(copy, manifest, dump, place.store)
            sessions = manifest.component(REDIS)
            if redis and sessions:
                identities = self.keyring.identities
                read = self._meter.reading(place.store, sessions.stored_size)
                await read_component(read, sessions, identities, copy.load_sessions)
                redis = False
        else:
            await begin("rehearsing: copying the live database into a throw-away one")
            await self._load_live(copy, stack, job)
        if redis:
            await self._load_live_sessions(copy, stack)

    async def _load_backup(
        self, copy: StackCopy, manifest: Manifest, dump: Component, store: BackupStore
    ) -> None:
        read = self._meter.reading(store, dump.stored_size)
        await read_component(read, dump, self.keyring.identities, copy.load)
        if manifest.database:
            reasons = compare_databases(manifest.database, await copy.facts())
            if reasons:
                raise IntegrityError(
                    f"the backup that was just made does not come back whole: {'; '.join(reasons)}",
                    hint=f"{UNTOUCHED} Make another backup, and drill it.",
                )

    async def _load_live(self, copy: StackCopy, stack: Stack, job: JobLog) -> None:
        async with (
            self.engine.database(stack, job.id).snapshot() as snapshot,
            ending(self._meter.passing(snapshot.dump())) as dump,
        ):
            await copy.load(dump)

    @property
    def _meter(self) -> Meter:
        return Meter(self.publish, self.clock)

    async def _load_live_sessions(self, copy: StackCopy, stack: Stack) -> None:
        sessions = self.engine.session_store(stack)
        if sessions is None:
            raise PortError(
                "the rehearsal could not run: this version uses a Redis that is no service of the"
                " stack, so there is none to copy",
                hint=f"{UNTOUCHED} Update with --no-rehearsal.",
            )
        async with ending(sessions.rdb()) as rdb:
            await copy.load_sessions(rdb)

    async def _wants_redis(self, stack: Stack) -> bool:
        """By what runs: the first target that can do without may still read it (facts §3, §10)."""
        running = read_tag(await self.engine.files(stack).authentik_version() or "")
        return wants_redis(running.family) if running else stack.redis is not None

    async def _hop(self, copy: StackCopy, hop: RehearsedHop, begin: Begin) -> HopTook:
        before = await copy.facts()
        await begin(f"rehearsing {hop.version}: its migrations, on the copy")
        migration = await self._migrate(copy, hop)
        lost = lost_rows(before.rows, (await copy.facts()).rows)
        if lost:
            raise RehearsalFailedError(hop, f"its migrations lose rows: {'; '.join(lost)}")
        await begin(f"rehearsing {hop.version}: server and worker, on the copy")
        start = await self._hold(copy, hop)
        return HopTook(str(hop.version), round(migration, 1), round(start, 1))

    async def _migrate(self, copy: StackCopy, hop: RehearsedHop) -> float:
        """Run them to their end; seconds. One that moves may take as long as it takes."""
        began = moved = self.clock.monotonic()
        rows = -1
        async with copy.migration(hop) as migration:
            while (look := await migration.look()).exit_code is None:
                now = self.clock.monotonic()
                if look.busy or look.rows != rows:
                    moved, rows = now, look.rows
                if now - began > self.patience.timeout and now - moved > self.patience.still:
                    raise await self._hanging(copy, hop, migration, now - moved)
                await self.clock.sleep(_LOOK_AGAIN)
            if look.exit_code:
                raise await self._broken(copy, hop, migration, look.exit_code)
        return self.clock.monotonic() - began

    async def _hanging(
        self, copy: StackCopy, hop: RehearsedHop, migration: CopiedMigration, still: float
    ) -> PortError | RehearsalFailedError:
        lines = await migration.log()
        at = unfinished(lines)
        reason = f"its migrations hang{f' at {at}' if at else ''}: nothing moved for {still:.0f} s"
        return await self._judged(copy, hop, reason, proof_of(lines))

    async def _broken(
        self, copy: StackCopy, hop: RehearsedHop, migration: CopiedMigration, exit_code: int
    ) -> PortError | RehearsalFailedError:
        failure = read_failure(await migration.log(), exit_code)
        reason = f"its migrations {failure.reason}"
        if failure.of_the_host:
            return _could_not_run(hop, reason)
        return await self._judged(copy, hop, reason, failure.proof)

    async def _hold(self, copy: StackCopy, hop: RehearsedHop) -> float:
        """Seconds from the start until all was well, which then has held."""
        wanted = Wanted(
            server=SERVER,
            worker=WORKER,
            version=str(hop.version),
            baseline=replace(self.before, public=None, public_url="", urls={}),
        )
        began = self.clock.monotonic()
        async with copy.application(hop) as probe:
            judgement = await UpdateGate(probe, self.clock, self.patience).hold(wanted)
            if judgement.verdict is not Verdict.PROMOTE:
                reason, proof = judgement.reason, judgement.proof
                if judgement.of_the_host:
                    raise _could_not_run(hop, reason)
                if not proof:
                    reason, proof = with_last_words(reason, await copy.last_words())
                raise await self._judged(copy, hop, reason, proof)
        return max(0.0, self.clock.monotonic() - began - self.patience.stable)

    async def _judged(
        self, copy: StackCopy, hop: RehearsedHop, reason: str, proof: Sequence[str]
    ) -> PortError | RehearsalFailedError:
        """What failed, as the version's fault or, where this host lacks something, as none."""
        obstacle = await copy.obstacle()
        if obstacle:
            return _could_not_run(hop, f"{obstacle} ({reason})")
        return RehearsalFailedError(hop, reason, proof)


def _could_not_run(hop: RehearsedHop, why: str) -> PortError:
    return PortError(
        f"the rehearsal of {hop.version} could not run: {why}",
        hint=f"{UNTOUCHED} Mend that, or update with --no-rehearsal.",
    )
