"""The part of the composition root that builds what a restore on an empty host needs.

It keeps its state in a folder inside the project's, which is removed once the stack serves. The key
that it makes there for signing becomes that of the host's own akbot.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters import keyfiles
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine import DockerEngine
from bot.adapters.ground import EmptyHost
from bot.adapters.project_folder import WORKSHOP, ProjectFolder
from bot.adapters.restore_place import DockerWorkplace
from bot.app_upkeep import damage_notes
from bot.domain.bootstrap import BootstrapPreview, last_bootstrap
from bot.domain.discovery import StackWanted
from bot.domain.errors import ConfigError, RefusedError
from bot.domain.jobs import ALL_JOBS, JobKind
from bot.domain.layout import Layout
from bot.domain.messages import RunRestore
from bot.domain.project import is_plain_path
from bot.domain.stack import Role
from bot.domain.store_list import require_from
from bot.services.backup import BackupService
from bot.services.bootstrap import Bootstrapped, BootstrapService, Confirm
from bot.services.bootstrap_recovery import BootstrapRecovery
from bot.services.jobs import Jobs
from bot.services.ports import JobLog, Publish
from bot.services.restore import RestoreService
from bot.services.undo import Undo
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.app import App


@dataclass(frozen=True)
class BootstrapWanted:
    """What the command line says: where from, with which key, whereto; *stack* "" for the only."""

    store: str
    identity: Path
    place: Path
    stack: str = ""

    @property
    def workshop(self) -> Path:
        """Where its state is until it is done."""
        return self.place / WORKSHOP

    def applied(self, settings: Settings) -> Settings:
        """The settings to work with.

        Raises:
            ConfigError: an argument is wrong.
            RefusedError: the folder is not empty; then nothing was written into it.
        """
        if not is_plain_path(str(self.place)):
            raise ConfigError(
                f'--project-dir: "{self.place}" has blanks or signs that Compose would take for'
                " something else",
                hint="Name a folder of letters, digits, dots, hyphens and underscores.",
            )
        require_from(self.store)
        keyfiles.read_identities(self.identity, "--identity")
        folder = ProjectFolder(self.place, self.identity)
        if not folder.has_workshop and (strange := folder.strange()):
            raise RefusedError(
                f'"{self.place}" is not empty: "{strange}" is in it',
                hint="Nothing was changed. Use an empty folder: --project-dir FOLDER.",
            )
        changes = {
            "store": self.store,
            "identity_file": self.identity,
            "state": self.workshop,
            "stack": self.stack or settings.stack,
        }
        return settings.model_copy(update=changes)

    @contextmanager
    def workshop_swept(self, has_laid: Callable[[], bool]) -> Iterator[None]:
        """Remove the workshop at the end, unless the block fails and it is needed to go on."""
        begun = self.workshop.is_dir()
        try:
            yield
        except BaseException:  # Ctrl-C at the question, too
            if not begun and not has_laid():
                shutil.rmtree(self.workshop, ignore_errors=True)
            raise
        if not begun or has_laid():
            shutil.rmtree(self.workshop)


class Bootstraps:
    """Restores onto a host that has nothing of the stack; *app* was built with `applied`."""

    def __init__(self, app: "App", wanted: BootstrapWanted) -> None:
        self._app = app
        self._wanted = wanted
        settings, api = app.settings, app.engine.api
        self._compose = ComposeProgram(
            settings.client_environment(), settings.state_folder / "compose.lock"
        )
        self._folder = ProjectFolder(wanted.place, wanted.identity)
        self._ground = EmptyHost(api, self._compose, self._folder)
        self._workplace = DockerWorkplace(app.engine, self._compose)

    async def run(self, command: RunRestore, confirm: Confirm) -> Bootstrapped:
        """`akbot restore --bootstrap`, as a job."""
        app = self._app
        recovery = BootstrapRecovery(
            app.engine,
            app.journal.jobs,
            app.clock,
            self._workplace,
            self._ground,
            app.settings.gate,
        )
        undo = Undo(
            app.engine,
            app.stores,
            app.journal.jobs,
            app.clock,
            app.keys.trusted,
            {JobKind.RESTORE: recovery.settle}.get,
        )
        jobs = Jobs(app.journal.jobs, app.lock, undo, app.clock, app.listeners)

        async def work(job: JobLog, publish: Publish) -> Bootstrapped:
            return await (await self._service(publish)).run(command, job, confirm)

        return await jobs.run(command, work, words=lambda done: done.words)

    async def has_laid(self) -> bool:
        """Whether anything was laid onto the host."""
        return last_bootstrap(await self._app.journal.jobs.jobs(ALL_JOBS)) is not None

    async def preview(self, command: RunRestore) -> BootstrapPreview:
        """`--dry-run`."""
        await asyncio.to_thread(self._app.folder.make)
        return await (await self._service(lambda _: None)).preview(command)

    async def _service(self, publish: Publish) -> BootstrapService:
        app = self._app
        keyring = await asyncio.to_thread(app.keys.keyring)
        return BootstrapService(
            app.stores.places[0].store,  # the one that --from names
            self._folder,
            self._ground,
            self._workplace,
            keyring,
            await asyncio.to_thread(self._wanted.identity.read_bytes),
            await asyncio.to_thread((app.folder.path / keyfiles.SIGNING_KEY).read_bytes),
            app.journal.jobs,
            app.clock,
            publish,
            app.settings.service_names(),
            self._restores,
            app.settings.stack,
        )

    async def _restores(self, layout: Layout, stack: str, publish: Publish) -> RestoreService:
        """What restores onto the project of that layout, and onto no other."""
        app = self._app
        names = {role: (layout.services[role],) if role in layout.services else () for role in Role}
        wanted = StackWanted(layout.name, names)
        engine = DockerEngine(app.engine.api, wanted, app.settings.database_settings)
        keyring = await asyncio.to_thread(app.keys.keyring)
        return RestoreService(
            engine,
            app.stores,
            keyring,
            app.clock,
            publish,
            app.read_locks,
            DockerWorkplace(engine, self._compose),
            app.settings.gate,
            BackupService(engine, app.stores, keyring, app.clock, publish, stack),
            stack,
            damage_notes(app.stores, app.keys, app.clock),
        )
