"""The composition root: the only place that builds objects."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.allocator import share_arenas
from bot.adapters.catalogue_file import CatalogueFile
from bot.adapters.clock import SystemClock
from bot.adapters.containers import EngineContainers
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.journal import Journal
from bot.adapters.keys import HostKeys
from bot.adapters.pause_file import PauseFile
from bot.adapters.read_locks import ReadLocks
from bot.adapters.stack_lock import StackLock
from bot.adapters.state_folder import StateFolder
from bot.app_stores import build_stores, make_ready, without_absent
from bot.domain.catalogue import BackupRecord
from bot.domain.components import require_components
from bot.domain.discovery import StackWanted
from bot.domain.errors import ConfigError
from bot.domain.jobs import JobKind, Trigger
from bot.domain.manifest import Manifest
from bot.domain.messages import RunBackup, RunRestore, RunRollback, RunUpdate
from bot.services.catalogue import Listing
from bot.services.jobs import Begun, Jobs, Listener
from bot.services.orders import Orders
from bot.services.ports import Clock, JobLog, Publish
from bot.services.standing import Standing
from bot.services.stores import Catalogue
from bot.services.undo import Settle, Undo
from bot.services.update_ports import Ask, AskWhoeverBegan, nobody_to_ask
from bot.services.whereabouts import Whereabouts, tell_half_way
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.adapters.compose_program import ComposeProgram
    from bot.adapters.restore_place import DockerWorkplace
    from bot.app_proofs import Proofs
    from bot.app_restores import Restores
    from bot.app_updates import Updates
    from bot.app_upkeep import Upkeep
    from bot.domain.updated import Updated
    from bot.services.backup import BackedUp
    from bot.services.restore import Confirm, Restored
    from bot.services.rollback import ConfirmRollback, RolledBack
    from bot.services.update import Confirm as UpdateConfirm

Tell = Callable[[str], object]
logger = logging.getLogger(__name__)


class App:
    """The objects that commands work with, built from *settings*.

    *tell* takes a line for a person that belongs to no job. What changes or proves anything is
    imported and built when it is first asked for: a command that looks needs none of it, and would
    take a third longer.
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
        self.engine = DockerEngine(api, wanted, given, self._tell_half_way)
        self.containers = EngineContainers(self.engine.api, wanted)
        self.catalogue_file = CatalogueFile(self.folder)
        listing = Listing(self.catalogue_file, tell)
        self.stores = build_stores(settings, patient=patient, listing=listing)
        self.journal = Journal(self.folder)
        self.seen: Catalogue | None = None  # what the last look at all stores found
        self.pause = PauseFile(self.folder, Path(settings.place))
        self.read_locks = ReadLocks(self.folder)
        self.listeners = [*listeners]
        self.ask_whoever_began: AskWhoeverBegan = lambda _: nobody_to_ask
        self.lock = StackLock(self.folder, self.engine, self.journal.jobs)
        undo = Undo(
            self.engine,
            self.stores,
            self.journal.jobs,
            self.clock,
            self.keys.trusted,
            self._settler,
        )
        self.whereabouts = Whereabouts(self.engine, self.journal.jobs, settings.stack)
        self.standing = Standing(self.journal.jobs, self.folder.has_job)
        self.orders = Orders(self.journal.orders, self.clock)
        self.jobs = Jobs(self.journal.jobs, self.lock, undo, self.clock, self.listeners)
        self._closing: list[Callable[[], Awaitable[None]]] = []

    @cached_property
    def compose(self) -> "ComposeProgram":
        """Docker Compose, as the stack's own commands."""
        from bot.adapters.compose_program import ComposeProgram  # noqa: PLC0415 - see App

        environment = self.settings.client_environment()
        return ComposeProgram(environment, self.settings.state_folder / "compose.lock")

    @cached_property
    def workplace(self) -> "DockerWorkplace":
        """Where restores and updates change the stack."""
        from bot.adapters.restore_place import DockerWorkplace  # noqa: PLC0415 - see App

        return DockerWorkplace(self.engine, self.compose)

    @cached_property
    def restores(self) -> "Restores":
        """Restores, their undo and their recovery."""
        from bot.app_restores import Restores  # noqa: PLC0415 - see App

        return Restores(
            self.engine,
            self.stores,
            self.journal.jobs,
            self.clock,
            self.keys,
            self.read_locks,
            self.workplace,
            self.settings.gate,
            self.settings.stack or None,
        )

    @cached_property
    def updates(self) -> "Updates":
        """Checks, updates and rollbacks."""
        from bot.app_updates import Updates  # noqa: PLC0415 - see App

        updates = Updates(
            self.settings,
            self.engine,
            self.journal,
            self.clock,
            self.stores,
            self.keys,
            self.workplace,
            self.compose,
        )
        self._closing.append(updates.close)
        return updates

    @cached_property
    def upkeep(self) -> "Upkeep":
        """What looks after backups once they are made."""
        from bot.app_upkeep import Upkeep  # noqa: PLC0415 - see App

        return Upkeep(
            self.jobs,
            self.stores,
            self.journal.jobs,
            self.read_locks,
            self.clock,
            self.keys,
            self.whereabouts.name,
            self.backups,
        )

    @cached_property
    def proofs(self) -> "Proofs":
        """Verifies and drills."""
        from bot.app_proofs import Proofs  # noqa: PLC0415 - see App

        return Proofs(
            self.jobs,
            self.engine,
            self.stores,
            self.read_locks,
            self.clock,
            self.keys,
            self.backups,
        )

    async def _tell_half_way(self, error: ConfigError) -> None:
        await tell_half_way(self.journal.jobs, error)

    def _settler(self, kind: JobKind) -> Settle | None:
        if kind is JobKind.RESTORE:
            return self.restores.recovery().settle
        if kind in {JobKind.UPDATE, JobKind.ROLLBACK}:
            return self.updates.settlers(self._ask)[kind]
        return None

    def _ask(self, command: RunUpdate) -> Ask:
        """As it is set once the chat is there."""
        return self.ask_whoever_began(command)

    async def backup(self, command: RunBackup, begun: Begun | None = None) -> "BackedUp":
        """`akbot backup`, as a job."""
        from bot.services.backup import BackupService  # noqa: PLC0415 - see App

        if command.components:  # before it is a job: a name that is wrong is no backup that failed
            # a restore that was cut off may have left no stack to look at
            await self.jobs.recover()
            require_components(await self.engine.find_stack(), command.components)
        if command.trigger is not Trigger.SCHEDULE:  # whose failure must be told as a job's
            await make_ready(self.stores)

        async def work(job: JobLog, publish: Publish) -> "BackedUp":
            keyring = await asyncio.to_thread(self.keys.keyring)
            stack = self.settings.stack or None
            service = BackupService(self.engine, self.stores, keyring, self.clock, publish, stack)
            return await service.run(command, job)

        return await self.jobs.run(command, work, begun, lambda done: done.words)

    async def restore(
        self, command: RunRestore, confirm: "Confirm", begun: Begun | None = None
    ) -> "Restored":
        """`akbot restore`, as a job."""
        await self.restores.require_dump(command)  # as for a backup: no job for a wrong name

        async def work(job: JobLog, publish: Publish) -> "Restored":
            return await self.restores.run(command, job, publish, confirm)

        return await self.jobs.run(command, work, begun, lambda restored: restored.words)

    async def update(
        self, command: RunUpdate, confirm: "UpdateConfirm", ask: Ask, begun: Begun | None = None
    ) -> "Updated":
        """`akbot update`, as a job."""
        from bot.services.update import updated_after_all  # noqa: PLC0415 - see App

        async def work(job: JobLog, publish: Publish) -> "Updated":
            return await self.updates.run(command, job, publish, confirm, ask)

        return await self.jobs.run(
            command,
            work,
            begun,
            lambda done: done.words,
            partial(updated_after_all, self.clock),
        )

    async def rollback(
        self, command: RunRollback, confirm: "ConfirmRollback", begun: Begun | None = None
    ) -> "RolledBack":
        """`akbot rollback`, as a job."""
        from bot.services.rollback import rolled_back_after_all  # noqa: PLC0415 - see App

        async def work(job: JobLog, publish: Publish) -> "RolledBack":
            return await self.updates.roll_back(command, job, publish, confirm)

        return await self.jobs.run(
            command,
            work,
            begun,
            lambda done: done.words,
            partial(rolled_back_after_all, self.clock),
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

    async def close(self) -> None:
        """Give back connections and threads."""
        await self.journal.close()
        for close in self._closing:
            await close()
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
