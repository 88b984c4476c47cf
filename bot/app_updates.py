"""What updates and rollbacks are built from."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial

from bot.adapters.compose_drift import DockerDrift
from bot.adapters.compose_files import ProjectComposeFiles
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.container_tail import DockerTail
from bot.adapters.engine import DockerEngine
from bot.adapters.evidence import LogFolder
from bot.adapters.gate_place import live_probe
from bot.adapters.image_file import PulledImages
from bot.adapters.journal import Journal
from bot.adapters.keys import HostKeys
from bot.adapters.network_guests import network_guests
from bot.adapters.preflight import DockerPreflight
from bot.adapters.registry import HttpRegistry
from bot.adapters.registry_cache import RegistryCache
from bot.adapters.registry_login import DockerLogins
from bot.adapters.rehearsal import DockerRehearsals
from bot.adapters.release_feed import HttpReleaseFeed
from bot.adapters.restore_place import DockerWorkplace
from bot.adapters.state_folder import StateFolder
from bot.domain.backup_id import BackupId
from bot.domain.jobs import JobKind
from bot.domain.messages import RunRollback, RunUpdate
from bot.domain.restore import Site
from bot.domain.rollback import RollbackPreview
from bot.domain.update_gate import Baseline, Patience
from bot.domain.update_outlook import Target
from bot.domain.update_preview import UpdatePreview
from bot.domain.updated import Updated
from bot.services.backup import BackupService
from bot.services.half_backups import HalfBackups
from bot.services.keyring import Keyring
from bot.services.looks import Looks
from bot.services.ports import Clock, JobLog, Publish
from bot.services.preflight import Preflight
from bot.services.rehearsal import Rehearsal
from bot.services.rollback import (
    ConfirmRollback,
    RollbackRecovery,
    RollbackService,
    RolledBack,
    WayBackDown,
)
from bot.services.stores import Stores
from bot.services.undo import Settle
from bot.services.update import Confirm, UpdateService
from bot.services.update_check import UpdateCheck
from bot.services.update_gate import UpdateGate
from bot.services.update_kept import UpdateKept
from bot.services.update_memory import UpdateMemory
from bot.services.update_ports import Ask, AskWhoeverBegan
from bot.services.update_recovery import UpdateRecovery
from bot.services.update_watch import TellNews, UpdateWatch
from bot.settings import Settings

_SPARE = 3.0  # the live database is busier than its copy was


@dataclass(frozen=True)
class LiveGates:
    """Port `Gates`: before the stack's own server and worker."""

    engine: DockerEngine
    clock: Clock
    settings: Settings
    compose: ComposeProgram

    @property
    def stable(self) -> float:
        return self.settings.gate_stable

    def of(self, site: Site, expected: float = 0) -> UpdateGate:
        clients = self.engine.clients_at(site, self.compose)
        probe = live_probe(self.engine.api, site, self.settings.site_checks, clients)
        patience = self.settings.update_patience
        patience = replace(patience, timeout=max(patience.timeout, _SPARE * expected))
        return UpdateGate(probe, self.clock, patience)


@dataclass(frozen=True)
class Updates:
    """Checks, preflights, updates, rollbacks, and what settles those that did not end well."""

    settings: Settings
    engine: DockerEngine
    journal: Journal
    clock: Clock
    stores: Stores
    keys: HostKeys
    workplace: DockerWorkplace
    compose: ComposeProgram

    @cached_property
    def registry(self) -> HttpRegistry:
        settings = self.settings
        cache = RegistryCache(StateFolder(settings.state_folder))
        logins = DockerLogins(settings.docker_folder)
        return HttpRegistry(settings.registry_endpoint, logins, cache, self.clock)

    @property
    def check(self) -> UpdateCheck:
        return UpdateCheck(
            self.engine,
            self.registry,
            PulledImages(self.engine.api),
            HttpReleaseFeed(self.settings.feed_url),
            self.journal.releases,
            self.journal.jobs,
            self.clock,
            self.settings.minimum_age,
        )

    @property
    def preflight(self) -> Preflight:
        look = DockerPreflight(self.engine)
        return Preflight(
            self.check,
            look,
            self.engine,
            self.stores,
            self.clock,
            self._project,
            DockerDrift(self.engine.api, self.compose),
        )

    async def preview(self, command: RunUpdate) -> UpdatePreview:
        """`akbot update --dry-run`."""
        return await (await self._service(_tell_nobody)).preview(command)

    async def targets(self) -> Sequence[Target]:
        """What somebody may want to update to."""
        return await self.check.targets()

    async def run(
        self, command: RunUpdate, job: JobLog, publish: Publish, confirm: Confirm, ask: Ask
    ) -> Updated:
        """The work of a job of kind UPDATE."""
        return await (await self._service(publish)).run(command, job, confirm, ask)

    async def rollback_preview(self, command: RunRollback) -> RollbackPreview:
        """`akbot rollback --dry-run`."""
        return await (await self._rollbacks(_tell_nobody)).preview(command)

    async def roll_back(
        self, command: RunRollback, job: JobLog, publish: Publish, confirm: ConfirmRollback
    ) -> RolledBack:
        """The work of a job of kind ROLLBACK."""
        return await (await self._rollbacks(publish)).run(command, job, confirm)

    async def last_words(self, job: BackupId) -> str:
        """What the containers that *job* has removed said last, masked."""
        return await self._evidence.read(job)

    def looks(self, akbot: str) -> Looks:
        """What people look up between jobs; *akbot* is its own version."""
        return Looks(self.engine, self.journal.releases, DockerTail(self.engine.api), akbot)

    def watch(self, tell: TellNews) -> UpdateWatch:
        """Looks for new versions by the clock."""
        return UpdateWatch(self.check.run, self.journal.releases, self.clock, tell)

    def rehearsal(self, keyring: Keyring, publish: Publish, before: Baseline) -> Rehearsal:
        """What rehearses an update; *before* is what the live version answers."""
        settings = self.settings
        return Rehearsal(
            self.engine,
            DockerRehearsals(self.engine, settings.site_checks),
            self.stores,
            keyring,
            self.clock,
            publish,
            Patience(stable=settings.rehearsal_stable, timeout=settings.gate_timeout),
            before,
        )

    def settlers(self, ask_whoever_began: AskWhoeverBegan) -> Mapping[JobKind, Settle]:
        """What settles jobs of these kinds that did not end well."""
        backups = HalfBackups(self.engine, self.stores, self.keys.trusted)
        updates = UpdateRecovery(
            self.engine,
            self.journal.jobs,
            self.workplace,
            self._gates,
            self._project,
            self._evidence,
            self._memory,
            backups,
            self.clock,
            self.settings.kept_for,
            ask_whoever_began,
        )
        rollbacks = RollbackRecovery(
            self.engine, self.journal.jobs, self._way_back, backups, self._memory, self.clock
        )
        return {JobKind.UPDATE: updates.settle, JobKind.ROLLBACK: rollbacks.settle}

    def kept(self) -> UpdateKept:
        """What updates and rollbacks have kept for the way back."""
        return UpdateKept(self.workplace, self._project)

    async def close(self) -> None:
        """Give back threads."""
        await self.registry.close()

    @property
    def _evidence(self) -> LogFolder:
        return LogFolder(self.engine.api, self.settings.state_folder)

    @property
    def _gates(self) -> LiveGates:
        return LiveGates(self.engine, self.clock, self.settings, self.compose)

    @property
    def _project(self) -> ProjectComposeFiles:
        image_at = partial(self.engine.database_image_at, compose=self.compose)
        return ProjectComposeFiles(self.engine.api, self.compose, image_at)

    @property
    def _memory(self) -> UpdateMemory:
        return UpdateMemory(self.journal.releases, self.clock)

    @property
    def _way_back(self) -> WayBackDown:
        return WayBackDown(
            self.workplace, self._gates, self._project, self.clock, self.settings.kept_for
        )

    async def _service(self, publish: Publish) -> UpdateService:
        keyring = await asyncio.to_thread(self.keys.keyring)
        return UpdateService(
            self.engine,
            self.preflight,
            self.workplace,
            self._gates,
            self._project,
            partial(self.rehearsal, keyring, publish),
            await self._backups(publish),
            self.journal.jobs,
            self._memory,
            self.clock,
            publish,
            timedelta(seconds=self.settings.gate_ask),
        )

    async def _rollbacks(self, publish: Publish) -> RollbackService:
        return RollbackService(
            self.engine,
            self.journal.jobs,
            self._way_back,
            await self._backups(publish),
            self._memory,
            self.clock,
            publish,
            partial(network_guests, self.engine.api),
        )

    async def _backups(self, publish: Publish) -> BackupService:
        keyring = await asyncio.to_thread(self.keys.keyring)
        stack = self.settings.stack or None
        return BackupService(self.engine, self.stores, keyring, self.clock, publish, stack)


def _tell_nobody(_: object) -> None:
    """A preview is no work of which somebody should hear."""
