"""Everything that a bootstrap needs, in memory: a store with a backup, and an empty host."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.adapters.journal import Journal
from bot.domain.bootstrap import BootstrapPreview
from bot.domain.jobs import JobKind, Trigger
from bot.domain.layout import Layout
from bot.domain.messages import RunRestore
from bot.domain.stack import Mount, Role
from bot.services.bootstrap import Bootstrapped, BootstrapService
from bot.services.bootstrap_recovery import BootstrapRecovery
from bot.services.jobs import Jobs
from bot.services.ports import JobLog, Publish
from bot.services.restore import RestoreService
from bot.services.undo import Undo
from tests.fakes_bootstrap import FakeGround, FakePlace
from tests.fakes_restore import REPOSITORY, FakeHost, FakeMount, FakeWorkplace
from tests.fakes_stack import tar_of
from tests.services.mortal import Life, Mortal
from tests.services.restore_world import PATIENCE, WRITES, MortalWorkplace, RestoreWorld
from tests.services.world import COMMAND

BOOTSTRAP = RunRestore(trigger=Trigger.CLI, actor="root")
IDENTITY_FILE, SIGNING_KEY = b"# a private key\n", b"for signing"
NAMES = {
    Role.POSTGRESQL: ("postgresql",),
    Role.REDIS: ("redis",),
    Role.SERVER: ("authentik", "server"),
    Role.WORKER: ("worker",),
}
PROJECT = {
    "docker-compose.yml": b"services: {}\n",
    ".env": b"PG_PASS=planted-password\nAUTHENTIK_TAG=2025.2.1\n",
    "akbot.env": b"AKBOT_STORE=s3://bucket/x\n",
}


async def agree(_: BootstrapPreview) -> bool:
    return True


async def disagree(_: BootstrapPreview) -> bool:
    return False


def empty_host() -> FakeHost:
    """What the images make by themselves, and nothing that runs."""
    image = f"{REPOSITORY}:2025.2.1"
    return FakeHost(
        databases={"authentik": "", "postgres": ""},
        running={},
        mounts={f"/mnt/{name}": FakeMount(b"") for name in ("media", "templates", "certs")},
        redis="",
        tag="2025.2.1",
        images={image},
    )


@dataclass
class BootstrapWorld(RestoreWorld):
    """*host* is what gets the stack."""

    ground: Any = None
    place: Any = None
    stack_name: str = ""
    previews: list[BootstrapPreview] = field(default_factory=list)

    @property
    def jobs(self) -> Jobs:
        trusted = lambda: self.keyring.trusted  # noqa: E731
        recovery = BootstrapRecovery(
            self.engine, self.journal, self.gate_clock, self.workplace, self.ground, PATIENCE
        )
        undo = Undo(
            self.engine,
            self.stores,
            self.journal,
            self.clock,
            trusted,
            {JobKind.RESTORE: recovery.settle}.get,
        )
        return Jobs(self.journal, self.lock, undo, self.clock, [])

    async def bootstrap(
        self, command: RunRestore = BOOTSTRAP, confirm: Any = agree
    ) -> Bootstrapped:
        """A bootstrap, as a job."""

        async def asked(preview: BootstrapPreview) -> bool:
            self.previews.append(preview)
            answer: bool = await confirm(preview)
            return answer

        async def work(job: JobLog, publish: Publish) -> Bootstrapped:
            return await self.service(publish).run(command, job, asked)

        return await self.jobs.run(command, work, words=lambda done: done.words)

    def service(self, publish: Publish = lambda _: None) -> BootstrapService:
        async def onto(layout: Layout, stack: str, publish: Publish) -> RestoreService:
            assert layout.name == "authentik"
            return replace(self.restores(publish), stack_name=stack)

        return BootstrapService(
            self.store,
            self.place,
            self.ground,
            self.workplace,
            self.keyring,
            IDENTITY_FILE,
            SIGNING_KEY,
            self.journal,
            self.gate_clock,
            publish,
            NAMES,
            onto,
            self.stack_name,
        )


async def empty_world(
    own: bytes = b"",
    components: frozenset[str] = frozenset(),
    single: Mapping[str, bytes] | None = None,
    **parts: Any,
) -> BootstrapWorld:
    """A good backup of 2025.2.1 in the store, and another host, whose key is its own.

    *own* stands in the backup's akbot.env, too; it has *components*, or all. *single* are files
    that the server has mounted alone, by their places in it.
    """
    old = RestoreWorld()
    stack = old.engine.stack
    alone = tuple(Mount(f"/srv/old{target}", target) for target in single or {})
    old.engine.stack = replace(
        stack, server=replace(stack.server, mounts=(*stack.server.mounts, *alone))
    )
    old.engine.disk.archives = {
        path: tar_of({}, root=path.strip("/")) for path in old.engine.disk.archives
    }
    for target, content in (single or {}).items():
        old.engine.disk.archives[target] = tar_of({target.rpartition("/")[2]: content})
    old.engine.disk.project = {**PROJECT, "akbot.env": PROJECT["akbot.env"] + own}
    await old.run(replace(COMMAND, components=components))
    host = empty_host()
    keyring = replace(
        old.keyring,
        signing_key=Ed25519PrivateKey.generate(),
        other_trusted=frozenset({old.keyring.public_key}),
    )
    return BootstrapWorld(
        engine=old.engine,
        store=old.store,
        keyring=keyring,
        workplace=FakeWorkplace(host),
        ground=FakeGround(host),
        place=FakePlace(host),
        **parts,
    )


def process(world: BootstrapWorld, journal: Journal, life: Life) -> BootstrapWorld:
    """Another process on the same host; a life of its own."""
    return replace(
        world,
        store=Mortal(world.store, life),  # type: ignore[arg-type]
        engine=Mortal(world.engine, life),  # type: ignore[arg-type]
        journal=Mortal(journal.jobs, life, WRITES),
        workplace=MortalWorkplace(world.workplace, life),
        ground=Mortal(world.ground, life),
        place=Mortal(world.place, life),
    )
