"""The composition root: the only place that builds objects."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from importlib.metadata import version

from bot.adapters import keyfiles
from bot.adapters.allocator import share_arenas
from bot.adapters.clock import SystemClock
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.daemon_health import DaemonHealth
from bot.adapters.directory import DirectoryStore
from bot.adapters.disk import HostDisk
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.journal import Journal
from bot.adapters.keys import HostKeys
from bot.adapters.kit_file import KitFile
from bot.adapters.read_locks import ReadLocks
from bot.adapters.restore_place import DockerWorkplace
from bot.adapters.s3 import Patience, S3Credentials, S3Store
from bot.adapters.stack_lock import StackLock
from bot.adapters.state_folder import StateFolder
from bot.app_restores import Restores, confirmed_before
from bot.app_updates import Updates
from bot.domain.catalogue import BackupRecord, choose
from bot.domain.components import require_components
from bot.domain.discovery import StackWanted
from bot.domain.drill import DrillReport
from bot.domain.jobs import Job, JobKind, JobState, as_it_stands
from bot.domain.manifest import Manifest
from bot.domain.messages import Command, RunBackup, RunDrill, RunPrune, RunRestore
from bot.domain.retention import RetentionPlan
from bot.domain.stack import Role
from bot.domain.store_url import DirectoryLocation, S3Location, parse_store_url
from bot.services.backup import BackupService
from bot.services.catalogue import list_backups
from bot.services.check import CheckService
from bot.services.drill import DrillHistory, DrillService
from bot.services.jobs import Begun, Jobs
from bot.services.kept import KeptService
from bot.services.kit import KitPlace, KitService
from bot.services.operations import Listener
from bot.services.pins import PinService
from bot.services.ports import BackupStore, JobLog, Publish
from bot.services.prune import Pruned, PruneService
from bot.services.restore import Confirm, Restored
from bot.services.undo import Undo
from bot.services.verify import VerifyService
from bot.settings import Settings

_BACKUPS = "backups"


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
        self.lock = StackLock(self.folder, self.engine, self.journal.jobs)
        compose = ComposeProgram(
            settings.client_environment(), settings.state_folder / "compose.lock"
        )
        self.restores = Restores(
            self.engine,
            self.store,
            self.journal.jobs,
            self.clock,
            self.keys,
            self.read_locks,
            DockerWorkplace(self.engine, compose),
            settings.gate,
            settings.stack or None,
        )
        self.updates = Updates(settings, self.engine, self.journal, self.clock, self.store)
        undo = Undo(
            self.engine,
            self.store,
            self.journal.jobs,
            self.clock,
            self.keys.trusted,
            {JobKind.RESTORE: self.restores.recovery().settle},
        )
        self.jobs = Jobs(self.journal.jobs, self.lock, undo, self.clock, self.listeners)

    async def stack_name(self) -> str:
        """The stack's folder in the store."""
        return self.settings.stack or (await self.engine.find_stack()).project

    async def backup(self, command: RunBackup, begun: Begun | None = None) -> Manifest:
        """`akbot backup`, as a job."""
        if command.components:  # before it is a job: a name that is wrong is no backup that failed
            require_components(await self.engine.find_stack(), command.components)

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

    async def pin(self, wanted: str, pinned: bool) -> BackupRecord:  # noqa: FBT001 - its one question
        """`akbot pin`."""
        backup_id = choose(await self.backups(), wanted).id
        keyring = await asyncio.to_thread(self.keys.keyring)
        service = PinService(self.store, keyring, self.read_locks, await self.stack_name())
        return await service.run(backup_id, pinned=pinned)

    async def drill(self, command: RunDrill, begun: Begun | None = None) -> DrillReport:
        """`akbot drill`, as a job."""

        async def work(job: JobLog, publish: Publish) -> DrillReport:
            keyring = await asyncio.to_thread(self.keys.keyring)
            record = choose(await self.backups(), command.backup)
            service = DrillService(
                self.engine,
                self.store,
                keyring,
                self.clock,
                publish,
                self.read_locks,
                boot=command.boot,
            )
            return await service.run(record, job)

        return await self.jobs.run(command, work, begun, lambda report: report.words)

    async def restore(
        self, command: RunRestore, confirm: Confirm, begun: Begun | None = None
    ) -> Restored:
        """`akbot restore`, as a job."""

        async def work(job: JobLog, publish: Publish) -> Restored:
            return await self.restores.run(command, job, publish, confirm)

        return await self.jobs.run(command, work, begun, lambda restored: restored.words)

    def kept(self) -> KeptService:
        """What restores have kept for an undo."""
        place = self.restores.workplace
        return KeptService(self.journal.jobs, self.lock, self.clock, place, self.backups)

    async def run(self, command: Command, begun: Begun | None = None) -> object:
        """Whatever job *command* asks for."""
        match command:
            case RunBackup():
                return await self.backup(command, begun)
            case RunPrune():
                return await self.prune(command, begun)
            case RunDrill():
                return await self.drill(command, begun)
            case RunRestore():
                return await self.restore(command, confirmed_before, begun)
            case _:
                raise TypeError(f"no job runs on {type(command).__name__}")

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
            DrillHistory(self.store, self.keys.trusted),
            self.settings.plan_of_drills,
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

    async def jobs_as_they_stand(self, limit: int) -> list[Job]:
        """The newest jobs, the newest first; one whose process is gone does not run."""
        jobs = await self.journal.jobs.jobs(limit)
        running = {job.id for job in jobs if job.state is JobState.RUNNING}
        if not running or await self.folder.has_job():
            return list(jobs)
        # one that ran before the lock was seen free and runs after has nobody: else it just ended
        later = await self.journal.jobs.jobs(limit)
        return [as_it_stands(job, somebody_works=job.id not in running) for job in later]

    async def close(self) -> None:
        """Give back connections and threads."""
        await self.journal.close()
        await self.updates.close()
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
