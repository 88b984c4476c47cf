"""Restore a backup where it harms nobody, and see whether it is what its manifest says."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bot import age
from bot.domain.backup_id import created_at
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.components import Format, encoding_of
from bot.domain.damage import Depth
from bot.domain.drill import (
    KEYLESS,
    VERDICT,
    DrillReport,
    Verdict,
    compare_databases,
    drill_file,
    encode_report,
    require_young,
)
from bot.domain.errors import IntegrityError, OtherKeyError, PortError, RefusedError
from bot.domain.jobs import READS
from bot.domain.manifest import Component, Manifest, backup_prefix
from bot.domain.messages import ComponentVerified
from bot.domain.restorable import restore_check
from bot.domain.stack import Stack
from bot.services.catalogue import read_manifest
from bot.services.damage import DamageLog
from bot.services.damage_elsewhere import DamageElsewhere, is_as_sent
from bot.services.drill_found import DrillFound
from bot.services.keyring import Keyring
from bot.services.metering import Meter
from bot.services.pipeline import drain
from bot.services.ports import Clock, Engine, JobLog, Publish, ReadLocks, ScratchDatabase
from bot.services.signed import put_signed
from bot.services.store_ports import BackupStore, Objects
from bot.services.verify import read_component, verify_component

T = TypeVar("T")

_READY = "-/health/ready/"
_LOGIN = "if/flow/default-authentication-flow/"
_BOOT_WITHIN = 600.0  # seconds; Authentik's own charts wait as long (authentik-facts section 1.4)
_POLL = 1.0
logger = logging.getLogger(__name__)


class DrillFailedError(IntegrityError):
    """The backup is not what its manifest says; *report* has all that was found."""

    def __init__(self, report: DrillReport) -> None:
        super().__init__(
            f'the drill of backup "{report.backup_id}" failed: {"; ".join(report.reasons)}',
            hint="Do not count on this backup: make another with akbot backup, and drill that.",
        )
        self.report = report


class DrillNotRunError(RefusedError):
    """Nothing is known about the backup; *report* says what was missing."""

    def __init__(self, report: DrillReport, hint: str) -> None:
        super().__init__(
            f'the drill of backup "{report.backup_id}" could not run: {"; ".join(report.reasons)}',
            hint=hint,
        )
        self.report = report


@dataclass(frozen=True)
class _Place:
    """From where components are read, and beside which stack they come back."""

    stack: Stack
    job_id: str
    objects: Objects
    identities: Sequence[age.Identity]

    async def read(
        self, component: Component, take: Callable[[AsyncIterator[bytes]], Awaitable[T]]
    ) -> T:
        """Let *take* have it before its hash is known: *take* is sealed in, and thrown away."""
        return await read_component(self.objects, component, self.identities, take)


@dataclass(frozen=True)
class DrillService:
    """`akbot drill`; what is found is noted in *damage*, of *store*, or *elsewhere* as well.

    Without the private key one that *is_planned* does what can be done without, which is enough for
    it to be well; who asks for one in person hears that it could not run.
    """

    engine: Engine
    store: BackupStore
    keyring: Keyring
    clock: Clock
    publish: Publish
    locks: ReadLocks
    damage: DamageLog
    elsewhere: DamageElsewhere
    boot: bool = False
    is_planned: bool = False

    async def run(self, record: BackupRecord, job: JobLog) -> DrillReport:
        """Restore *record* into throw-away containers, look at it, and keep the report beside it.

        Raises DrillFailedError where something is not as it was, DrillNotRunError where that could
        not be found out, each with the report; RefusedError where the backup is not trusted.
        """
        manifest = (await read_manifest(self.store, record, self.keyring.trusted)).manifest
        await job.plan(**{READS: record.id})
        report = DrillReport(
            backup_id=record.id,
            stack=manifest.stack,
            verdict=Verdict.PASS,
            began=created_at(job.id),
            seconds=0.0,
        )
        started, found, hint = self.clock.monotonic(), DrillFound(), ""
        async with self.locks.reading(record.id):
            try:
                if record.state is BackupState.INCOMPLETE:
                    found.reasons.append(record.reason)
                else:
                    await self._restore(manifest, job, found)
                verdict = Verdict.FAIL if found.reasons else self._nothing_wrong
            except IntegrityError as error:
                verdict = Verdict.FAIL
                found.unreadable(error)
            except (PortError, RefusedError) as error:
                # what was found by then is known all the same
                verdict = Verdict.FAIL if found.reasons else Verdict.COULD_NOT_RUN
                hint = error.hint
                found.reasons.append(str(error))
            seconds = self.clock.monotonic() - started
            report = replace(
                report,
                verdict=verdict,
                seconds=seconds,
                reasons=tuple(found.reasons),
                load_seconds=seconds - (found.boot_seconds or 0),
                rows=found.rows,
                keys=found.keys,
                contents=found.contents,
                boot_seconds=found.boot_seconds,
                components=tuple(found.components),
            )
            await job.plan(**{VERDICT: verdict}, **self._key_facts)
            await self._keep(report, job)
            if verdict is Verdict.PASS:
                await self._call_whole(manifest)
            if verdict is Verdict.FAIL:
                raise await self._failed(manifest, report, found)
        if verdict is Verdict.COULD_NOT_RUN:
            raise DrillNotRunError(report, hint)
        return report

    @property
    def _nothing_wrong(self) -> Verdict:
        return Verdict.PASS if self.keyring.identities else Verdict.READ

    @property
    def _key_facts(self) -> dict[str, str]:
        return {} if self.keyring.identities else {KEYLESS: "yes"}

    async def _call_whole(self, manifest: Manifest) -> None:
        try:
            await self.damage.whole(manifest, Depth.DRILLED)
        except (PortError, RefusedError) as error:  # the verdict is known all the same
            logger.warning("remember that %s is whole: %s", manifest.id, error)
        await self.elsewhere.whole(manifest)

    async def _failed(
        self, manifest: Manifest, report: DrillReport, found: DrillFound
    ) -> DrillFailedError:
        """How it ends; an application that does not start on it makes no backup damaged."""
        failed = DrillFailedError(report)
        if found.damage:
            depth = Depth.DRILLED if self.keyring.identities else Depth.STORED
            error = IntegrityError("; ".join(found.damage))
            await self.damage.remember(manifest, error, depth)
            if found.in_all:
                await self.elsewhere.remember(manifest, "; ".join(found.in_all), depth, error)
            for note in error.__notes__:
                failed.add_note(note)
        return failed

    async def _restore(self, manifest: Manifest, job: JobLog, found: DrillFound) -> None:
        if not self.keyring.identities:
            await self._read_stored(manifest, job)
            if self.is_planned:
                return
            raise RefusedError(
                "the private key is not on this host; what lies in the store is what was sent",
                hint="Set AKBOT_IDENTITY_FILE to drill here, or drill where the key is.",
            )
        stack = await self.engine.find_stack()
        meter, before = Meter(self.publish, self.clock), 0
        for component in manifest.components:
            await job.step(f"restore {component.name}")
            objects = meter.reading(self.store, manifest.stored_size, before)
            place = _Place(stack, job.id, objects, self.keyring.identities)
            before += component.stored_size
            try:
                found.reasons += await self._component(manifest, component, place, found)
            except IntegrityError as error:
                found.unreadable(error)
                others = self.elsewhere.logs and not isinstance(error, OtherKeyError)
                if others and await is_as_sent(self.store, component):
                    found.in_all.append(str(error))
                continue
            found.components.append(component.name)
            self.publish(ComponentVerified(component))

    async def _read_stored(self, manifest: Manifest, job: JobLog) -> None:
        objects = Meter(self.publish, self.clock).reading(self.store, manifest.stored_size)
        for component in manifest.components:
            await job.step(f"read {component.name}")
            await verify_component(objects, component, ())
            self.publish(ComponentVerified(component))

    async def _component(
        self, manifest: Manifest, component: Component, place: _Place, found: DrillFound
    ) -> Sequence[str]:
        match encoding_of(component.key).format:
            case Format.ARCHIVE:
                return await self._database(manifest, component, place, found)
            case Format.RDB:
                found.keys = await place.read(
                    component, lambda rdb: self.engine.load_rdb(place.stack, rdb, place.job_id)
                )
            case _:
                check = restore_check(component)
                await place.read(component, lambda content: drain(content, check))
        return ()

    async def _database(
        self, manifest: Manifest, component: Component, place: _Place, found: DrillFound
    ) -> Sequence[str]:
        image = manifest.software.image if self.boot else ""
        async with self.engine.scratch_database(place.stack, place.job_id, image) as scratch:
            require_young(await scratch.version(), manifest)
            await place.read(component, scratch.load)
            facts, found.contents = await scratch.facts(), await scratch.contents()
            found.rows = sum(facts.rows.values())
            reasons = compare_databases(manifest.database, facts) if manifest.database else []
            found.damage += reasons
            found.in_all += reasons
            try:
                await scratch.write()
            except PortError as error:
                reasons.append(f"the restored database cannot be written: {error}")
            if self.boot and not reasons:
                reasons += await self._boot(scratch, found)
            return reasons

    async def _boot(self, scratch: ScratchDatabase, found: DrillFound) -> Sequence[str]:
        """Start the application on what was restored, until it serves its login page."""
        began = self.clock.monotonic()
        async with scratch.application() as application:
            for page in (_READY, _LOGIN):
                while not _is_good(status := await application.answer(page)):
                    trouble = await application.trouble()
                    if trouble:
                        return [f"Authentik does not start on it: {trouble}"]
                    if self.clock.monotonic() - began > _BOOT_WITHIN:
                        words = await application.last_words()
                        answer = f"status {status}" if status else "no answer"
                        return [f'Authentik\'s "/{page}" is not served on it, {answer}: {words}']
                    await self.clock.sleep(_POLL)
        found.boot_seconds = self.clock.monotonic() - began
        return ()

    async def _keep(self, report: DrillReport, job: JobLog) -> None:
        """Beside the backup, where it is found after the host is lost; written once, signed."""
        prefix = backup_prefix(report.stack, report.backup_id)
        document = encode_report(report)
        try:
            await put_signed(
                self.store, prefix + drill_file(job.id), document, self.keyring.signing_key
            )
        except PortError as error:  # the verdict is known all the same
            logger.warning("keep the report of the drill %s: %s", job.id, error)


def _is_good(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - what HTTP calls success
