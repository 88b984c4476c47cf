"""Throw-away servers of the stack's own images, to restore a backup into.

Nothing reaches them but exec, they reach nothing, and they are removed with all that they hold.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.adapters import catalogue_sql as sql
from bot.adapters.database_facts import read_contents, read_facts
from bot.adapters.engine_api import EngineApi, Finished
from bot.adapters.psql import PsqlSession, psql_session
from bot.adapters.scratch_application import Original, ScratchApplication, scratch_application
from bot.adapters.throwaway import Server, last_words, throw_away_network, throw_away_server
from bot.adapters.transport import Transport, Unreachable
from bot.domain.contents import Contents
from bot.domain.copied_application import CopiedServices
from bot.domain.errors import ConfigError, IntegrityError, PortError
from bot.domain.manifest import DatabaseFacts

_DATABASE = "akbot_drill"
_ALIAS = "postgresql"
_REDIS_ALIAS = "redis"
_MEMORY = 1024 * 1024 * 1024
_PIDS = 256  # a process for each connection of the application
_POLL = 0.2
_UP_WITHIN = 120.0
_FIRST_WORDS = 500
_KILLED = 137
_NO_ROOM = "No space left on device"
# The entrypoint runs a server of its own for a moment before it becomes the real one.
_POSTGRES_IS_UP = '[ "$(cat /proc/1/comm)" = postgres ] && pg_isready -q'
# What it holds is thrown away: nothing has to outlive a power cut.
_QUICKLY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "autovacuum": "off",
}
_PSQL = ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", "-")
_RDB = "/data/dump.rdb"
_SOCKET = "/tmp/redis.sock"  # noqa: S108 - inside the container
_REDIS = (
    *("redis-server", "--daemonize", "yes", "--port", "0", "--unixsocket", _SOCKET),
    *("--dir", "/data", "--dbfilename", "dump.rdb", "--save", ""),
)
_REDIS_CLI = ("redis-cli", "-s", _SOCKET)


@asynccontextmanager
async def scratch_database(
    engine: EngineApi, image_id: str, user: str, job_id: str, original: Original | None = None
) -> AsyncGenerator["ScratchPostgres"]:
    """A PostgreSQL of *image_id* with an empty database that *user* owns.

    With *original* it lies in a network of its own that leads nowhere, where copies of the
    application can be started beside it. Raises PortError where it does not start.
    """
    async with AsyncExitStack() as context:
        network = ""
        if original:
            network = await context.enter_async_context(throw_away_network(engine, job_id))
        password = secrets.token_hex(16)
        server = _server(image_id, user, password, network)
        name = await context.enter_async_context(throw_away_server(engine, server, job_id))
        await _until_up(engine, name, ["sh", "-c", _POSTGRES_IS_UP])
        environment = {"PGUSER": user, "PGDATABASE": _DATABASE, "PGAPPNAME": "akbot-drill"}
        session = await context.enter_async_context(psql_session(engine, name, environment))
        copies = CopiedServices(_ALIAS, _DATABASE, user, password, _REDIS_ALIAS)
        place = _Place(name, network, job_id)
        yield ScratchPostgres(engine, place, environment, session, original, copies)


def _server(image_id: str, user: str, password: str, network: str) -> Server:
    settings = [word for name, value in _QUICKLY.items() for word in ("-c", f"{name}={value}")]
    listen = ("-c", f"listen_addresses={'*' if network else ''}")
    return Server(
        image_id=image_id,
        user="postgres",
        command=("postgres", *settings, *listen),
        environment={
            "POSTGRES_USER": user,
            "POSTGRES_DB": _DATABASE,
            "POSTGRES_PASSWORD": password,
        },
        scratch=("/tmp", "/run", "/var/run/postgresql"),  # noqa: S108 - inside the container
        memory=_MEMORY,
        network=network,
        alias=_ALIAS,
        pids=_PIDS,
    )


@dataclass(frozen=True)
class _Place:
    """The database's container, the network that it is in, if any, and the job that it is for."""

    name: str
    network: str
    job_id: str


@dataclass(frozen=True)
class ScratchPostgres:
    """Port `ScratchDatabase`; *original* is what can be started on it, as *copies* says where."""

    _engine: EngineApi
    _place: _Place
    _environment: dict[str, str]
    _session: PsqlSession
    _original: Original | None
    _copies: CopiedServices

    async def load(self, archive: AsyncIterator[bytes]) -> None:
        command = [
            "pg_restore",
            "--no-owner",
            "--no-privileges",
            "--single-transaction",
            "--exit-on-error",
            f"--dbname={_DATABASE}",
        ]
        done = await self._engine.feed(
            self._place.name, command, archive, environment=self._environment
        )
        if done.exit_code != 0:
            raise load_error(done)

    async def load_text(self, text: AsyncIterator[bytes]) -> None:
        done = await self._engine.feed(self._place.name, _PSQL, text, environment=self._environment)
        if done.exit_code != 0:
            raise load_error(done, "psql")

    async def dump(self) -> AsyncGenerator[bytes]:
        command = ["pg_dump", "--format=custom", "--compress=0"]
        transport, place = Transport(self._engine), Unreachable(self._place.name)
        async with aclosing(transport.stream(place, command, self._environment)) as output:
            async for block in output:
                yield block

    async def version(self) -> str:
        server: dict[str, Any] = await self._session.ask(sql.SERVER)
        return str(server["version"])

    async def facts(self) -> DatabaseFacts:
        server: dict[str, Any] = await self._session.ask(sql.SERVER)
        return await read_facts(self._session, _DATABASE, server["size"])

    async def contents(self) -> Contents:
        return await read_contents(self._session)

    async def write(self) -> None:
        await self._session.run(sql.WRITE)

    @asynccontextmanager
    async def application(self) -> AsyncGenerator[ScratchApplication]:
        if self._original is None:
            raise ConfigError("this scratch database was not made for an application")
        await self._session.run(sql.EMPTY_QUEUE)
        place = self._place
        async with scratch_application(
            self._engine,
            self._original,
            self._copies,
            asker=place.name,
            network=place.network,
            job_id=place.job_id,
        ) as application:
            yield application


def load_error(done: Finished, program: str = "pg_restore") -> IntegrityError | PortError:
    """Why *program* failed: the dump, or a host without the room to load it."""
    words = done.stderr[:_FIRST_WORDS] or f"exit code {done.exit_code}"
    if done.exit_code == _KILLED or _NO_ROOM in done.stderr:
        return PortError(
            f"load the dump: the host has no room for it: {words}",
            hint="It needs disk for the whole database, and up to 1 GiB of memory.",
        )
    return IntegrityError(f"{program} cannot load the dump: {words}")


async def load_rdb(engine: EngineApi, image_id: str, rdb: AsyncIterator[bytes], job_id: str) -> int:
    """Start a Redis of *image_id* on the file *rdb*; the number of keys that it has then.

    Raises IntegrityError where it does not start on it.
    """
    server = Server(
        image_id=image_id,
        user="redis",
        command=("sleep", "infinity"),
        environment={},
        scratch=("/tmp", "/run"),  # noqa: S108 - inside the container
        memory=_MEMORY,
    )
    async with throw_away_server(engine, server, job_id) as name:
        _require(await engine.feed(name, ["sh", "-c", f"cat >{_RDB}"], rdb), "is not stored")
        _require(await engine.run(name, ["redis-check-rdb", _RDB]), "is damaged")
        _require(await engine.run(name, _REDIS), "cannot be loaded")
        await _until_up(engine, name, [*_REDIS_CLI, "PING"])
        answer = await engine.run(name, [*_REDIS_CLI, "INFO", "keyspace"])
        lines = answer.stdout.decode(errors="replace").splitlines()
        return sum(_keys(line) for line in lines if line.startswith("db"))


def _require(done: Finished, otherwise: str) -> None:
    if done.exit_code != 0:
        words = done.stderr or done.stdout.decode(errors="replace")
        raise IntegrityError(f"the snapshot of Redis {otherwise}: {words.strip()[-_FIRST_WORDS:]}")


def _keys(line: str) -> int:
    """Of a line such as `db0:keys=12,expires=3`."""
    return int(line.partition("keys=")[2].partition(",")[0])


async def _until_up(engine: EngineApi, name: str, probe: Sequence[str]) -> None:
    """Probe until it succeeds. Raises PortError, with the server's last words, if it never does."""
    try:
        async with asyncio.timeout(_UP_WITHIN):
            while not await _is_up(engine, name, probe):  # noqa: ASYNC110 - another machine's event
                await asyncio.sleep(_POLL)
    except TimeoutError as error:
        words = await last_words(engine, name)
        raise PortError(
            f"start a throw-away server: not within {_UP_WITHIN:g} s: {words}"
        ) from error


async def _is_up(engine: EngineApi, name: str, probe: Sequence[str]) -> bool:
    details: dict[str, Any] = await engine.call(
        "look at a throw-away server", lambda sdk: sdk.inspect_container(name)
    )
    if not details["State"]["Running"]:
        raise PortError(f"start a throw-away server: {await last_words(engine, name)}")
    return (await engine.run(name, probe)).exit_code == 0
