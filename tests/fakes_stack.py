"""A stack in memory: stand-ins for the ports that look at Docker, PostgreSQL, Redis and files."""

import asyncio
import io
import tarfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import crcmod

from bot.domain.contents import Contents
from bot.domain.daemon_report import DaemonReport
from bot.domain.database_rights import DatabaseRights
from bot.domain.errors import BotError, IntegrityError, PortError
from bot.domain.findings import DiskUsage
from bot.domain.leftovers import Databases
from bot.domain.manifest import DatabaseFacts, SchemaFingerprint, VersionRow
from bot.domain.pause import Pause
from bot.domain.registry_answers import Platform
from bot.domain.stack import Container, FileSource, Mount, Stack
from bot.services.ports import DatabaseServer, Snapshot

NOW = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)


def make_container(service: str, **changes: object) -> Container:
    plain = Container(
        id=f"id-{service}",
        service=service,
        name=f"authentik-{service}",
        image="ghcr.io/goauthentik/server:2025.2.1",
        image_id="sha256:" + "1" * 64,
        image_digest="sha256:" + "2" * 64,
        state="running",
        health="healthy",
        restarts=0,
        address="172.18.0.2",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def make_stack() -> Stack:
    media, templates = Mount("/mnt/media", "/media"), Mount("/mnt/templates", "/templates")
    return Stack(
        project="authentik",
        postgresql=make_container("postgresql"),
        server=make_container("authentik", mounts=(media, templates)),
        worker=make_container(
            "worker",
            mounts=(
                Mount("/var/run/docker.sock", "/var/run/docker.sock"),
                media,
                Mount("/mnt/certs", "/certs"),
            ),
        ),
        redis=make_container("redis"),
        working_dir="/srv/authentik",
        config_files=("/srv/authentik/docker-compose.yml",),
    )


def make_facts(**rows: int) -> DatabaseFacts:
    counted = {"authentik_core_user": 3, "authentik_flows_flow": 9, "authentik_core_provider": 1}
    return DatabaseFacts(
        name="authentik",
        size=40_000_000,
        rows={f"public.{name}": count for name, count in (counted | rows).items()},
        schemas={"public": SchemaFingerprint("a" * 64, 7, {"authentik_core": ("0001_initial",)})},
        versions=(VersionRow("2025.2.1", "", "2026-01-01 00:00:00+00"),),
    )


def tar_of(files: dict[str, bytes], root: str = "") -> bytes:
    """An archive of *files*, below a folder where *root* is one."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        if root:
            folder = tarfile.TarInfo(root)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
        for name, content in files.items():
            member = tarfile.TarInfo(f"{root}/{name}" if root else name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def rdb_of(content: bytes) -> bytes:
    data = b"REDIS0011" + content
    crc = crcmod.mkCrcFun(0x1AD93D23594C935A9, initCrc=0, rev=True, xorOut=0)
    return data + crc(data).to_bytes(8, "little")


DUMP = b"PGDMP" + bytes(range(256)) * 8000
ROLES = b"CREATE ROLE authentik;\n--\n-- PostgreSQL database cluster dump complete\n--\n"


@dataclass
class FakeSnapshot:
    database: "FakeDatabase"
    found: DatabaseFacts

    @property
    def server(self) -> DatabaseServer:
        return DatabaseServer("17.6", "authentik", self.found.size, self.database.compresses)

    async def facts(self) -> DatabaseFacts:
        self.database.calls.append("facts")
        return self.found

    async def dump(self) -> AsyncGenerator[bytes]:
        assert self.database.is_open, "a dump needs its snapshot to be open"
        await self.database.takes_time()
        async for block in _stream(self.database.dump, self.database.fail_dump_at):
            yield block


ALL_RIGHTS = DatabaseRights(
    "authentik",
    is_superuser=True,
    may_create=True,
    owns=True,
    maintenance="postgres",
    may_work_from=True,
)


@dataclass
class FakeDatabase:
    """A Database; `fail_dump_at` breaks the dump at that byte."""

    dump: bytes = DUMP
    found: DatabaseFacts = field(default_factory=make_facts)
    compresses: bool = True
    fail_dump_at: int | None = None
    calls: list[str] = field(default_factory=list)
    is_open: bool = False
    before_open: Callable[[], None] = lambda: None
    takes_time: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
    may: DatabaseRights = ALL_RIGHTS
    are_open: dict[str, bool] = field(default_factory=lambda: {"authentik": True, "postgres": True})

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Snapshot]:
        self.before_open()
        self.is_open = True
        try:
            yield FakeSnapshot(self, self.found)
        finally:
            self.is_open = False

    async def rights(self) -> DatabaseRights:
        return self.may

    async def databases(self) -> Databases:
        return Databases("authentik", self.are_open)

    async def roles(self) -> AsyncGenerator[bytes]:
        yield ROLES

    async def end_sessions(self) -> int:
        self.calls.append("end sessions")
        return 0

    async def way_out(self) -> str:
        return "memory"

    async def check_archive(self, archive: AsyncIterator[bytes]) -> None:
        read = b"".join([block async for block in archive])
        if read != DUMP:
            raise IntegrityError("pg_restore cannot read the dump: could not read from input file")


@dataclass
class FakeSessions:
    content: bytes = rdb_of(b"sessions")

    async def version(self) -> str:
        return "8.0.2"

    async def rdb(self) -> AsyncGenerator[bytes]:
        yield self.content


@dataclass
class FakeFiles:
    lost: BotError | None = None
    version: str | None = "2025.2.1"
    archives: dict[str, bytes] = field(
        default_factory=lambda: {
            path: tar_of({"file": path.encode()}, root=path.strip("/"))
            for path in ("/media", "/templates", "/certs")
        }
    )
    project: dict[str, bytes] = field(default_factory=lambda: {".env": b"PG_PASS=secret"})

    async def archive(self, source: FileSource) -> AsyncGenerator[bytes]:
        if source.path not in self.archives:
            raise self.lost or PortError(f'copy "{source.path}" from a container: no such file')
        yield self.archives[source.path]

    async def config(self) -> AsyncGenerator[bytes]:
        yield tar_of(self.project)

    async def authentik_version(self) -> str | None:
        return self.version


CONTENTS = Contents(users=12, applications=3, newest_event=NOW)


@dataclass
class FakeApplication:
    """A CopiedApplication; *answers* come one after the other, the last for ever."""

    answers: list[int] = field(default_factory=lambda: [0, 503, 200])
    ended: str = ""
    asked: list[str] = field(default_factory=list)

    async def answer(self, page: str) -> int:
        self.asked.append(page)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def trouble(self) -> str:
        return self.ended

    async def last_words(self) -> str:
        return "applying django migrations"


@dataclass
class FakeScratch:
    """A ScratchDatabase; what is in it after a load is *found*."""

    found: DatabaseFacts = field(default_factory=make_facts)
    has: Contents = CONTENTS
    server: str = "17.6"
    writable: bool = True
    removed: int = 0
    application_copy: FakeApplication = field(default_factory=FakeApplication)
    image: str = ""
    texts: list[bytes] = field(default_factory=list)

    async def version(self) -> str:
        return self.server

    async def load(self, archive: AsyncIterator[bytes]) -> None:
        read = b"".join([block async for block in archive])
        if read != DUMP:
            raise IntegrityError("pg_restore cannot load the dump: could not read from input file")

    async def load_text(self, text: AsyncIterator[bytes]) -> None:
        read = b"".join([block async for block in text])
        if b"ERROR" in read:
            raise IntegrityError("psql cannot load the dump: psql:<stdin>:9: ERROR:  no such table")
        self.texts.append(read)

    async def dump(self) -> AsyncIterator[bytes]:
        yield DUMP

    async def facts(self) -> DatabaseFacts:
        return self.found

    async def contents(self) -> Contents:
        return self.has

    async def write(self) -> None:
        if not self.writable:
            raise PortError("ask PostgreSQL: cannot execute CREATE SCHEMA: read-only")

    @asynccontextmanager
    async def application(self) -> AsyncGenerator[FakeApplication]:
        assert self.image, "it was not made for one"
        yield self.application_copy


@dataclass
class FakeEngine:
    stack: Stack = field(default_factory=make_stack)
    postgres: FakeDatabase = field(default_factory=FakeDatabase)
    redis: FakeSessions = field(default_factory=FakeSessions)
    disk: FakeFiles = field(default_factory=FakeFiles)
    scratch: FakeScratch = field(default_factory=FakeScratch)
    swept: list[str] = field(default_factory=list)

    async def find_stack(self) -> Stack:
        return self.stack

    async def platform(self) -> Platform:
        return Platform("linux", "amd64")

    def database(self, stack: Stack, job_id: str = "") -> FakeDatabase:  # noqa: ARG002
        assert stack is self.stack
        return self.postgres

    async def remove_throw_aways(self, job_id: str) -> int:
        self.swept.append(job_id)
        return 0

    @asynccontextmanager
    async def scratch_database(
        self, stack: Stack, job_id: str, image: str = ""
    ) -> AsyncGenerator[FakeScratch]:
        assert stack is self.stack
        assert job_id
        self.scratch.image = image
        try:
            yield self.scratch
        finally:
            self.scratch.removed += 1

    async def load_rdb(self, stack: Stack, rdb: AsyncIterator[bytes], job_id: str) -> int | None:
        assert job_id
        read = b"".join([block async for block in rdb])
        if stack.redis is None:
            return None
        if read != self.redis.content:
            raise IntegrityError("the snapshot of Redis is damaged")
        return 100

    def session_store(self, stack: Stack) -> FakeSessions | None:
        return self.redis if stack.redis else None

    def files(self, stack: Stack) -> FakeFiles:
        assert stack is self.stack
        return self.disk


@dataclass
class FakeClock:
    at: datetime = NOW
    passed: float = 0.0
    sleepers: list[asyncio.Future[None]] = field(default_factory=list)
    suffixes: list[str] = field(default_factory=lambda: ["k3f9", "aaaa", "bbbb", "cccc"])

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        self.passed += 1.0
        return self.passed

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - a test says when it is over
        ticked = asyncio.get_running_loop().create_future()
        self.sleepers.append(ticked)
        await ticked

    def wake(self) -> None:
        """Let every sleep be over."""
        for sleeper in self.sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        self.sleepers.clear()

    def random_text(self, alphabet: str, length: int) -> str:  # noqa: ARG002 - the port's
        text = self.suffixes.pop(0)
        return text if len(text) == length else (text * length)[:length]


@dataclass
class FakeDisk:
    by_path: dict[str, DiskUsage] = field(default_factory=dict)

    async def usage(self, path: str) -> DiskUsage | None:
        return self.by_path.get(path)


@dataclass
class FakeState:
    """A State; *fails* is what its disk says."""

    path: Path = Path("/state")
    fails: BotError | None = None

    async def probe(self) -> None:
        if self.fails:
            raise self.fails


@dataclass
class FakePause:
    """A PauseMark; *fails* is what reading it raises."""

    found: Pause | None = None
    fails: BotError | None = None

    async def read(self) -> Pause | None:
        if self.fails:
            raise self.fails
        return self.found

    async def write(self, pause: Pause) -> None:
        self.found = pause

    async def clear(self) -> None:
        self.found = self.fails = None


@dataclass
class FakeDaemon:
    found: DaemonReport | None = None

    async def report(self) -> DaemonReport | None:
        return self.found


async def _stream(data: bytes, fail_at: int | None) -> AsyncIterator[bytes]:
    step = 100_000
    for start in range(0, len(data), step):
        if fail_at is not None and start + step > fail_at:
            raise PortError('the output of "pg_dump" was cut off before its end')
        yield data[start : start + step]
