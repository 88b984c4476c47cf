"""The composition root: the only place that builds objects."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bot.adapters import keyfiles
from bot.adapters.allocator import share_arenas
from bot.adapters.catalogue_file import CatalogueFile
from bot.adapters.clock import SystemClock
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.containers import EngineContainers
from bot.adapters.daemon_health import DaemonHealth
from bot.adapters.disk import HostDisk
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.journal import Journal
from bot.adapters.keys import HostKeys
from bot.adapters.kit_file import KitFile
from bot.adapters.pause_file import PauseFile
from bot.adapters.read_locks import ReadLocks
from bot.adapters.restore_place import DockerWorkplace
from bot.adapters.stack_lock import StackLock
from bot.adapters.state_folder import StateFolder
from bot.app_restores import Restores, confirmed_before
from bot.app_stores import build_stores, make_ready, named_stores, without_absent
from bot.app_updates import Updates
from bot.app_upkeep import Upkeep, damage_logs
from bot.domain.catalogue import BackupRecord, choose
from bot.domain.components import require_components
from bot.domain.discovery import StackWanted
from bot.domain.drill import DrillReport
from bot.domain.jobs import JobKind, Trigger
from bot.domain.manifest import Manifest
from bot.domain.messages import (
    Command,
    RunBackup,
    RunCopy,
    RunDrill,
    RunPrune,
    RunRekey,
    RunRestore,
    RunRollback,
    RunUpdate,
)
from bot.domain.stack import Role
from bot.domain.updated import Updated
from bot.services.backup import BackedUp, BackupService
from bot.services.catalogue import Listing
from bot.services.check import CheckService
from bot.services.damage import DamageLog
from bot.services.damage_elsewhere import elsewhere
from bot.services.drill import DrillService
from bot.services.drill_history import DrillHistory
from bot.services.jobs import Begun, Jobs
from bot.services.kept import KeptService
from bot.services.kit import KitPlace, KitService
from bot.services.newest import Newest
from bot.services.operations import Listener
from bot.services.orders import Orders
from bot.services.ports import Clock, JobLog, Publish
from bot.services.restore import Confirm, Restored
from bot.services.rollback import ConfirmRollback, RolledBack, rolled_back_after_all
from bot.services.standing import Standing
from bot.services.store_ports import BackupStore
from bot.services.stores import Catalogue
from bot.services.undo import Undo
from bot.services.update import Ask, nobody_to_ask, updated_after_all
from bot.services.update import Confirm as UpdateConfirm
from bot.services.verify import Verified, VerifyService, verify_in_each
from bot.services.whereabouts import Whereabouts
from bot.settings import Settings

Tell = Callable[[str], object]
logger = logging.getLogger(__name__)


class App:
    """The objects that commands work with, built from *settings*.

    *tell* takes a line for a person that belongs to no job.
    """

    def __init__(
        self,
        settings: Settings,
        listeners: Sequence[Listener] = (),
        *,
        patient: bool = True,
        tell: Tell = logger.warning,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.keys = HostKeys(
            settings.state_folder,
            settings.identity_file,
            settings.recipients,
            settings.trusted_keys,
            tell,
        )
        self.clock: Clock = clock or SystemClock()
        given = settings.database_settings
        wanted = StackWanted(
            settings.project, settings.service_names(), settings.named_services(), given.host
        )
        self.folder = StateFolder(settings.state_folder)
        api = EngineApi(settings.docker_host, self.folder.id)
        self.engine = DockerEngine(api, wanted, given)
        self.containers = EngineContainers(self.engine.api, wanted)
        self.catalogue_file = CatalogueFile(self.folder)
        listing = Listing(self.catalogue_file, tell)
        self.stores = build_stores(settings, patient=patient, listing=listing)
        self.journal = Journal(self.folder)
        self.seen: Catalogue | None = None  # what the last look at all stores found
        self.pause = PauseFile(self.folder, Path(settings.place))
        self.read_locks = ReadLocks(self.folder)
        self.listeners = [*listeners]
        self.ask_whoever_began: Callable[[RunUpdate], Ask] = lambda _: nobody_to_ask
        self.lock = StackLock(self.folder, self.engine, self.journal.jobs)
        compose = ComposeProgram(
            settings.client_environment(), settings.state_folder / "compose.lock"
        )
        self.restores = Restores(
            self.engine,
            self.stores,
            self.journal.jobs,
            self.clock,
            self.keys,
            self.read_locks,
            DockerWorkplace(self.engine, compose),
            settings.gate,
            settings.stack or None,
        )
        self.updates = Updates(
            settings,
            self.engine,
            self.journal,
            self.clock,
            self.stores,
            self.keys,
            self.restores.workplace,
            compose,
        )
        undo = Undo(
            self.engine,
            self.stores,
            self.journal.jobs,
            self.clock,
            self.keys.trusted,
            {JobKind.RESTORE: self.restores.recovery().settle, **self.updates.settlers()},
        )
        self.whereabouts = Whereabouts(self.engine, self.journal.jobs, settings.stack)
        self.standing = Standing(self.journal.jobs, self.folder.has_job)
        self.orders = Orders(self.journal.orders, self.clock)
        self.jobs = Jobs(self.journal.jobs, self.lock, undo, self.clock, self.listeners)
        self.upkeep = Upkeep(
            self.jobs,
            self.stores,
            self.journal.jobs,
            self.read_locks,
            self.clock,
            self.keys,
            self.whereabouts.name,
            self.backups,
        )

    async def backup(self, command: RunBackup, begun: Begun | None = None) -> BackedUp:
        """`akbot backup`, as a job."""
        if command.components:  # before it is a job: a name that is wrong is no backup that failed
            # a restore that was cut off may have left no stack to look at
            await self.jobs.recover()
            require_components(await self.engine.find_stack(), command.components)
        if command.trigger is not Trigger.SCHEDULE:  # whose failure must be told as a job's
            await make_ready(self.stores)

        async def work(job: JobLog, publish: Publish) -> BackedUp:
            keyring = await asyncio.to_thread(self.keys.keyring)
            stack = self.settings.stack or None
            service = BackupService(self.engine, self.stores, keyring, self.clock, publish, stack)
            return await service.run(command, job)

        return await self.jobs.run(command, work, begun, lambda done: done.words)

    def verify(self, publish: Publish, record: BackupRecord) -> dict[str, VerifyService]:
        """`akbot verify`, for each store that has *record*, by its name."""
        wanted = {*record.stores, *record.damaged_in}
        identities = self.keys.identities()

        def service(store: BackupStore) -> VerifyService:
            log = self._damage_log(store)
            return VerifyService(
                self.engine, store, identities, self.clock, publish, self.read_locks, log
            )

        places = [each for each in self.stores.places if each.name in wanted]
        return {place.name: service(place.store) for place in places}

    @property
    def _damage_log(self) -> Callable[[BackupStore], DamageLog]:
        return damage_logs(self.keys, self.clock)

    async def read_back(self, wanted: str, publish: Publish) -> Verified:
        """Verify one backup, in every store that has it."""
        record = choose(await self.backups(), wanted)
        services = await asyncio.to_thread(self.verify, publish, record)
        return await verify_in_each(services, record, publish)

    async def drill(self, command: RunDrill, begun: Begun | None = None) -> DrillReport:
        """`akbot drill`, as a job."""

        async def work(job: JobLog, publish: Publish) -> DrillReport:
            keyring = await asyncio.to_thread(self.keys.keyring)
            record = choose(await self.backups(), command.backup)
            service = DrillService(
                self.engine,
                self.stores.holding(record),
                keyring,
                self.clock,
                publish,
                self.read_locks,
                self._damage_log(self.stores.holding(record)),
                elsewhere(self.stores, record, self._damage_log),
                boot=command.boot,
            )
            return await service.run(record, job)

        return await self.jobs.run(command, work, begun, lambda report: report.words)

    async def restore(
        self, command: RunRestore, confirm: Confirm, begun: Begun | None = None
    ) -> Restored:
        """`akbot restore`, as a job."""
        await self.restores.require_dump(command)  # as for a backup: no job for a wrong name

        async def work(job: JobLog, publish: Publish) -> Restored:
            return await self.restores.run(command, job, publish, confirm)

        return await self.jobs.run(command, work, begun, lambda restored: restored.words)

    async def update(
        self, command: RunUpdate, confirm: UpdateConfirm, ask: Ask, begun: Begun | None = None
    ) -> Updated:
        """`akbot update`, as a job."""

        async def work(job: JobLog, publish: Publish) -> Updated:
            return await self.updates.run(command, job, publish, confirm, ask)

        return await self.jobs.run(
            command,
            work,
            begun,
            lambda done: done.words,
            partial(updated_after_all, self.clock),
        )

    async def rollback(
        self, command: RunRollback, confirm: ConfirmRollback, begun: Begun | None = None
    ) -> RolledBack:
        """`akbot rollback`, as a job."""

        async def work(job: JobLog, publish: Publish) -> RolledBack:
            return await self.updates.roll_back(command, job, publish, confirm)

        return await self.jobs.run(
            command,
            work,
            begun,
            lambda done: done.words,
            partial(rolled_back_after_all, self.clock),
        )

    def kept(self) -> KeptService:
        """What restores and updates have kept for the way back."""
        place = self.restores.workplace
        return KeptService(
            self.journal.jobs,
            self.lock,
            self.clock,
            place,
            self.updates.kept(),
            self.backups,
            self.settings.kept_for,
        )

    async def run(self, command: Command, begun: Begun | None = None) -> object:
        """Whatever job *command* asks for."""
        match command:
            case RunBackup():
                return await self.backup(command, begun)
            case RunPrune():
                return await self.upkeep.prune(command, begun)
            case RunCopy():
                return await self.upkeep.copy(command, begun)
            case RunRekey():
                return await self.upkeep.rekey(command, begun)
            case RunDrill():
                return await self.drill(command, begun)
            case RunRestore() | RunUpdate() | RunRollback():
                return await self._run_agreed(command, begun)
            case _:
                raise TypeError(f"no job runs on {type(command).__name__}")

    async def _run_agreed(
        self, command: RunRestore | RunUpdate | RunRollback, begun: Begun | None
    ) -> object:
        """What takes the server away, to whose plan a person has agreed before."""
        agreed = confirmed_before(command.agreed)
        match command:
            case RunRestore():
                return await self.restore(command, agreed, begun)
            case RunUpdate():
                return await self.update(command, agreed, self.ask_whoever_began(command), begun)
            case RunRollback():
                return await self.rollback(command, agreed, begun)

    def check(self) -> CheckService:
        """`akbot check`."""
        return CheckService(
            self.engine,
            self.stores,
            HostDisk(),
            self.clock,
            DaemonHealth(self.settings.health_listen),
            self.keys.facts,
            KitFile(self.folder),
            timedelta(days=self.settings.kit_reminder),
            self.folder,
            self.pause,
            self.journal.jobs,
            DrillHistory(self.stores, self.keys.trusted),
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
                stores=named_stores(self.settings),
                database_service=self.settings.service_names()[Role.POSTGRESQL][0],
                version=version("akbot"),
            ),
            self.whereabouts.name,
        )

    async def catalogue(self) -> Catalogue:
        """What lies in which store; a folder that is not there has not answered."""
        name = await self.whereabouts.name()
        catalogue = await self.stores.catalogue(name, self.keys.trusted())
        if self.settings.store:  # else a folder of akbot's own, which the first backup makes
            catalogue = await without_absent(catalogue, self.stores)
        self.seen = catalogue
        return catalogue

    async def backups(self) -> list[BackupRecord]:
        """All of them once, newest first. Raises PortError where no store answers."""
        return (await self.catalogue()).require_an_answer().records

    async def manifest(self, record: BackupRecord) -> Manifest:
        """That of a backup of the list, as it lies in the store now."""
        return await self.stores.manifest(record, self.keys.trusted())

    def newest(self) -> Newest:
        """When the newest backup and the newest drill were made that count."""
        history = DrillHistory(self.stores, self.keys.trusted)
        return Newest(self.backups, history, self.journal.jobs, self.whereabouts.name)

    async def close(self) -> None:
        """Give back connections and threads."""
        await self.journal.close()
        await self.updates.close()
        await self.stores.close()
        await self.catalogue_file.close()
        await self.engine.close()


@asynccontextmanager
async def open_app(
    settings: Settings,
    listeners: Sequence[Listener] = (),
    *,
    patient: bool = True,
    tell: Tell = logger.warning,
    clock: Clock | None = None,
) -> AsyncGenerator[App]:
    """The application for one command; a *patient* one sits out an outage of the store."""
    share_arenas()
    app = App(settings, listeners, patient=patient, tell=tell, clock=clock)
    try:
        yield app
    finally:
        await app.close()
