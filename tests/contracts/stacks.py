"""Throw-away containers of the sandbox's images, and a Docker socket that misbehaves."""

import asyncio
import gc
import io
import itertools
import json
import os
import subprocess
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.adapters import database_client
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.database_client import Clients
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.domain.discovery import StackWanted
from bot.domain.stack import Container
from tests.fakes_stack import make_container
from tests.sandbox.fixture import HERE, STATE, script

ENGINE = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
LABEL = f"akbot.sandbox={STATE}"
CLIENT = {
    **os.environ,
    "PATH": f"{HERE}/.cache/docker/bin:{os.environ.get('PATH', '')}",
    "DOCKER_CONFIG": f"{HERE}/.cache/docker",
}
_PATIENCE = 60.0
_numbers = itertools.count()


def docker(*arguments: str, stdin: bytes = b"", check: bool = True) -> bytes:
    """Run the Docker client; what it prints."""
    result = subprocess.run(
        ["docker", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=_PATIENCE,
        env=CLIENT,
    )
    if check and result.returncode != 0:
        pytest.fail(f"docker {' '.join(arguments)}: {result.stderr.decode(errors='replace')}")
    return result.stdout


@cache
def _images() -> None:
    script("engine")
    script("images")


def inspect(container_id: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(docker("inspect", container_id))
    return found[0]


def as_container(container_id: str) -> Container:
    """What the adapters are told about a container."""
    details = inspect(container_id)
    return make_container(
        "throw-away",
        id=details["Id"],
        name=details["Name"].lstrip("/"),
        image=details["Config"]["Image"],
        image_id=details["Image"],
        address=details["NetworkSettings"]["IPAddress"],
    )


@contextmanager
def created(image: str, *command: str, options: Sequence[str] = ()) -> Iterator[str]:
    """A container that does not run yet, removed at the end; its id."""
    _images()
    arguments = ["create", "--label", LABEL, *options, f"akbot-sandbox/{image}", *command]
    container_id = docker(*arguments).decode().strip()
    try:
        yield container_id
    finally:
        docker("rm", "--force", "--volumes", container_id, check=False)


@contextmanager
def running(image: str, *command: str, options: Sequence[str] = ()) -> Iterator[Container]:
    with created(image, *command, options=options) as container_id:
        docker("start", container_id)
        yield as_container(container_id)


@contextmanager
def idle(image: str, *options: str) -> Iterator[Container]:
    """A container in which nothing happens but what tests run in it."""
    with running(image, "infinity", options=["--entrypoint", "sleep", *options]) as container:
        yield container


def inside(container: Container, *command: str, stdin: bytes = b"", user: str = "root") -> str:
    """Run a command in a container; what it prints."""
    return docker("exec", "-i", "-u", user, container.id, *command, stdin=stdin).decode().strip()


def processes(container: Container) -> str:
    """The command lines of all that runs in a container."""
    return docker("top", container.id, "-eo", "pid,args").decode(errors="replace")


def until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait for *condition*; whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def database_engine(api: EngineApi) -> DockerEngine:
    """For a site's database, whose container is one of the project."""
    return DockerEngine(api, StackWanted("", {}))


NO_COMPOSE = ComposeProgram({}, Path("/nowhere/lock"))


@dataclass
class Postgres:
    """A server whose data is gone when it stops."""

    container: Container

    @property
    def clients(self) -> Clients:
        """Where its programs run for the adapters."""
        return database_client.inside(self.container)

    def psql(self, sql: str, database: str = "postgres") -> str:
        options = ["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database]
        return inside(self.container, "psql", *options, stdin=sql.encode())

    def new_database(self, sql: str = "") -> str:
        name = f"test_{next(_numbers)}"
        self.psql(f"CREATE DATABASE {name}")
        if sql:
            self.psql(sql, name)
        return name

    def restored(self, dump: bytes, *options: str) -> str:
        """A new database, made from *dump*."""
        name = self.new_database()
        command = ["pg_restore", "-U", "postgres", "-d", name, "--exit-on-error", *options]
        inside(self.container, *command, stdin=dump)
        return name


@contextmanager
def tmpfs_volume(size: str) -> Iterator[str]:
    """A volume with a disk of that *size* of its own, in memory; its name."""
    options = ("type=tmpfs", "device=tmpfs", f"o=size={size}")
    volume = docker("volume", "create", *(f"--opt={each}" for each in options)).decode().strip()
    try:
        yield volume
    finally:
        docker("volume", "rm", volume)


@contextmanager
def postgres_server(major: int, *, size: str = "", volume: str = "") -> Iterator[Postgres]:
    """A server; *size* is that of its disk, unless it has its data in *volume*."""
    folder = "/var/lib/postgresql/data"
    disk = ["--tmpfs", folder + (f":size={size}" if size else "")]
    if volume:
        disk = ["--volume", f"{volume}:{folder}"]
    options = ["--env", "POSTGRES_PASSWORD=secret", *disk]
    with running(f"postgres:{major}", options=options) as container:
        asked = ["exec", container.id, "psql", "-U", "postgres", "-Atc", "SELECT 1"]
        assert until(lambda: docker(*asked, check=False) == b"1\n", _PATIENCE)
        yield Postgres(container)


@dataclass
class Redis:
    container: Container
    password: str = ""

    def cli(self, *words: str) -> str:
        asking = ["--no-auth-warning", "-a", self.password] if self.password else []
        return inside(self.container, "redis-cli", *asking, *words)


@contextmanager
def redis_server(
    major: int, *, password: str = "", rdb: bytes = b"", options: Sequence[str] = ()
) -> Iterator[Redis]:
    """A Redis, with *rdb* loaded."""
    command = ["--save", "", *(["--requirepass", password] if password else [])]
    with created(f"redis:{major}", *command, options=options) as container_id:
        if rdb:
            docker("cp", "-", f"{container_id}:/data", stdin=_tar("dump.rdb", rdb))
        docker("start", container_id)
        redis = Redis(as_container(container_id), password)
        assert until(lambda: redis.cli("PING") == "PONG")
        yield redis


def _tar(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o644
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def own_sockets() -> dict[str, str]:
    """The inodes of this process's sockets, by file descriptor."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            target = str(entry.readlink())
            if target.startswith("socket:"):
                found[entry.name] = target
    return found


def listening() -> list[tuple[str, int]]:
    """Where this process listens for TCP connections."""
    inodes = {target[len("socket:[") : -1] for target in own_sockets().values()}
    places = []
    for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[3] == "0A" and columns[9] in inodes:
            address, port = columns[1].split(":")
            octets = bytes.fromhex(address)[::-1]
            places.append((".".join(str(octet) for octet in octets), int(port, 16)))
    return places


@asynccontextmanager
async def engine_api(url: str = ENGINE, owner: str = "") -> AsyncIterator[EngineApi]:
    """An API object that must leave nothing behind: no task, no socket, no lost error."""
    loop = asyncio.get_running_loop()
    lost: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: lost.append(context))
    sockets = own_sockets()
    tasks = asyncio.all_tasks()

    async def named() -> str:
        return owner

    api = EngineApi(url, named)
    try:
        yield api
    finally:
        await api.close()
    gc.collect()
    left: set[asyncio.Task[Any]] = set()
    more: set[tuple[str, str]] = set()
    for _ in range(20):
        await asyncio.sleep(0.01)  # a proxy in the same loop needs a moment
        left = asyncio.all_tasks() - tasks - {asyncio.current_task()}
        more = set(own_sockets().items() - sockets.items())
        if not (left or more):
            break
    else:
        pytest.fail(f"left behind: {left} {more}")
    assert not lost, f"nobody looked at {lost}"


@dataclass
class BadSocket:
    """What a proxy before the Engine does to the streams of `exec`.

    *frames* is how many whole frames pass, *torn* how many bytes of the next one. The rest is
    read, so that the command ends as it would, and the connection then closed as politely as ever;
    with *hurry* the connection is closed at once.
    An exec starts when the *gate* is open. *together*: the head of the response and the first frame
    arrive at once.
    """

    url: str = ""
    frames: int | None = None
    torn: int = 0
    hurry: bool = False
    together: bool = False
    gate: asyncio.Event | None = None
    passed: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def bad_socket() -> AsyncIterator[BadSocket]:
    """A proxy before the Engine's socket."""
    if not ENGINE.startswith("unix://"):
        pytest.skip("the Engine is not behind a unix socket")
    _images()
    bad = BadSocket()
    open_ones: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(bad, reader, writer))
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/docker.sock"
        server = await asyncio.start_unix_server(serve, path)
        bad.url = f"unix://{path}"
        try:
            yield bad
        finally:
            server.close()
            for task in open_ones:
                task.cancel()
            if open_ones:
                await asyncio.wait(open_ones)
            await server.wait_closed()


async def _serve(
    bad: BadSocket, client: asyncio.StreamReader, answers: asyncio.StreamWriter
) -> None:
    engine, requests = await asyncio.open_unix_connection(ENGINE.removeprefix("unix://"))
    try:
        request = await client.readuntil(b"\r\n\r\n")
        line = request.split(b"\r\n", 1)[0]
        is_exec = b"/exec/" in line and b"/start" in line
        if is_exec and bad.gate:
            await bad.gate.wait()
        requests.write(request)
        answering = _spoil(bad, engine, answers) if is_exec else _copy(engine, answers)
        ways = {asyncio.create_task(_copy(client, requests)), asyncio.create_task(answering)}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        for writer in (requests, answers):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()


async def _spoil(
    bad: BadSocket, engine: asyncio.StreamReader, answers: asyncio.StreamWriter
) -> None:
    head = await engine.readuntil(b"\r\n\r\n")
    if bad.together:
        head += await _frame(engine)
    answers.write(head)
    while frame := await _frame(engine):
        if bad.frames is None or len(bad.passed) < bad.frames:
            answers.write(frame)
            bad.passed.append(frame)
        elif len(bad.passed) == bad.frames:
            answers.write(frame[: bad.torn])
            bad.passed.append(b"")
            if bad.hurry:
                return
        await answers.drain()


async def _frame(engine: asyncio.StreamReader) -> bytes:
    try:
        header = await engine.readexactly(8)
        return header + await engine.readexactly(int.from_bytes(header[4:], "big"))
    except asyncio.IncompleteReadError:
        return b""
