"""A host in memory whose database, files, sessions and version are swapped as the real ones are.

It knows what a restore must never do, and refuses it with an AssertionError.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.compose_edit import FileChange, digest
from bot.domain.contents import Contents
from bot.domain.errors import IntegrityError, PortError, RefusedError, RoleMissingError
from bot.domain.gate import Observation, Seen
from bot.domain.image_layers import Pulled, to_nobody
from bot.domain.manifest import DatabaseFacts, VersionRow
from bot.domain.restore import Folder, Site, TagChange
from bot.domain.restore_recovery import FolderState
from bot.domain.restore_room import DatabaseRoom, Disk, Place
from bot.domain.stack import Stack
from bot.domain.tar_sieve import TarSieve
from bot.services.restore_ports import AS_THEY_ARE, Tools
from tests.fakes_stack import CONTENTS, DUMP, FakeClock, make_facts

OLD, NEW = "old", "new"
SERVICES = ("authentik", "worker")
REPOSITORY = "ghcr.io/goauthentik/server"


@dataclass
class FakeMount:
    """A mount: what is in place, and what lies beside it by job.

    *own* are the jobs that have a folder in it, which stays when all has been moved out of it.
    """

    live: bytes
    staged: dict[str, bytes] = field(default_factory=dict)
    out: dict[str, bytes] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)


@dataclass
class FakeHost:
    """*databases* by name; *running* has the image of each service that has a container.

    *redis* is None while it has no container: then its volume holds *redis_left*; *redis_is_dead*
    whether it cannot start, which may begin with the call *redis_dies_at*. *compose* are the
    compose files by path, which are JSON; *compose_beside* has the old and the new ones by job,
    *compose_doubts* is what is said of them when they are put back.
    *restores* what a load of the backup's dump makes; *fails* names calls that raise PortError,
    *outages* from which call on so many of them do, since Docker is away, *well* whether what runs
    passes the gate. *free* are the bytes on the disk of the database, and on *disk_of_files*, which
    is the same one by its name or another. *role_gone* is a role that the backup's grants name.
    """

    databases: dict[str, str] = field(default_factory=lambda: {"authentik": OLD, "postgres": ""})
    fenced: set[str] = field(default_factory=set)
    running: dict[str, str] = field(
        default_factory=lambda: dict.fromkeys(SERVICES, f"{REPOSITORY}:2025.2.4")
    )
    mounts: dict[str, FakeMount] = field(
        default_factory=lambda: {
            f"/mnt/{name}": FakeMount(OLD.encode()) for name in ("media", "templates", "certs")
        }
    )
    redis: str | None = OLD
    redis_left: str = "stale"
    redis_is_dead: bool = False
    redis_dies_at: str = ""
    compose: dict[str, bytes] = field(default_factory=dict)
    compose_beside: dict[str, dict[str, tuple[bytes, bytes]]] = field(default_factory=dict)
    compose_doubts: tuple[str, ...] = ()
    redis_kept: dict[str, str] = field(default_factory=dict)
    redis_staged: dict[str, str] = field(default_factory=dict)
    tag: str = "2025.2.4"
    images: set[str] = field(default_factory=lambda: {f"{REPOSITORY}:2025.2.4"})
    pullable: set[str] = field(default_factory=lambda: {f"{REPOSITORY}:2025.2.1"})
    server: str = "17.6"
    client: str = "17.12"
    free: int | None = 10**12
    disk_of_files: str = "disk"
    facts_of_new: DatabaseFacts = field(default_factory=make_facts)
    facts_of_old: DatabaseFacts = field(default_factory=make_facts)
    fails: set[str] = field(default_factory=set)
    outages: dict[str, int] = field(default_factory=dict)
    away: int = 0
    well: set[str] = field(default_factory=lambda: {OLD, NEW})
    is_locked: bool = False
    role_gone: str = ""
    single_files: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    def call(self, name: str) -> None:
        self.calls.append(name)
        self.answer(name)

    def answer(self, name: str) -> None:
        """Likewise where nothing is changed."""
        self.redis_is_dead |= name == self.redis_dies_at
        self.away += self.outages.pop(name, 0)
        if self.away:
            self.away -= 1
            raise PortError(f"{name}: the Docker Engine does not answer", retryable=True)
        if name in self.fails:
            raise PortError(f"{name}: it failed", hint="Look at it.")

    @property
    def is_removed(self) -> bool:
        return not self.running

    def served(self) -> set[str]:
        """The states of all that serves: one, where it is whole."""
        image = {"2025.2.4": OLD, "2025.2.1": NEW}[next(iter(self.running.values())).split(":")[1]]
        files = {each.live.decode() for each in self.mounts.values()}
        return {self.databases["authentik"].removesuffix("+"), *files, image}

    def write(self) -> None:
        """Somebody uses the stack."""
        assert self.running
        assert "authentik" not in self.fenced
        self.databases["authentik"] += "+"

    def left_over(self, *kept: str) -> list[str]:
        """What a job left that is not of one of the jobs *kept*."""
        names = [name for name in self.databases if name not in {"authentik", "postgres"}]
        names += [job for mount in self.mounts.values() for job in mount.own]
        names += [*self.redis_kept, *self.redis_staged, *self.compose_beside]
        suffixes = [job.lower().replace("-", "_") for job in kept]
        return [
            name
            for name in names
            if name not in kept and not any(name.endswith(each) for each in suffixes)
        ]


@dataclass
class FakeDatabases:
    host: FakeHost
    job: str

    async def version(self) -> str:
        return self.host.server

    async def client_version(self) -> str:
        return self.host.client

    async def names(self) -> frozenset[str]:
        self.host.answer("names")
        return frozenset(self.host.databases)

    async def room(self) -> DatabaseRoom | None:
        if self.host.free is None:
            return None
        disk = Disk("disk", self.host.free)
        return DatabaseRoom(data=disk, log=disk, most_log=2**30)

    async def create(self, name: str, like: str) -> None:  # noqa: ARG002 - it need not be there
        self.host.call("create")
        self.host.databases[name] = ""

    async def load(
        self, name: str, archive: AsyncIterator[bytes], like: str, *, grants: bool = True
    ) -> None:
        assert like not in self.host.fenced, "it is asked whose it is"
        read = b"".join([block async for block in archive])
        self.host.call("load")
        assert not self.host.databases[name], "it is empty"
        if grants and self.host.role_gone:
            self.host.databases[name] = "half of it"
            raise RoleMissingError(
                f'the dump has grants for "{self.host.role_gone}", a role that is gone'
            )
        if read != DUMP:
            raise IntegrityError("pg_restore cannot load the dump: could not read from input file")
        self.host.databases[name] = NEW

    async def facts(self, name: str) -> DatabaseFacts:
        is_new = self.host.databases[name] == NEW
        return self.host.facts_of_new if is_new else self.host.facts_of_old

    async def glance(self, name: str) -> tuple[DatabaseFacts, Contents]:
        if self.host.is_locked:
            raise PortError("ask PostgreSQL: canceling statement due to lock timeout")
        if name not in self.host.databases:
            raise PortError(f'ask PostgreSQL: database "{name}" does not exist')
        return await self.facts(name), CONTENTS

    async def copy(self, live: str, name: str) -> None:  # noqa: ARG002 - an update's
        raise AssertionError

    async def delete_versions(self, name: str, rows: Sequence[VersionRow]) -> None:  # noqa: ARG002 - an update's
        raise AssertionError

    async def empty_queue(self, name: str) -> int:
        assert self.host.databases[name] == NEW
        self.host.call("empty queue")
        return 0

    async def analyze(self, name: str) -> None:
        assert name in self.host.databases
        self.host.call("analyze")

    async def fence(self, *names: str) -> None:
        self.host.call("fence")
        self.host.fenced |= set(names) & self.host.databases.keys()

    async def is_open(self, name: str) -> bool:
        self.host.call("is open")
        return name in self.host.databases.keys() - self.host.fenced

    async def unfence(self, name: str) -> None:
        self.host.call("unfence")
        if name not in self.host.databases:
            raise PortError(f'ask PostgreSQL: database "{name}" does not exist')
        self.host.fenced.discard(name)

    async def swap(self, live: str, outgoing: str, incoming: str) -> None:
        self.host.call("swap")
        databases, fenced = self.host.databases, self.host.fenced
        assert self.host.is_removed, "nobody may be connected"
        if live not in databases:
            raise PortError(f'ask PostgreSQL: database "{live}" does not exist')
        assert {live, incoming} <= fenced, "both must be fenced"
        assert outgoing not in databases
        databases[outgoing] = databases.pop(live)
        databases[live] = databases.pop(incoming)
        fenced -= {live, incoming}
        fenced |= {live, outgoing}

    async def rename(self, old: str, new: str) -> None:
        self.host.call("rename")
        if old in self.host.databases:
            assert new not in self.host.databases
            self.host.databases[new] = self.host.databases.pop(old)
            self.host.fenced.discard(old)
            self.host.fenced.add(new)

    async def drop(self, name: str) -> None:
        self.host.call("drop")
        assert name not in {"authentik", "postgres"}
        self.host.databases.pop(name, None)
        self.host.fenced.discard(name)

    async def end_sessions(self) -> None:
        self.host.call("end sessions")


@dataclass
class FakeControl:
    host: FakeHost

    async def tag_change(
        self,
        image: str,
        texts: Mapping[str, bytes] = AS_THEY_ARE,  # noqa: ARG002 - all take the tag
    ) -> TagChange | None:
        tag = image.rpartition(":")[2]
        return (
            TagChange("/srv/.env", "AUTHENTIK_TAG", self.host.tag, tag)
            if tag != self.host.tag
            else None
        )

    async def pull(
        self,
        image: str,
        digest: str | None,  # noqa: ARG002 - a name will do
        pulled: Pulled = to_nobody,
    ) -> None:
        self.host.call("pull")
        for layers_here in range(3):
            pulled(layers_here, 2, layers_here * 1000)
        if image in self.host.pullable:
            self.host.images.add(image)
        if image not in self.host.images:
            raise PortError(f'pull image "{image}": not found')

    async def pull_outposts(self, change: TagChange) -> None:  # noqa: ARG002 - an update's
        raise AssertionError

    async def name_image(self, *_: str | None) -> None:  # an update's
        raise AssertionError

    async def image_id(self, image: str) -> str:  # noqa: ARG002 - an update's
        raise AssertionError

    async def drop_image(self, image_id: str) -> None:  # noqa: ARG002 - an update's
        raise AssertionError

    async def create(self) -> None:  # an update's
        raise AssertionError

    async def start_created(self) -> None:  # an update's
        raise AssertionError

    async def start_service(self, service: str) -> None:
        self.host.call(f"start {service}")
        assert any(service in json.loads(text)["services"] for text in self.host.compose.values())
        if self.host.redis is None:
            self.host.redis = self.host.redis_left

    async def drop_service(self, service: str) -> None:
        self.host.call(f"drop {service}")
        if self.host.redis is not None:
            self.host.redis_left, self.host.redis = self.host.redis, None

    async def remove(self, *, hurry: bool = False) -> None:  # noqa: ARG002 - it stops at once
        self.host.call("remove")
        self.host.running.clear()

    async def write_tag(self, change: TagChange) -> None:
        self.host.call("write tag")
        assert change.new is not None
        self.host.tag = change.new

    async def start(self) -> None:
        self.host.call("start")
        image = f"{REPOSITORY}:{self.host.tag}"
        assert image in self.host.images
        assert "authentik" not in self.host.fenced, "it could not connect"
        assert self.host.redis is not None or not self.host.tag.startswith("2025.2.")
        self.host.running = dict.fromkeys(SERVICES, image)


@dataclass
class FakeMounts:
    host: FakeHost
    job: str

    async def places(self, sources: Sequence[str]) -> Mapping[str, Place]:
        disk = None if self.host.free is None else Disk(self.host.disk_of_files, self.host.free)
        return {each: Place(each not in self.host.single_files, disk) for each in sources}

    async def stage(self, folder: Folder, archive: AsyncIterator[bytes]) -> None:
        sieve = TarSieve(strict=True)
        self.host.call("stage")
        async for block in archive:
            sieve.feed(block)
        sieve.finish()
        [mount] = self._of([folder.source])
        mount.own.add(self.job)
        mount.staged[self.job] = NEW.encode()

    async def stage_nothing(self, sources: Sequence[str]) -> None:
        for mount in self._of(sources):
            self.host.call("stage nothing")
            mount.own.add(self.job)
            mount.staged[self.job] = b""

    async def claim(self, sources: Sequence[str], job: str) -> None:
        self.host.call("claim")
        for mount in self._of(sources):
            if job in mount.out:
                mount.own.add(self.job)
                mount.staged[self.job] = mount.out.pop(job)

    async def give_back(self, sources: Sequence[str], job: str) -> None:
        self.host.call("give back")
        for mount in self._of(sources):
            if self.job in mount.staged and job in mount.own:
                mount.out[job] = mount.staged.pop(self.job)

    async def swap(self, sources: Sequence[str]) -> None:
        assert self.host.is_removed
        for mount in self._of(sources):
            self.host.call("swap a mount")
            if self.job in mount.staged:
                mount.out[self.job], mount.live = mount.live, mount.staged.pop(self.job)

    async def swap_back(self, sources: Sequence[str]) -> None:
        assert self.host.is_removed or not sources
        self.host.call("swap back")
        for mount in self._of(sources):
            if self.job in mount.out:
                mount.staged[self.job], mount.live = mount.live, mount.out.pop(self.job)

    async def states(self, sources: Sequence[str]) -> Mapping[str, FolderState]:
        self.host.call("states")
        return {
            source: self._state(mount)
            for source, mount in zip(sources, self._of(sources), strict=True)
        }

    def _state(self, mount: FakeMount) -> FolderState:
        if self.job in mount.out:
            return FolderState.SWAPPED
        return FolderState.STAGED if self.job in mount.staged else FolderState.NONE

    async def discard(self, sources: Sequence[str]) -> None:
        self.host.call("discard")
        for mount in self._of(sources):
            mount.own.discard(self.job)
            mount.staged.pop(self.job, None)
            mount.out.pop(self.job, None)

    async def remove_empty(self, sources: Sequence[str]) -> None:
        self.host.call("remove empty")
        for source in sources:
            mount = self.host.mounts.get(source)
            if mount and not (mount.live or mount.own):
                del self.host.mounts[source]

    def _of(self, sources: Sequence[str]) -> list[FakeMount]:
        """The Engine makes a folder where there is none."""
        return [self.host.mounts.setdefault(source, FakeMount(b"")) for source in sources]


@dataclass
class FakeSessionsTool:
    host: FakeHost
    job: str

    async def start(self) -> None:
        if self.host.redis_is_dead:
            raise PortError("start Redis: no answer after 300 s")

    async def keep(self) -> None:
        self.host.call("keep sessions")
        await self.start()
        assert self.host.is_removed
        assert self.host.redis is not None
        self.host.redis_kept.setdefault(self.job, self.host.redis)

    async def stage(self, rdb: AsyncIterator[bytes]) -> None:
        self.host.call("stage sessions")
        await self.start()
        async for _ in rdb:
            pass
        self.host.redis_staged[self.job] = NEW

    async def claim(self, job: str) -> None:
        if job in self.host.redis_kept:
            self.host.redis_staged[self.job] = self.host.redis_kept.pop(job)

    async def give_back(self, job: str) -> None:
        if self.job in self.host.redis_staged:
            self.host.redis_kept[job] = self.host.redis_staged.pop(self.job)

    async def flush(self) -> None:
        self.host.call("flush")
        await self.start()
        assert self.host.is_removed
        assert self.host.redis is not None
        self.host.redis = ""

    async def load_staged(self) -> None:
        self.host.call("load sessions")
        await self.start()
        self.host.redis = self.host.redis_staged[self.job]

    async def put_back(self) -> None:
        self.host.call("put sessions back")
        await self.start()
        if self.job in self.host.redis_kept:
            self.host.redis = self.host.redis_kept.pop(self.job)

    async def discard(self) -> None:
        self.host.redis_kept.pop(self.job, None)
        self.host.redis_staged.pop(self.job, None)


@dataclass
class FakeProject:
    host: FakeHost
    job: str

    async def texts(self) -> Mapping[str, bytes]:
        return dict(self.host.compose)

    async def config(self, texts: Mapping[str, bytes]) -> Mapping[str, Any]:
        [text] = texts.values()
        if text == b"?":
            raise PortError("docker compose config: yaml: it is none")
        config: Mapping[str, Any] = json.loads(text)
        return config

    async def kept(self, changes: Sequence[FileChange], job: str) -> Mapping[str, bytes]:
        beside = self.host.compose_beside.get(job, {})
        if any(change.path not in beside for change in changes):
            raise RefusedError("what was there before is not kept any more")
        return {change.path: beside[change.path][0] for change in changes}

    async def stage(self, changes: Sequence[FileChange], texts: Mapping[str, bytes]) -> None:
        self.host.call("stage compose")
        for change in changes:
            assert digest(self.host.compose[change.path]) == change.old
            assert digest(texts[change.path]) == change.new
        self.host.compose_beside[self.job] = {
            each.path: (self.host.compose[each.path], texts[each.path]) for each in changes
        }

    async def swap(self, changes: Sequence[FileChange]) -> None:
        assert self.host.is_removed
        beside = self.host.compose_beside[self.job]
        for change in changes:
            self.host.call("swap compose")
            self.host.compose[change.path] = beside[change.path][1]

    async def swap_back(self, changes: Sequence[FileChange]) -> Sequence[str]:
        assert self.host.is_removed
        self.host.call("swap compose back")
        beside = self.host.compose_beside.pop(self.job, {})
        self.host.compose |= {each.path: beside[each.path][0] for each in changes if beside}
        return self.host.compose_doubts if beside else ()

    async def discard(self, changes: Sequence[FileChange], job: str) -> None:  # noqa: ARG002
        self.host.compose_beside.pop(job, None)


@dataclass
class FakeProbe:
    host: FakeHost

    async def look(self) -> Observation:
        state = self.host.databases.get("authentik", "").removesuffix("+")
        status = 200 if state in self.host.well and self.host.running else 502
        return Observation(
            tuple(
                Seen(service, True, "1", image.rpartition(":")[2])  # noqa: FBT003
                for service, image in self.host.running.items()
            ),
            status,
            status,
        )


@dataclass
class FakeWorkplace:
    host: FakeHost = field(default_factory=FakeHost)

    async def survey(self, stack: Stack) -> Site:
        return Site(
            project=stack.project,
            postgresql="postgresql",
            server="authentik",
            worker="worker",
            redis="redis" if stack.redis else None,
            working_dir=stack.working_dir,
            config_files=stack.config_files,
            env_files=stack.env_files,
            database="authentik",
            user="authentik",
            image=f"{REPOSITORY}:{self.host.tag}",
            version=self.host.tag,
            login_page=200,
        )

    async def outposts(self, stack: Stack) -> tuple[str, ...]:  # noqa: ARG002 - an update's
        raise AssertionError

    async def tools(self, site: Site, job: str) -> Tools:
        host = self.host
        return Tools(
            FakeDatabases(host, job),
            FakeControl(host),
            FakeMounts(host, job),
            FakeSessionsTool(host, job) if site.redis and host.redis is not None else None,
            FakeProbe(host),
            FakeProject(host, job),
        )


class QuickClock(FakeClock):
    """A sleep is over at once, and the seconds have passed."""

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds

    def monotonic(self) -> float:
        self.passed += 0.001
        return self.passed
