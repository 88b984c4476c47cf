"""The composition root: the only place that builds objects."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot.adapters.clock import SystemClock
from bot.adapters.daemon_health import DaemonHealth
from bot.adapters.directory import DirectoryStore
from bot.adapters.disk import HostDisk
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.journal import Journal
from bot.adapters.keys import HostKeys
from bot.adapters.s3 import Patience, S3Credentials, S3Store
from bot.adapters.stack_lock import StackLock
from bot.adapters.state_folder import StateFolder
from bot.domain.catalogue import BackupRecord
from bot.domain.components import require_components
from bot.domain.daemon_report import DaemonReport
from bot.domain.discovery import StackWanted
from bot.domain.jobs import JobState, describe
from bot.domain.manifest import Manifest
from bot.domain.messages import RunBackup
from bot.domain.store_url import DirectoryLocation, parse_store_url
from bot.entrypoints.daemon import Daemon
from bot.entrypoints.health import health_server
from bot.entrypoints.logs import start_log
from bot.entrypoints.scheduler import Scheduler
from bot.services.backup import BackupService
from bot.services.catalogue import list_backups
from bot.services.check import CheckService
from bot.services.jobs import Begun, Jobs
from bot.services.operations import Listener, Operations
from bot.services.ports import BackupStore, JobLog, Publish
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
        self.listeners = [*listeners]
        undo = Undo(self.engine, self.store, self.journal.jobs, self.clock, self.keys.trusted)
        lock = StackLock(self.folder, self.engine, self.journal.jobs)
        self.jobs = Jobs(self.journal.jobs, lock, undo, self.clock, self.listeners)

    async def stack_name(self) -> str:
        """The stack's folder in the store."""
        return self.settings.stack or (await self.engine.find_stack()).project

    async def backup(self, command: RunBackup, begun: Begun | None = None) -> Manifest:
        """`akbot backup`, as a job."""
        keyring = await asyncio.to_thread(self.keys.keyring)
        if command.components:  # before it is a job: a name that is wrong is no backup that failed
            require_components(await self.engine.find_stack(), command.components)

        async def work(job: JobLog, publish: Publish) -> Manifest:
            stack = self.settings.stack or None
            service = BackupService(self.engine, self.store, keyring, self.clock, publish, stack)
            return await service.run(command, job)

        return await self.jobs.run(command, work, begun)

    def verify(self, publish: Publish) -> VerifyService:
        """`akbot verify`."""
        return VerifyService(self.engine, self.store, self.keys.identities(), publish)

    def check(self) -> CheckService:
        """`akbot check`."""
        return CheckService(
            self.engine,
            self.store,
            HostDisk(),
            self.clock,
            DaemonHealth(self.settings.health_listen),
            self.keys.facts,
            str(self.settings.state_folder),
            self.settings.stack or None,
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
    app = App(settings, listeners, patient=patient)
    try:
        yield app
    finally:
        await app.close()


def _build_store(settings: Settings, *, patient: bool) -> BackupStore:
    if not settings.store:
        return DirectoryStore(settings.state_folder / _BACKUPS)
    location = parse_store_url(settings.store)
    if isinstance(location, DirectoryLocation):
        return DirectoryStore(location.path)
    patience = Patience(
        answer_seconds=settings.store_timeout,
        outage_seconds=settings.store_outage if patient else 0,
    )
    return S3Store(
        location, _credentials(settings), max_parts=settings.store_max_parts, patience=patience
    )


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
            app.journal.jobs, app.clock, app.backup, app.backups, app.engine.find_stack
        )
        self._chat = _build_chat(app, self._runner)
        if self._chat:
            app.listeners.append(self._chat.listener)

    async def run(self, stop: asyncio.Event) -> None:
        settings = self._app.settings
        await asyncio.to_thread(self._app.keys.keyring)  # a wrong key is told now, not at night
        parts = [self._chat.run] if self._chat else []
        if settings.plan_of_backups:
            since = await self._app.folder.made_at()
            scheduler = Scheduler(settings.plan_of_backups, self._runner, self._app.clock, since)
            parts.append(scheduler.run)
        daemon = Daemon(
            runner=self._runner,
            journal=self._app.journal.jobs,
            recover=self._app.jobs.recover,
            clock=self._app.clock,
            parts=parts,
            farewell=self._chat.farewell if self._chat else _nothing,
        )
        async with health_server(settings.health_listen, self._report):
            logger.info("akbot runs; backups go to %s", self._app.store.name)
            await daemon.run(stop)

    async def _report(self) -> Mapping[str, Any]:
        """What `/healthz` says."""
        open_jobs = await self._app.journal.jobs.open_jobs()
        plan = self._app.settings.plan_of_backups
        following = plan.next_after(self._app.clock.now()) if plan else None
        chat = self._chat.state if self._chat else None
        report = DaemonReport(
            running=tuple(describe(job) for job in open_jobs if job.state is JobState.RUNNING),
            uncleaned=tuple(job.id for job in open_jobs if job.state is not JobState.RUNNING),
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
