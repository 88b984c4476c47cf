"""Restore a backup on a host that has nothing of the stack: lay its project, then go on as live.

PostgreSQL and Redis are brought up empty, server and worker are created but not started, and from
there it is a restore on a live stack. Nothing on the host is precious to it but what was there
before, so a try that was cut off is cleaned away and made again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from bot.domain.bootstrap import (
    BOOTSTRAP,
    TOLD_DONE,
    UNTOUCHED,
    BootstrapPreview,
    begun_words,
    encode_laid,
    laid_by,
    restored_words,
    site_of,
)
from bot.domain.durations import duration
from bot.domain.env_text import names_in
from bot.domain.errors import PortError, RefusedError
from bot.domain.globals import role_statements
from bot.domain.jobs import JobState
from bot.domain.layout import Layout
from bot.domain.messages import RunRestore
from bot.domain.pause import PAUSED, RESTORED, Pause, format_pause
from bot.domain.project import OWN_SETTINGS, private_file
from bot.domain.restore_plan import Preview
from bot.domain.signature import signer_comment
from bot.domain.stack import Role
from bot.services.bootstrap_look import BootstrapLook, Gathered
from bot.services.bootstrap_ports import Ground, ProjectPlace
from bot.services.bootstrap_recovery import tidy
from bot.services.journal_ports import JobJournal
from bot.services.keyring import Keyring
from bot.services.ports import Clock, JobLog, Publish
from bot.services.restore import RestoreService
from bot.services.restore_ports import Workplace
from bot.services.store_ports import BackupStore
from bot.services.switch import Begin, telling

_IDENTITY, _SIGNING_KEY = "identity.txt", "signing.key"
_KEY_SETTINGS = ("AKBOT_RECIPIENTS", "AKBOT_RECIPIENTS_FILE", "AKBOT_IDENTITY_FILE")
_BY_HAND = "See deploy/RUNBOOK.md for the way by hand."


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

    @property
    def _look(self) -> BootstrapLook:
        return BootstrapLook(
            self.store,
            self.place,
            self.ground,
            self.keyring,
            self.journal,
            self.names,
            self.stack_name,
        )

    async def preview(self, command: RunRestore) -> BootstrapPreview:
        """`--dry-run`: what would be done. Raises what would refuse it."""
        found = await self._look.gather(command)
        await self._look.require_ground(found)
        return found.preview

    async def run(self, command: RunRestore, job: JobLog, confirm: Confirm) -> Bootstrapped:
        """Restore, and return once the stack has held at the gate.

        Raises RefusedError, and nothing was changed, where the host is not empty or nobody agreed;
        whatever else it raises, the same call goes on.
        """
        started, begin = self.clock.monotonic(), telling(job, self.publish)
        await begin("looking at the backup and at this host")
        found = await self._look.gather(command)
        if found.earlier and found.earlier.state is JobState.DONE:
            if TOLD_DONE not in found.earlier.plan:  # it was cut off, and settled since
                await self._tell_done(found, found.earlier.id)
            return self._done(found, started)
        await self._look.require_ground(found)
        if not await confirm(found.preview):
            raise RefusedError(
                "the restore was not confirmed", hint="Nothing was changed. --yes confirms it."
            )
        laid = laid_by(found.project, found.layout, found.manifest.stack, found.record.id)
        await job.plan(**{BOOTSTRAP: encode_laid(laid)})
        try:
            await self._lay(command, found, job, begin)
        except RefusedError as error:  # something was changed by now
            first = error.hint.removeprefix(UNTOUCHED).strip()
            raise PortError(str(error), hint=f"{first} {_BY_HAND}".strip()) from error
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
        await self._tell_done(found, job.id)

    async def _prepare(self, found: Gathered) -> None:
        """The mark goes first of all: a person's own `up -d` would start the bot as well."""
        await self.ground.prepare(found.layout, found.image)
        keys = {_SIGNING_KEY: self.signing_key}
        own = names_in(found.project.content(OWN_SETTINGS))
        if not any(own.get(name) for name in _KEY_SETTINGS):  # it had its key there, and needs it
            signs = f"{signer_comment(self.keyring.public_key)}\n".encode()
            keys[_IDENTITY] = signs + self.identity
        await self._hold_back(found, begun_words(found.record.id), keys)

    async def _tell_done(self, found: Gathered, job_id: str) -> None:
        """Once: whoever has let that bot go on is not asked again."""
        await self._hold_back(found, restored_words(found.record.id))
        await self.journal.plan(job_id, {TOLD_DONE: "yes"})

    async def _hold_back(
        self, found: Gathered, reason: str, keys: Mapping[str, bytes] = MappingProxyType({})
    ) -> None:
        """Let the new host's bot wait; the *keys* are for one that is a service of the stack."""
        layout, pause = found.layout, format_pause(Pause(self.clock.now(), reason))
        if layout.state is None:
            await self.place.lay([private_file(found.project, RESTORED, pause)])
        else:
            await self.ground.put(layout.state, layout, {PAUSED: pause, **keys}, found.image)

    def _done(self, found: Gathered, started: float) -> Bootstrapped:
        return Bootstrapped(
            backup=found.record.id,
            version=found.manifest.software.authentik,
            place=found.project.place,
            command=found.project.command,
            has_bot=found.layout.state is not None,
            seconds=self.clock.monotonic() - started,
        )


async def _agreed_before(_: Preview) -> bool:
    """A person has agreed to the whole."""
    return True
