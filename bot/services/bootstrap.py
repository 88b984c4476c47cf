"""Restore a backup on a host that has nothing of the stack: lay its project, then go on as live.

PostgreSQL and Redis are brought up empty, server and worker are created but not started, and from
there it is a restore on a live stack. Nothing on the host is precious to it but what was there
before, so a try that was cut off is cleaned away and made again.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from bot.domain.backup_id import is_backup_id
from bot.domain.bootstrap import (
    BOOTSTRAP,
    BootstrapPreview,
    Laid,
    choose_backup,
    choose_stack,
    doubtful_newer,
    encode_laid,
    laid_by,
    laid_of,
    last_bootstrap,
    require_empty,
    require_no_containers,
    require_settled,
    require_unoccupied,
    require_whole,
    site_of,
    warnings_of,
)
from bot.domain.catalogue import LATEST, BackupRecord, choose, newest_good, require_readable
from bot.domain.components import CONFIG, GLOBALS
from bot.domain.durations import duration
from bot.domain.env_text import names_in
from bot.domain.errors import PortError, RefusedError
from bot.domain.globals import role_statements, tablespaces_in
from bot.domain.jobs import ALL_JOBS, Job, JobState
from bot.domain.layout import Layout, read_layout
from bot.domain.manifest import STACK_NAME, Manifest
from bot.domain.messages import RunRestore
from bot.domain.pause import PAUSED, RESTORED, Pause, format_pause
from bot.domain.project import (
    OWN_SETTINGS,
    Project,
    move_project,
    name_project,
    private_file,
    read_project,
    trust_signer,
)
from bot.domain.restore_plan import Preview
from bot.domain.signature import PublicKey, signer_comment
from bot.domain.stack import Role
from bot.services.bootstrap_ports import Ground, ProjectPlace
from bot.services.bootstrap_recovery import tidy
from bot.services.catalogue import Listing, read_manifest
from bot.services.journal_ports import JobJournal
from bot.services.keyring import Keyring
from bot.services.ports import Clock, JobLog, Publish
from bot.services.restore import RestoreService
from bot.services.restore_ports import Workplace
from bot.services.single_files import with_single_files
from bot.services.store_ports import BackupStore
from bot.services.switch import Begin, telling
from bot.services.verify import read_component
from bot.services.whole import whole

_STATE_INSIDE = "/var/lib/akbot"
_IDENTITY, _SIGNING_KEY = "identity.txt", "signing.key"
_KEY_SETTINGS = ("AKBOT_RECIPIENTS", "AKBOT_RECIPIENTS_FILE", "AKBOT_IDENTITY_FILE")


@dataclass(frozen=True)
class Bootstrapped:
    """What serves now, and how a person goes on; *command* is how Compose is called in *place*.

    *has_bot*: it is a service of that stack.
    """

    backup: str
    version: str | None
    place: str
    command: str
    has_bot: bool
    seconds: float

    @property
    def words(self) -> str:
        """In a sentence, for the journal."""
        return f"backup {self.backup} serves on this host, after {duration(self.seconds)}"


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


Confirm = Callable[[BootstrapPreview], Awaitable[bool]]


@dataclass(frozen=True)
class BootstrapService:
    """`akbot restore --bootstrap`.

    *names* are those that each role's service may have, where akbot's settings in the backup say
    nothing else. *identity* is the file with the private key, *signing_key* that with the key which
    was made for this host. *restores* makes the service that restores onto a project, whose
    services have such names.
    """

    store: BackupStore
    place: ProjectPlace
    ground: Ground
    workplace: Workplace
    keyring: Keyring
    identity: bytes = field(repr=False)
    signing_key: bytes = field(repr=False)
    journal: JobJournal
    clock: Clock
    publish: Publish
    names: Mapping[Role, Sequence[str]]
    restores: Callable[[Layout, str, Publish], Awaitable[RestoreService]]
    stack_name: str = ""

    async def preview(self, command: RunRestore) -> BootstrapPreview:
        """`--dry-run`: what would be done. Raises what would refuse it."""
        found = await self._gather(command)
        await self._require_ground(found)
        return self._preview(found)

    async def run(self, command: RunRestore, job: JobLog, confirm: Confirm) -> Bootstrapped:
        """Restore, and return once the stack has held at the gate.

        Raises RefusedError, and nothing was changed, where the host is not empty or nobody agreed;
        whatever else it raises, the same call goes on.
        """
        started, begin = self.clock.monotonic(), telling(job, self.publish)
        await begin("looking at the backup and at this host")
        found = await self._gather(command)
        if found.earlier and found.earlier.state is JobState.DONE:
            return self._done(found, started)
        await self._require_ground(found)
        if not await confirm(self._preview(found)):
            raise RefusedError(
                "the restore was not confirmed", hint="Nothing was changed. --yes confirms it."
            )
        laid = laid_by(found.project, found.layout, found.manifest.stack, found.record.id)
        await job.plan(**{BOOTSTRAP: encode_laid(laid)})
        try:
            await self._lay(command, found, job, begin)
        except RefusedError as error:  # something was changed by now
            raise PortError(
                str(error), hint="See deploy/RUNBOOK.md for the way by hand."
            ) from error
        return self._done(found, started)

    async def _lay(self, command: RunRestore, found: Gathered, job: JobLog, begin: Begin) -> None:
        project, layout = found.project, found.layout
        await begin("making the folders")
        await self._prepare(found)
        await begin("writing compose files and settings")
        await self.place.lay(project.files)
        site = site_of(project, layout)
        await begin(f"starting {' and '.join(layout.first)}")
        await self.ground.up(site, layout.first)
        await begin(f"creating {' and '.join(layout.then)}")
        await self.ground.create(site, layout.then)
        await begin("making the roles")
        await self.ground.make_roles(site, role_statements(found.roles))
        onto = await self.restores(layout, found.manifest.stack, self.publish)
        this = replace(command, backup=found.record.id, safety_backup=False)
        await onto.run(this, job, _agreed_before)
        await tidy(self.journal, self.workplace, job.id)

    async def _gather(self, command: RunRestore) -> Gathered:
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
        record = choose(records, name)
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
        return await read_component(self.store, component, self.keyring.identities, whole)

    async def _require_ground(self, found: Gathered) -> None:
        project, layout, laid = found.project, found.layout, laid_of(found.earlier)
        require_empty(await self.place.fingerprints(), project, layout, laid)
        containers = await self.ground.containers(layout.name, layout.containers)
        require_no_containers(containers, layout.name, laid)
        image = self._image(layout)
        await self.ground.pull(image)
        require_unoccupied(await self.ground.occupied(layout.folders, image), laid)

    async def _prepare(self, found: Gathered) -> None:
        """The mark goes first of all: a person's own `up -d` would start the bot as well."""
        layout, image = found.layout, self._image(found.layout)
        await self.ground.prepare(layout, image)
        reason = f"backup {found.record.id} was restored on a new host, and the old may still live"
        pause = format_pause(Pause(self.clock.now(), reason))
        if layout.state is None:
            await self.place.lay([private_file(found.project, RESTORED, pause)])
            return
        files = {PAUSED: pause, _SIGNING_KEY: self.signing_key}
        own = names_in(found.project.content(OWN_SETTINGS))
        if not any(own.get(name) for name in _KEY_SETTINGS):  # it had its key there, and needs it
            signs = f"{signer_comment(self.keyring.public_key)}\n".encode()
            files[_IDENTITY] = signs + self.identity
        await self.ground.put(layout.state, layout, files, image)

    def _image(self, layout: Layout) -> str:
        """One that has a shell and is needed anyway."""
        return layout.images[layout.services[Role.POSTGRESQL]]

    def _preview(self, found: Gathered) -> BootstrapPreview:
        return BootstrapPreview(
            manifest=found.manifest,
            project=found.project,
            layout=found.layout,
            warnings=(
                *found.manifest.warnings,
                *found.warnings,
                *(f'tablespace "{each}" is not made' for each in tablespaces_in(found.roles)),
                *warnings_of(found.project, found.layout),
            ),
        )

    def _done(self, found: Gathered, started: float) -> Bootstrapped:
        return Bootstrapped(
            backup=found.record.id,
            version=found.manifest.software.authentik,
            place=found.project.place,
            command=found.project.command,
            has_bot=found.layout.state is not None,
            seconds=self.clock.monotonic() - started,
        )


async def stacks_in(store: BackupStore) -> list[str]:
    """The folders in *store* that hold backups, whoever's."""
    found: set[str] = set()
    async for each in store.list():
        stack, _, rest = each.key.partition("/")
        if re.fullmatch(STACK_NAME, stack) and is_backup_id(rest.partition("/")[0]):
            found.add(stack)
    return sorted(found)


async def _agreed_before(_: Preview) -> bool:
    """A person has agreed to the whole."""
    return True
