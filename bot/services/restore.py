"""Restore a backup onto the live stack: all is made ready beside what serves, then swapped at once.

Nothing that serves is touched before the backup was read whole, a person has agreed and the new
database was compared with the manifest. What fails is undone by `restore_recovery`, in this process
or in the next one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from bot.domain.catalogue import BackupRecord
from bot.domain.client_patches import judge_client
from bot.domain.components import CONFIG
from bot.domain.config_diff import compare_configs, read_config, without_compose
from bot.domain.durations import duration
from bot.domain.errors import BotError, IntegrityError, RefusedError, UnsafeArchiveError
from bot.domain.jobs import DEGRADED, READS
from bot.domain.manifest import Component, Manifest
from bot.domain.messages import RunRestore
from bot.domain.restorable import refusal_of, restore_check
from bot.domain.restore import (
    PHASE,
    Phase,
    Site,
    facts_of,
)
from bot.domain.restore_choice import safety_words
from bot.domain.restore_from_nothing import NO_WAY_BACK, require_to_back_up
from bot.domain.restore_plan import (
    Choice,
    Preview,
    choose_components,
    fits_layout,
    require_room_for,
)
from bot.domain.stack import Stack
from bot.domain.undo_ways import Ways
from bot.services.backup import BackupService
from bot.services.damage_elsewhere import DamageNotes
from bot.services.gate import GatePatience
from bot.services.keyring import Keyring
from bot.services.metering import Meter
from bot.services.ports import Clock, Engine, JobLog, Publish, ReadLocks
from bot.services.proven import ProvenObjects
from bot.services.restore_beside import Beside, Opening
from bot.services.restore_chosen import Chosen, choose_backup
from bot.services.restore_compose import PastFiles, plan_past, require_no_sessions
from bot.services.restore_decided import Decided, untouched_by
from bot.services.restore_look import glance, look_at
from bot.services.restore_ports import Tools, Workplace
from bot.services.restore_safety import back_up_before
from bot.services.settling import not_in
from bot.services.stores import Stores
from bot.services.switch import Begin, Switch, switch_and_hold, telling
from bot.services.verify import read_component, verify_component
from bot.services.whole import whole

Confirm = Callable[[Preview], Awaitable[bool]]
"""Asks a person whether that shall be done."""

_TAG = "AUTHENTIK_TAG"


@dataclass(frozen=True)
class Restored:
    """What serves now, the *backup* or the *dump*, and how long it took.

    For *away* seconds of it nobody was served. *safety_missing* says of the stores that lack the
    safety backup why, where others have it. *from_nothing*: there was no database before.
    *no_grants* says why its grants were left out. *ways* are those of an undo.
    """

    job: str
    backup: str
    version: str | None
    seconds: float
    undone: str = ""
    dump: str = ""
    away: float = 0.0
    safety_missing: Mapping[str, str] = field(default_factory=dict)
    from_nothing: bool = False
    no_grants: str = ""
    ways: Ways = field(default_factory=Ways)

    @property
    def source(self) -> str:
        return f"the dump {self.dump}" if self.dump else f"backup {self.backup}"

    @property
    def words(self) -> str:
        """In a sentence, for the journal."""
        version = f", Authentik {self.version}" if self.version else ""
        away = f"; nobody could log in for {duration(self.away)}"
        back = f"; {NO_WAY_BACK}" if self.from_nothing else ""
        if self.undone:
            took = f"in {duration(self.seconds)}"
            older = "".join(f"; older is {each}" for each in self.ways.older)
            return (
                f"the restore {self.undone} was taken back {took}{version}{away}{back};"
                f" serves {self.ways.to or 'what did before'}{older}"
            )
        grants = f"; without its grants ({self.no_grants})" if self.no_grants else ""
        words = f"{self.source} serves after {duration(self.seconds)}{version}{away}{grants}{back}"
        return f"{words}; {DEGRADED}{self.doubt}" if self.doubt else words

    @property
    def doubt(self) -> str:
        """What is wrong with the way back, "" for nothing."""
        missing = not_in(self.safety_missing)
        return f"the safety backup of the state before is {missing}" if missing else ""


@dataclass(frozen=True)
class RestoreService:
    """`akbot restore`, from the folder *stack_name* of *stores*, the project's by default.

    *keyring* opens what lies there, another host's perhaps; *safety* backs the state before up.
    What is found damaged is noted in *damage*, None where the stores are another host's.
    """

    engine: Engine
    stores: Stores
    keyring: Keyring
    clock: Clock
    publish: Publish
    locks: ReadLocks
    workplace: Workplace
    patience: GatePatience
    safety: BackupService
    stack_name: str | None = None
    damage: DamageNotes | None = None

    async def preview(self, command: RunRestore) -> Preview:
        """`--dry-run`: what would be done, as far as it can be told without reading the backup."""
        stack = await self.engine.find_stack()
        chosen = await self._choose(command, stack)
        site = await self.workplace.survey(stack)
        tools = await self.workplace.tools(site, chosen.record.id)
        return (await self._decide(command, chosen, stack, site, tools)).preview

    async def run(self, command: RunRestore, job: JobLog, confirm: Confirm) -> Restored:
        """Restore, and return once the restored state has held at the gate.

        Raises RefusedError, and nothing was changed, where it does not fit, is not trusted or
        nobody agreed; else what failed first, and what it left is in *job*'s page.
        """
        started, begin = self.clock.monotonic(), telling(job, self.publish)
        stack = await self.engine.find_stack()
        chosen = await self._choose(command, stack)
        record, manifest = chosen.record, chosen.manifest
        await job.plan(**{READS: record.id})
        async with AsyncExitStack() as context:
            await context.enter_async_context(self.locks.reading(record.id))
            site = await self.workplace.survey(stack)
            tools = await self.workplace.tools(site, job.id)
            decided = await self._decide(command, chosen, stack, site, tools)
            objects = await self._prove(chosen, decided.choice, begin)
            if not await confirm(decided.preview):
                raise RefusedError(
                    "the restore was not confirmed", hint="Nothing was changed. --yes confirms it."
                )
            source = f"backup {record.id}"
            missing = await back_up_before(source, command, self.safety, job, begin)
            if decided.images:
                await begin("getting the image")
            for image, image_digest in decided.images.items():
                await tools.control.pull(image, image_digest, self._meter.pulling())
            tag = await tools.control.tag_change(decided.choice.image, decided.texts)
            plan = decided.plan(manifest, site, job.id, tag)
            await job.plan(**facts_of(plan), **{PHASE: Phase.BESIDE})
            opening = Opening(objects, self.keyring.identities, self._meter)
            beside = Beside(plan, tools, opening, begin, decided.texts)
            components = decided.choice.components
            no_grants = await beside.make(
                components, manifest.database, keep_queue=command.keep_queue
            )
        switch = Switch(plan, tools, self.workplace)
        away = await switch_and_hold(switch, job, begin, self.patience, self.clock)
        seconds = self.clock.monotonic() - started
        return Restored(
            job.id,
            record.id,
            plan.version,
            seconds,
            away=away,
            safety_missing=missing,
            from_nothing=plan.from_nothing,
            no_grants=no_grants,
        )

    @property
    def _meter(self) -> Meter:
        return Meter(self.publish, self.clock)

    async def _choose(self, command: RunRestore, stack: Stack) -> Chosen:
        name = self.stack_name or stack.project
        return await choose_backup(command, self.stores, name, self.keyring)

    async def _decide(
        self, command: RunRestore, chosen: Chosen, stack: Stack, site: Site, tools: Tools
    ) -> Decided:
        record, manifest = chosen.record, chosen.manifest
        found = await look_at(stack, site, tools)
        require_to_back_up(
            site.database,
            is_there=found.has_database,
            wanted=command.safety_backup,
            what=record.id,
        )
        live, contents, unknown = await glance(tools, site.database, found)
        then = await self._config_of(record, manifest)
        past = None
        if command.apply_compose and not fits_layout(manifest, found, command):
            past = await plan_past(site, then, tools)
            require_no_sessions(past.past, command)
            found = replace(found, folders=past.past.folders, has_redis=past.past.has_redis)
        choice = choose_components(manifest, found, command)
        client = judge_client(await tools.databases.client_version()) if choice.database else ""
        preview = Preview(
            backup_id=record.id,
            manifest=manifest,
            components=tuple(each.name for each in choice.components),
            untouched=untouched_by(choice, manifest),
            version_now=site.version,
            version_then=manifest.software.authentik if choice.database else site.version,
            sessions=choice.sessions,
            safety_backup=command.safety_backup,
            newest=chosen.newest,
            live=live,
            contents=contents,
            differences=tuple(await self._differences(then, stack, past)),
            compose=past.diff if past else "",
            absent=site.database if choice.database and not found.has_database else "",
            warnings=(
                *safety_words(manifest),
                *choice.warnings,
                *(past.past.warnings if past else ()),
                *unknown,
                *self._strange(manifest, stack),
                *([client] if client else []),
                *(["its signature was not checked"] if command.allow_unsigned else []),
            ),
        )
        return Decided(choice, preview, past)

    def _strange(self, manifest: Manifest, stack: Stack) -> list[str]:
        """Whose it is, where it is not this stack's: a store may hold another one's alone."""
        own = self.safety.stack_name or stack.project
        if manifest.stack == own:
            return []
        return [f'it is a backup of the stack "{manifest.stack}"; this one is "{own}"']

    async def _config_of(self, record: BackupRecord, manifest: Manifest) -> Mapping[str, bytes]:
        """The files of its configuration by name, none where it has none."""
        component = manifest.component(CONFIG)
        if component is None:
            return {}
        store = self.stores.holding(record)
        async with self._noting(record, component):
            check = restore_check(component)
            packed = await read_component(
                store, component, self.keyring.identities, lambda blocks: whole(blocks, check)
            )
        return await asyncio.to_thread(read_config, packed)

    async def _differences(
        self, then: Mapping[str, bytes], stack: Stack, past: PastFiles | None
    ) -> list[str]:
        """How the configuration differs that stays as it is."""
        if not then:
            return []
        packed = await whole(self.engine.files(stack).config())
        now = await asyncio.to_thread(read_config, packed)
        if past:
            then, now = without_compose(then), without_compose(now)
        return compare_configs(then, now, _TAG)

    async def _prove(self, chosen: Chosen, choice: Choice, begin: Begin) -> ProvenObjects:
        """Read all that will be used, whole, before anything else sees a byte of it."""
        objects = ProvenObjects(self.stores.holding(chosen.record))
        sizes: dict[str, int] = {}
        for component in choice.components:
            await begin(f"checking {component.name}")
            read = self._meter.reading(objects, component.stored_size)
            async with self._noting(chosen.record, component):
                sizes[component.name] = await verify_component(
                    read, component, self.keyring.identities, as_restored=True
                )
        require_room_for(choice, chosen.manifest, sizes)
        return objects

    @asynccontextmanager
    async def _noting(self, record: BackupRecord, component: Component) -> AsyncIterator[None]:
        """What does not open as it must is not chosen again."""
        try:
            yield
        except BotError as error:
            error.hint = error.hint or "Nothing was changed. Use another backup."
            if self.damage and isinstance(error, IntegrityError):
                await self.damage.remember(record, component, error)
            if isinstance(error, UnsafeArchiveError):
                raise refusal_of(error) from error
            raise
