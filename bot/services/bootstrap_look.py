"""What a restore on an empty host has to know before it changes anything there."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bot.domain.backup_id import is_backup_id
from bot.domain.bootstrap import (
    BootstrapPreview,
    Laid,
    choose_backup,
    choose_here,
    choose_stack,
    doubtful_newer,
    laid_of,
    last_bootstrap,
    require_empty,
    require_no_containers,
    require_settled,
    require_unoccupied,
    require_whole,
    warnings_of,
)
from bot.domain.catalogue import LATEST, BackupRecord, newest_good, require_readable
from bot.domain.components import CONFIG, GLOBALS
from bot.domain.env_text import names_in
from bot.domain.errors import RefusedError
from bot.domain.globals import tablespaces_in
from bot.domain.jobs import ALL_JOBS, Job
from bot.domain.layout import Layout, read_layout
from bot.domain.manifest import STACK_NAME, Manifest
from bot.domain.messages import RunRestore
from bot.domain.project import (
    OWN_SETTINGS,
    Project,
    move_project,
    name_project,
    read_project,
    trust_signer,
)
from bot.domain.restorable import restore_check
from bot.domain.restore_choice import safety_words
from bot.domain.signature import PublicKey
from bot.domain.stack import Role
from bot.services.bootstrap_ports import Ground, ProjectPlace
from bot.services.catalogue import Listing, read_manifest
from bot.services.journal_ports import JobJournal
from bot.services.keyring import Keyring
from bot.services.single_files import with_single_files
from bot.services.store_ports import BackupStore
from bot.services.verify import read_component
from bot.services.whole import whole

_STATE_INSIDE = "/var/lib/akbot"


@dataclass(frozen=True)
class Gathered:
    """What was read and looked up: all that is needed, and nothing was changed."""

    record: BackupRecord
    manifest: Manifest
    project: Project
    layout: Layout
    roles: str
    earlier: Job | None
    warnings: tuple[str, ...] = ()

    @property
    def image(self) -> str:
        """One that has a shell and is needed anyway."""
        return self.layout.images[self.layout.services[Role.POSTGRESQL]]

    @property
    def preview(self) -> BootstrapPreview:
        """What is shown to whoever must agree."""
        return BootstrapPreview(
            manifest=self.manifest,
            project=self.project,
            layout=self.layout,
            warnings=(
                *safety_words(self.manifest),
                *self.manifest.warnings,
                *self.warnings,
                *(f'tablespace "{each}" is not made' for each in tablespaces_in(self.roles)),
                *warnings_of(self.project, self.layout),
            ),
        )


@dataclass(frozen=True)
class BootstrapLook:
    """Reads the backup and looks at the host.

    *names* are those that each role's service may have, where akbot's settings in the backup say
    nothing else; *stack_name* is "" for the only stack in *store*.
    """

    store: BackupStore
    place: ProjectPlace
    ground: Ground
    keyring: Keyring
    journal: JobJournal
    names: Mapping[Role, Sequence[str]]
    stack_name: str = ""

    async def gather(self, command: RunRestore) -> Gathered:
        """All that is needed. Raises RefusedError where nothing can be made of it."""
        earlier = last_bootstrap(await self.journal.jobs(ALL_JOBS))
        require_settled(earlier)
        record, manifest, signer, newer = await self._choose(command, laid_of(earlier))
        require_whole(manifest, with_redis=command.with_redis)
        project, layout = await self._project(manifest, signer)
        read = partial(self._read, manifest)
        project, layout, by_hand = await with_single_files(project, layout, manifest, read)
        roles = (await self._read(manifest, GLOBALS)).decode(errors="replace")
        return Gathered(record, manifest, project, layout, roles, earlier, (*newer, *by_hand))

    async def _choose(
        self, command: RunRestore, earlier: Laid | None
    ) -> tuple[BackupRecord, Manifest, PublicKey, tuple[str, ...]]:
        wanted = earlier.stack if earlier else self.stack_name
        stack = choose_stack(await stacks_in(self.store), wanted)
        trusted = self.keyring.trusted | ({command.trust} if command.trust else set())
        records = await Listing().backups(self.store, stack, trusted)
        name = choose_backup(command.backup, earlier)
        if name == LATEST and newest_good(records) is None and records:
            raise RefusedError(
                f'there is no good backup of "{stack}"; the newest: {records[0].reason}',
                hint="If it is a key on your recovery kit: --trust KEY.",
            )
        record = choose_here(records, name)
        require_readable(record)
        read = await read_manifest(self.store, record, trusted)
        return record, read.manifest, read.signer, doubtful_newer(records, record)

    async def _project(self, manifest: Manifest, signer: PublicKey) -> tuple[Project, Layout]:
        packed = await self._read(manifest, CONFIG)
        read = await asyncio.to_thread(read_project, packed, self.place.path)
        project = trust_signer(move_project(read), signer)
        layout = await self._layout(project)
        named = name_project(project, layout.name, manifest.stack)
        if named == project:
            return project, layout
        return named, await self._layout(named)

    async def _layout(self, project: Project) -> Layout:
        own = names_in(project.content(OWN_SETTINGS))
        names = {
            role: (named,) if (named := own.get(f"AKBOT_SERVICE_{role.upper()}")) else usual
            for role, usual in self.names.items()
        }
        config = await self.ground.configuration(project)
        state = own.get("AKBOT_STATE") or _STATE_INSIDE
        outside = own.get("AKBOT_DATABASE_HOST", "")
        return read_layout(config, names, project.place, state, outside)

    async def _read(self, manifest: Manifest, name: str) -> bytes:
        component = manifest.component(name)
        if component is None:
            return b""
        check = restore_check(component)
        return await read_component(
            self.store, component, self.keyring.identities, lambda blocks: whole(blocks, check)
        )

    async def require_ground(self, found: Gathered) -> None:
        """Raises RefusedError where the host is not empty, but for what an earlier try laid."""
        project, layout, laid = found.project, found.layout, laid_of(found.earlier)
        require_empty(await self.place.fingerprints(), project, layout, laid)
        containers = await self.ground.containers(layout.name, layout.containers)
        require_no_containers(containers, layout.name, laid)
        await self.ground.pull(found.image)
        require_unoccupied(await self.ground.occupied(layout.folders, found.image), laid)


async def stacks_in(store: BackupStore) -> list[str]:
    """The folders in *store* that hold backups, whoever's."""
    found: set[str] = set()
    async for each in store.list():
        stack, _, rest = each.key.partition("/")
        if re.fullmatch(STACK_NAME, stack) and is_backup_id(rest.partition("/")[0]):
            found.add(stack)
    return sorted(found)
