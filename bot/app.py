"""The composition root: the only place that builds objects."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from bot.adapters import keyfiles
from bot.adapters.allocator import share_arenas
from bot.adapters.clock import SystemClock
from bot.adapters.daemon_health import DaemonHealth
from bot.adapters.directory import DirectoryStore
from bot.adapters.disk import HostDisk
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.journal import Journal
from bot.adapters.keys import HostKeys
from bot.adapters.kit_file import KitFile
from bot.adapters.read_locks import ReadLocks
from bot.adapters.s3 import Patience, S3Credentials, S3Store
from bot.adapters.stack_lock import StackLock
from bot.adapters.state_folder import StateFolder
from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord
from bot.domain.daemon_report import DaemonReport
from bot.domain.discovery import StackWanted
from bot.domain.jobs import JobState, describe
from bot.domain.manifest import Manifest
from bot.domain.messages import RunBackup, RunPrune
from bot.domain.retention import RetentionPlan
from bot.domain.stack import Role
from bot.domain.store_url import DirectoryLocation, S3Location, parse_store_url
from bot.entrypoints.daemon import Daemon
from bot.entrypoints.health import health_server
from bot.entrypoints.logs import start_log
from bot.entrypoints.scheduler import Scheduler
from bot.services.backup import BackupService
from bot.services.catalogue import list_backups
from bot.services.check import CheckService
from bot.services.jobs import Begun, Jobs
from bot.services.kit import KitPlace, KitService
from bot.services.operations import Listener, Operations
from bot.services.pins import PinService
from bot.services.ports import BackupStore, JobLog, Publish
from bot.services.prune import Pruned, PruneService
from bot.services.runner import JobRunner
from bot.services.undo import Undo
from bot.services.verify import VerifyService
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.entrypoints.telegram.chat import Chat

_BACKUPS = "backups"

logger = logging.getLogger(__name__)


class App:
    """The objects that commands work with, built from *settings*."""

    def __init__(
        self, settings: Settings, listeners: Sequence[Listener] = (), *, patient: bool = True
    ) -> None:
        self.settings = settings
        self.keys = HostKeys(
            settings.state_folder,
            settings.identity_file,
            settings.recipients,
            settings.trusted_keys,
        )
        self.clock = SystemClock()
        wanted = StackWanted(settings.project, settings.service_names(), settings.named_services())
        self.engine = DockerEngine(EngineApi(settings.docker_host), wanted)
        self.store = _build_store(settings, patient=patient)
        self.folder = StateFolder(settings.state_folder)
        self.journal = Journal(self.folder)
        self.read_locks = ReadLocks(self.folder)
        self.policy = settings.retention(settings.zone)
        self.listeners = [*listeners]
        undo = Undo(self.engine, self.store, self.journal.jobs, self.clock, self.keys.trusted)
        lock = StackLock(self.folder, self.engine, self.journal.jobs)
        self.jobs = Jobs(self.journal.jobs, lock, undo, self.clock, self.listeners)

    async def stack_name(self) -> str:
        """The stack's folder in the store."""
        return self.settings.stack or (await self.engine.find_stack()).project

    async def backup(self, command: RunBackup, begun: Begun | None = None) -> Manifest:
        """`akbot backup`, as a job."""

        async def work(job: JobLog, publish: Publish) -> Manifest:
            keyring = await asyncio.to_thread(self.keys.keyring)
            stack = self.settings.stack or None
            service = BackupService(self.engine, self.store, keyring, self.clock, publish, stack)
            return await service.run(command, job)

        return await self.jobs.run(command, work, begun)

    def verify(self, publish: Publish) -> VerifyService:
        """`akbot verify`."""
        identities = self.keys.identities()
        return VerifyService(self.engine, self.store, identities, publish, self.read_locks)

    async def prune(self, command: RunPrune, begun: Begun | None = None) -> Pruned:
        """`akbot prune`, as a job."""
        stack = await self.stack_name()

        async def work(job: JobLog, publish: Publish) -> Pruned:
            return await self._prune_service(stack, publish).run(command, job)

        return await self.jobs.run(command, work, begun, lambda pruned: pruned.words)

    async def plan_prune(self) -> RetentionPlan:
        """`akbot prune --dry-run`."""
        return await self._prune_service(await self.stack_name(), lambda _: None).preview()

    def _prune_service(self, stack: str, publish: Publish) -> PruneService:
        return PruneService(
            self.store,
            self.journal.jobs,
            self.read_locks,
            self.clock,
            self.keys.trusted(),
            publish,
            self.policy,
            stack,
        )

    async def pin(self, backup_id: BackupId, *, pinned: bool) -> BackupRecord:
        """`akbot pin`."""
        keyring = await asyncio.to_thread(self.keys.keyring)
        service = PinService(self.store, keyring, self.read_locks, await self.stack_name())
        return await service.run(backup_id, pinned=pinned)

    def check(self) -> CheckService:
        """`akbot check`."""
        return CheckService(
            self.engine,
            self.store,
            HostDisk(),
            self.clock,
            DaemonHealth(self.settings.health_listen),
            self.keys.facts,
            KitFile(self.folder),
            timedelta(days=self.settings.kit_reminder),
            self.folder,
            self.journal.jobs,
            self.settings.stack or None,
        )

    def kit(self) -> KitService:
        """`akbot kit`."""
        return KitService(
            self.keys,
            partial(keyfiles.read_identities, setting="--identity"),
            KitFile(self.folder),
            self.clock,
            KitPlace(
                store=_location(self.settings),
                database_service=self.settings.service_names()[Role.POSTGRESQL][0],
                version=version("akbot"),
            ),
            self.stack_name,
        )

    async def backups(self) -> list[BackupRecord]:
        """`akbot backups`."""
        return await list_backups(self.store, await self.stack_name(), self.keys.trusted())

    async def close(self) -> None:
        """Give back connections and threads."""
        await self.journal.close()
        await self.store.close()
        await self.engine.close()


@asynccontextmanager
async def open_app(
    settings: Settings, listeners: Sequence[Listener] = (), *, patient: bool = True
) -> AsyncGenerator[App]:
    """The application for one command; a *patient* one sits out an outage of the store."""
    share_arenas()
    app = App(settings, listeners, patient=patient)
    try:
        yield app
    finally:
        await app.close()


def _build_store(settings: Settings, *, patient: bool) -> BackupStore:
    location = _location(settings)
    if isinstance(location, DirectoryLocation):
        return DirectoryStore(location.path)
    patience = Patience(
        answer_seconds=settings.store_timeout,
        outage_seconds=settings.store_outage if patient else 0,
    )
    return S3Store(
        location, _credentials(settings), max_parts=settings.store_max_parts, patience=patience
    )


def _location(settings: Settings) -> S3Location | DirectoryLocation:
    """Where the store is: the folder in the state folder where no setting names one."""
    if not settings.store:
        return DirectoryLocation(settings.state_folder / _BACKUPS)
    return parse_store_url(settings.store)


def _credentials(settings: Settings) -> S3Credentials | None:
    """The key pair of the settings; without one boto3 looks in its usual places."""
    if not settings.aws_access_key_id:
        return None
    token = settings.aws_session_token
    return S3Credentials(
        settings.aws_access_key_id,
        settings.aws_secret_access_key,
        token if token.get_secret_value() else None,
    )


async def serve(settings: Settings) -> None:
    """`akbot run`: work until SIGTERM or SIGINT, then end in order."""
    start_log(settings.secrets())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_app(settings) as app:
        await _Service(app).run(stop)


class _Service:
    """The daemon's parts, built and tied together."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._runner = JobRunner(
            app.journal.jobs,
            app.clock,
            app.backup,
            app.backups,
            app.engine.find_stack,
            None if app.policy.keeps_everything else app.prune,
        )
        self._chat = _build_chat(app, self._runner)
        self._troubles: dict[str, str] = {}
        if self._chat:
            app.listeners.append(self._chat.listener)

    async def run(self, stop: asyncio.Event) -> None:
        app, settings = self._app, self._app.settings
        # a wrong key and a journal that cannot be read are told now, not at night
        await asyncio.to_thread(app.keys.keyring)
        await app.journal.jobs.open_jobs()
        parts = [self._chat.run] if self._chat else []
        if settings.plan_of_backups:
            since = await app.folder.made_at()
            scheduler = Scheduler(
                settings.plan_of_backups, self._runner, app.clock, since, self._troubles
            )
            parts.append(scheduler.run)
        daemon = Daemon(
            runner=self._runner,
            journal=app.journal.jobs,
            recover=app.jobs.recover,
            probe=app.folder.probe,
            clock=app.clock,
            parts=parts,
            farewell=self._chat.farewell if self._chat else _nothing,
            troubles=self._troubles,
        )
        async with (
            app.folder.hold_for_daemon(),
            health_server(settings.health_listen, self._report),
        ):
            logger.info("akbot runs; backups go to %s", app.store.name)
            await daemon.run(stop)

    async def _report(self) -> Mapping[str, Any]:
        """What `/healthz` says."""
        journal, troubles = self._app.journal.jobs, [*self._troubles.values()]
        open_jobs, stuck = await journal.open_jobs(), await journal.stuck_jobs()
        plan = self._app.settings.plan_of_backups
        following = plan.next_after(self._app.clock.now()) if plan else None
        chat = self._chat.state if self._chat else None
        report = DaemonReport(
            running=tuple(describe(job) for job in open_jobs if job.state is JobState.RUNNING),
            uncleaned=tuple(job.id for job in open_jobs if job.state is not JobState.RUNNING),
            stuck=tuple(job.id for job in stuck),
            troubles=tuple(troubles),
            next_backup=following.astimezone(plan.zone).isoformat() if plan and following else "",
            **({"chat": chat.condition, "chat_words": chat.words} if chat else {}),
        )
        return {"status": report.status, **asdict(report)}


async def _nothing() -> None:
    """There is nobody to say farewell to."""


def _build_chat(app: App, operations: Operations) -> "Chat | None":
    """The chat, where there is a token; its library is imported only then."""
    settings = app.settings
    token = settings.telegram_token.get_secret_value()
    if not token:
        return None
    from bot.entrypoints.telegram.chat import Chat  # noqa: PLC0415

    return Chat(
        token=token,
        base_url=f"{settings.telegram_api}/bot",
        allowed=settings.telegram_admins,
        operations=operations,
        inbox=app.journal.inbox(token.partition(":")[0]),  # its number, which is no secret
        outbox=app.journal.outbox,
        questions=app.journal.questions,
        clock=app.clock,
        zone=settings.zone,
    )
