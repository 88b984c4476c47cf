"""A host in memory on which versions of Authentik start, migrate, hold or fail as they are told.

The database is a `Content`: what a person would find in it, and what each version has done to it.
It knows what an update must never do, and refuses it with an AssertionError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.compose_edit import ComposeChange
from bot.domain.compose_wants import FolderMove
from bot.domain.errors import PortError, RefusedError
from bot.domain.gate import Observation, Seen
from bot.domain.image_layers import Pulled, to_nobody
from bot.domain.manifest import DatabaseFacts, SchemaFingerprint, VersionRow
from bot.domain.rehearsal import HopTook, Rehearsed, RehearsedHop
from bot.domain.restore import Site, TagChange
from bot.domain.restore_room import DatabaseRoom, Disk
from bot.domain.stack import Stack
from bot.domain.update_gate import Baseline, Judgement, Verdict, Wanted
from bot.domain.versions import Family
from bot.services.compose_ports import Planned
from bot.services.rehearsal import RehearsalFailedError
from bot.services.restore_ports import AS_THEY_ARE, Tools
from tests.fakes_stack import make_stack

SERVICES = ("authentik", "worker")
REPOSITORY = "ghcr.io/goauthentik/server"
ENV = "/srv/.env"
LIVE = "authentik"
REDIS_FOLDER = "/srv/redis"
REDIS_IMAGE = "redis:7"
_WITHOUT_REDIS = Family(2025, 10)


@dataclass(frozen=True)
class Content:
    """*rows* that people wrote, the *migrations* applied, the *versions* that were ever started."""

    rows: int = 100
    migrations: tuple[str, ...] = ("0001",)
    versions: tuple[str, ...] = ("2025.2.1",)

    @property
    def facts(self) -> DatabaseFacts:
        applied = {"authentik_core": self.migrations}
        schema = SchemaFingerprint("a" * 64, len(self.migrations), applied)
        return DatabaseFacts(
            name=LIVE,
            size=1_000_000,
            rows={"public.authentik_core_user": self.rows},
            schemas={"public": schema},
            versions=tuple(VersionRow(each, "", "2026-01-01") for each in self.versions),
        )


@dataclass(frozen=True)
class Behaviour:
    """What a version does when it is started on a database, and whether it then holds.

    Of more rows than *leaves* it deletes the rest, without any migration.
    """

    migrations: tuple[str, ...] = ()
    notes_itself: bool = True
    drops_rows: bool = False
    leaves: int = 10**9
    holds: bool = True
    asks: bool = False
    lacks_disk: bool = False


GOOD = Behaviour()


@dataclass
class RollHost:
    """*behaviours* by version; *fails* names calls that raise PortError.

    *outages*: from that call on so many calls fail, since Docker is away.
    *evidence* is whose logs were kept, by the job. *redis* is what it holds, None while its
    container is gone, *redis_is_dead* whether it cannot start, which may begin with the call
    *redis_dies_at*; where it *asks* for a password, that stands in the compose files as they were,
    and in the environment of a server that was started on them. *compose* is the version that the
    compose files are laid out for; while *compose_is_edited_at* runs they cannot be changed. Where
    they are changed they want *moves* as well. *deleted* are images of Redis and of outposts that
    are not on the host any more, *deleted_at* says with which call one goes.
    """

    databases: dict[str, Content] = field(default_factory=lambda: {LIVE: Content()})
    fenced: set[str] = field(default_factory=set)
    running: str = "2025.2.1"
    tag: str = "2025.2.1"
    images: dict[str, str] = field(
        default_factory=lambda: {f"{REPOSITORY}:2025.2.1": make_stack().server.image_id}
    )
    pullable: set[str] = field(default_factory=set)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    redis: str | None = "sessions"
    redis_is_dead: bool = False
    redis_dies_at: str = ""
    redis_kept: dict[str, str] = field(default_factory=dict)
    redis_asks: bool = False
    server_knows: bool = True
    compose: str = "as it was"
    compose_is_edited_at: str = ""
    compose_kept: dict[str, str] = field(default_factory=dict)
    moves: tuple[FolderMove, ...] = ()
    outposts: tuple[str, ...] = ()
    registry_is_away: bool = False
    deleted: set[str] = field(default_factory=set)
    deleted_at: dict[str, str] = field(default_factory=dict)
    created: str = ""
    fails: set[str] = field(default_factory=set)
    outages: dict[str, int] = field(default_factory=dict)
    away: int = 0
    hurries: int = 0
    evidence: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def call(self, name: str) -> None:
        self.calls.append(name)
        self.redis_is_dead |= name == self.redis_dies_at
        self.deleted |= {self.deleted_at.pop(name)} if name in self.deleted_at else set()
        self.away += self.outages.pop(name, 0)
        if self.away:
            self.away -= 1
            raise PortError(f"{name}: the Docker Engine does not answer", retryable=True)
        if name in self.fails:
            raise PortError(f"{name}: it failed", hint="Look at it.")

    @property
    def compose_knows(self) -> bool:
        return self.compose == "as it was"

    @property
    def live(self) -> Content:
        return self.databases[LIVE]

    def have(self, *images: str) -> None:
        """Those that were deleted are pulled again."""
        if gone := self.deleted.intersection(images):
            if self.registry_is_away:
                raise PortError(f'pull image "{min(gone)}": the registry does not answer')
            self.deleted -= gone

    def require_images(self) -> None:
        """What Compose creates beside server and worker; it is told to pull nothing."""
        wanted = {f"{each}:{self.tag}" for each in self.outposts}
        if self.compose_knows and self.redis is None:
            wanted.add(REDIS_IMAGE)
        if gone := self.deleted & wanted:
            raise PortError(f"docker compose: No such image: {min(gone)}")

    def boot(self) -> None:
        """What `docker compose up -d` does with the tag that is set."""
        if self.running:
            return
        assert f"{REPOSITORY}:{self.tag}" in self.images
        self.running, self.server_knows = self.tag, self.compose_knows
        self.migrate()

    def migrate(self) -> None:
        """Server and worker reach the database, unless it is shut."""
        if not self.running or LIVE in self.fenced:
            return
        does, content = self.behaviours.get(self.running, GOOD), self.live
        new = tuple(each for each in does.migrations if each not in content.migrations)
        noted = does.notes_itself and self.running not in content.versions
        self.databases[LIVE] = Content(
            rows=0 if does.drops_rows and new else min(content.rows, does.leaves),
            migrations=(*content.migrations, *new),
            versions=(*content.versions, *((self.running,) if noted else ())),
        )
        if new and self.redis:
            self.redis = "moved"

    def write(self) -> None:
        """Somebody uses the stack."""
        assert self.running
        assert LIVE not in self.fenced
        self.databases[LIVE] = replace(self.live, rows=self.live.rows + 1)

    def holds(self, version: str | None) -> bool:
        """Whether it serves on a database that it knows."""
        known = self.behaviours.get(self.running, GOOD)
        foreign = [each for each in self.live.migrations if each.startswith("new")]
        fits = set(foreign) <= set(known.migrations) or len(foreign) == 0
        return self.running == version and known.holds and fits and LIVE not in self.fenced


@dataclass
class RollDatabases:
    host: RollHost
    job: str

    async def version(self) -> str:
        return "17.6"

    async def client_version(self) -> str:
        return "17.6"

    async def names(self) -> frozenset[str]:
        self.host.call("names")
        return frozenset({*self.host.databases, "postgres"})

    async def is_open(self, name: str) -> bool:  # noqa: ARG002 - a restore's
        raise AssertionError

    async def room(self) -> DatabaseRoom | None:
        disk = Disk("disk", 10**12)
        return DatabaseRoom(data=disk, log=disk, most_log=2**30)

    async def facts(self, name: str) -> DatabaseFacts:
        self.host.call("facts")
        assert name not in self.host.fenced, "nobody can connect"
        return self.host.databases[name].facts

    async def copy(self, live: str, name: str) -> None:
        self.host.call("copy")
        assert live in self.host.fenced, "somebody may be connected to it"
        self.host.databases[name] = self.host.databases[live]

    async def delete_versions(self, name: str, rows: Sequence[VersionRow]) -> None:
        self.host.call("delete versions")
        assert name not in self.host.fenced
        gone = {row.version for row in rows}
        content = self.host.databases[name]
        left = tuple(each for each in content.versions if each not in gone)
        self.host.databases[name] = replace(content, versions=left)

    async def fence(self, *names: str) -> None:
        self.host.call("fence")
        self.host.fenced |= set(names) & self.host.databases.keys()

    async def unfence(self, name: str) -> None:
        self.host.call("unfence")
        self.host.fenced.discard(name)
        self.host.migrate()

    async def swap(self, live: str, outgoing: str, incoming: str) -> None:
        self.host.call("swap")
        databases, fenced = self.host.databases, self.host.fenced
        assert not self.host.running, "nobody may be connected"
        assert {live, incoming} <= fenced, "both must be fenced"
        assert outgoing not in databases
        databases[outgoing] = databases.pop(live)
        databases[live] = databases.pop(incoming)
        self.host.fenced = (fenced - {incoming}) | {outgoing}

    async def drop(self, name: str) -> None:
        self.host.call("drop")
        assert name != LIVE
        self.host.databases.pop(name, None)
        self.host.fenced.discard(name)

    async def end_sessions(self) -> None:
        self.host.call("end sessions")


@dataclass
class RollControl:
    host: RollHost

    async def tag_change(
        self,
        image: str,
        texts: Mapping[str, bytes] = AS_THEY_ARE,  # noqa: ARG002 - a restore's
    ) -> TagChange | None:
        return TagChange(ENV, "AUTHENTIK_TAG", self.host.tag, image.rpartition(":")[2])

    async def pull(
        self,
        image: str,
        digest: str | None,  # noqa: ARG002 - a name will do
        pulled: Pulled = to_nobody,
    ) -> None:
        self.host.call("pull")
        for layers_here in range(3):
            pulled(layers_here, 2, layers_here * 1000)
        self.host.have(image)
        if image == REDIS_IMAGE:
            return
        if image not in self.host.images and image not in self.host.pullable:
            raise PortError(f'pull image "{image}": not found')
        self.host.images[image] = f"id-{image.rpartition(':')[2]}"

    async def pull_outposts(self, change: TagChange) -> None:
        self.host.call(f"pull outposts {change.new}")
        self.host.have(*(f"{each}:{change.new}" for each in self.host.outposts))

    async def image_id(self, image: str) -> str:
        return self.host.images[image]

    async def name_image(self, image: str, image_id: str, digest: str | None) -> None:  # noqa: ARG002
        self.host.call("name image")
        if image_id not in self.host.images.values():
            if self.host.registry_is_away:
                raise PortError(f'image "{image}" was deleted', hint=f"docker pull {image}")
            self.host.images[image] = image_id
        assert self.host.images[image] == image_id

    async def drop_image(self, image_id: str) -> None:
        running = self.host.images.get(f"{REPOSITORY}:{self.host.running}")
        if image_id != running:
            self.host.images = {
                name: each for name, each in self.host.images.items() if each != image_id
            }

    async def remove(self, *, hurry: bool = False) -> None:
        self.host.call("remove")
        self.host.hurries += hurry
        self.host.running = self.host.created = ""

    async def write_tag(self, change: TagChange) -> None:
        self.host.call("write tag")
        assert change.new is not None
        self.host.tag = change.new

    async def start(self) -> None:
        self.host.call("start")
        self.host.require_images()
        self.host.boot()

    async def create(self) -> None:
        self.host.call("create")
        self.host.require_images()
        self.host.created = self.host.tag

    async def start_created(self) -> None:
        self.host.call("start created")
        assert self.host.created == self.host.tag
        self.host.boot()

    async def drop_service(self, service: str) -> None:  # noqa: ARG002 - a restore's
        raise AssertionError

    async def start_service(self, service: str) -> None:
        self.host.call(f"start {service}")
        self.host.require_images()
        self.host.redis = self.host.redis or "empty"


@dataclass
class RollSessions:
    host: RollHost
    job: str
    may: bool

    def _call(self, name: str) -> None:
        self.host.call(name)
        if not self.may:
            raise PortError(f"{name}: NOAUTH Authentication required")

    async def start(self) -> None:
        if self.host.redis_is_dead:
            raise PortError("start Redis: no answer after 300 s")

    async def keep(self) -> None:
        self._call("keep sessions")
        await self.start()
        assert not self.host.running
        assert self.host.redis
        self.host.redis_kept.setdefault(self.job, self.host.redis)

    async def put_back(self) -> None:
        self._call("put sessions back")
        await self.start()
        if self.job in self.host.redis_kept:
            self.host.redis = self.host.redis_kept.pop(self.job)

    async def discard(self) -> None:
        self._call("discard sessions")
        assert self.host.redis is not None, "its container is gone"
        self.host.redis_kept.pop(self.job, None)


@dataclass
class RollFiles:
    """The folder of Redis's data, on the host."""

    host: RollHost
    job: str

    async def discard(self, sources: Sequence[str]) -> None:
        self.host.call("discard files")
        assert sources == [REDIS_FOLDER]
        self.host.redis_kept.pop(self.job, None)


@dataclass
class RollProbe:
    host: RollHost

    async def look(self) -> Observation:
        seen = (Seen(each, True, "1", self.host.running) for each in SERVICES)  # noqa: FBT003
        return Observation(tuple(seen) if self.host.running else (), 200, 200)


@dataclass
class RollGate:
    """A Gate that sees at once what is true of *watched*: it finds no container but theirs."""

    host: RollHost
    watched: tuple[str, ...]

    async def baseline(self) -> Baseline:
        return Baseline(login_page=200, root_config=200)

    async def hold(self, wanted: Wanted) -> Judgement:
        self.host.call("gate")
        missing = {*wanted.services, *wanted.others} - {*self.watched}
        assert not missing, f"there is no container of {missing}"
        if self.host.holds(wanted.version):
            asks = self.host.behaviours.get(self.host.running, GOOD).asks
            words = "https://sso.example answers 502, 200 before"
            return Judgement(Verdict.ASK, words) if asks else Judgement(Verdict.PROMOTE, "it holds")
        lacks_disk = self.host.behaviours.get(self.host.running, GOOD).lacks_disk
        proof = ("a line of its log",)
        return Judgement(Verdict.ROLL_BACK, "it was never ready", proof, of_the_host=lacks_disk)


@dataclass
class RollGates:
    host: RollHost
    stable: float = 5

    def of(self, site: Site, expected: float = 0) -> RollGate:
        if expected:
            self.host.calls.append(f"gate for {expected:g} s")
        return RollGate(self.host, site.rolled)


@dataclass
class RollEvidence:
    host: RollHost

    async def keep(self, job: str, site: Site) -> str:  # noqa: ARG002 - there is one host
        if self.host.running:
            self.host.evidence[job] = self.host.running
        return "/state/evidence" if self.host.running else ""


@dataclass
class RollWorkplace:
    host: RollHost = field(default_factory=RollHost)

    async def survey(self, stack: Stack) -> Site:
        return Site(
            project=stack.project,
            postgresql="postgresql",
            server="authentik",
            worker="worker",
            redis="redis" if stack.redis else None,
            working_dir="/srv",
            config_files=("/srv/docker-compose.yml",),
            env_files=(ENV,),
            database=LIVE,
            user="authentik",
            image=f"{REPOSITORY}:{self.host.running}",
            version=self.host.running,
            login_page=200,
            redis_folder=REDIS_FOLDER if stack.redis else "",
            redis_image=REDIS_IMAGE if stack.redis else "",
        )

    async def outposts(self, stack: Stack) -> tuple[str, ...]:  # noqa: ARG002 - there is one
        return self.host.outposts

    async def tools(self, site: Site, job: str) -> Tools:
        host = self.host
        knows = host.server_knows if host.running else host.compose_knows
        may = knows or not host.redis_asks
        sessions = RollSessions(host, job, may) if site.redis and host.redis is not None else None
        return Tools(
            RollDatabases(host, job),  # type: ignore[arg-type]  # an update asks for no more
            RollControl(host),
            RollFiles(host, job),  # type: ignore[arg-type]  # likewise
            sessions,  # type: ignore[arg-type]  # likewise
            RollProbe(host),
            None,  # type: ignore[arg-type]  # likewise
        )


@dataclass
class RollProject:
    """A ComposeFiles whose files are one word: the family that they are laid out for."""

    host: RollHost

    async def plan(self, site: Site, current: Family, target: Family) -> Planned | None:  # noqa: ARG002
        self.host.call("plan compose")
        if self.host.running == self.host.compose_is_edited_at:
            raise RefusedError(
                '"/srv/docker-compose.yml" is not changed: it has an anchor',
                hint="Nothing was changed. Do that by hand.",
            )
        if not current < _WITHOUT_REDIS <= target:
            return None
        return Planned(ComposeChange((), self.host.moves, ("redis",), current, target), "- redis")

    async def apply(self, site: Site, change: ComposeChange, key: str) -> None:  # noqa: ARG002
        self.host.call("apply compose")
        self.host.compose_kept.setdefault(key, self.host.compose)
        self.host.compose = "without redis"

    async def require_undo(self, site: Site, changes: Mapping[str, ComposeChange]) -> None:  # noqa: ARG002
        if changes.keys() - self.host.compose_kept.keys():
            raise RefusedError(
                "what was there before is not kept any more", hint="Nothing was changed."
            )
        if self.host.compose == "?":
            raise PortError("docker compose config: yaml: it is none")

    async def undo(self, site: Site, change: ComposeChange, key: str) -> list[str]:  # noqa: ARG002
        self.host.call("undo compose")
        self.host.compose = self.host.compose_kept.get(key, self.host.compose)
        return []

    async def discard(self, site: Site, change: ComposeChange, key: str) -> None:  # noqa: ARG002
        self.host.compose_kept.pop(key, None)

    async def drop_service(self, site: Site, name: str) -> None:  # noqa: ARG002
        self.host.call(f"drop {name}")
        if self.host.compose == "without redis":  # else the files name it
            self.host.redis = None


@dataclass
class RollRehearsal:
    """A rehearsal that knows what will come."""

    host: RollHost

    async def run(
        self,
        way: Sequence[RehearsedHop],
        source: Any,  # noqa: ARG002
        job: Any,  # noqa: ARG002
        begin: Any,  # noqa: ARG002
    ) -> Rehearsed:
        self.host.call("rehearse")
        for hop in way:
            if not self.host.behaviours.get(str(hop.version), GOOD).holds:
                raise RehearsalFailedError(hop, "it was never ready on the copy")
        return Rehearsed(tuple(HopTook(str(hop.version), 40, 8) for hop in way), 3)
