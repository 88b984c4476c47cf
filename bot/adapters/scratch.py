"""Throw-away servers of the stack's own images, to restore a backup into.

Nothing reaches them but exec, they reach nothing, and they are removed with all that they hold.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.adapters import catalogue_sql as sql
from bot.adapters.database_facts import read_contents, read_facts
from bot.adapters.engine_api import EngineApi, Finished
from bot.adapters.psql import PsqlSession, psql_session
from bot.adapters.throwaway import Server, throw_away_server
from bot.domain.contents import Contents
from bot.domain.errors import IntegrityError, PortError
from bot.domain.manifest import DatabaseFacts

_DATABASE = "akbot_drill"
_MEMORY = 1024 * 1024 * 1024
_POLL = 0.2
_UP_WITHIN = 120.0
_FIRST_WORDS = 500
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
    "listen_addresses": "",
}
_RDB = "/data/dump.rdb"
_SOCKET = "/tmp/redis.sock"  # noqa: S108 - inside the container
_REDIS = (
    *("redis-server", "--daemonize", "yes", "--port", "0", "--unixsocket", _SOCKET),
    *("--dir", "/data", "--dbfilename", "dump.rdb", "--save", ""),
)
_REDIS_CLI = ("redis-cli", "-s", _SOCKET)


@asynccontextmanager
async def scratch_database(
    engine: EngineApi, image_id: str, user: str, job_id: str
) -> AsyncGenerator["ScratchPostgres"]:
    """A PostgreSQL of *image_id* with an empty database that *user* owns.

    Raises PortError where it does not start.
    """
    settings = [word for name, value in _QUICKLY.items() for word in ("-c", f"{name}={value}")]
    server = Server(
        image_id=image_id,
        user="postgres",
        command=("postgres", *settings),
        environment={
            "POSTGRES_USER": user,
            "POSTGRES_DB": _DATABASE,
            "POSTGRES_PASSWORD": secrets.token_hex(16),
        },
        scratch=("/tmp", "/run", "/var/run/postgresql"),  # noqa: S108 - inside the container
        memory=_MEMORY,
    )
    async with throw_away_server(engine, server, job_id) as name:
        await _until_up(engine, name, ["sh", "-c", _POSTGRES_IS_UP])
        environment = {"PGUSER": user, "PGDATABASE": _DATABASE, "PGAPPNAME": "akbot-drill"}
        async with psql_session(engine, name, environment) as session:
            yield ScratchPostgres(engine, name, environment, session)


class ScratchPostgres:
    """Port `ScratchDatabase`."""

    def __init__(
        self, engine: EngineApi, name: str, environment: dict[str, str], session: PsqlSession
    ) -> None:
        self._engine = engine
        self._name = name
        self._environment = environment
        self._session = session

    async def load(self, archive: AsyncIterator[bytes]) -> None:
        command = [
            "pg_restore",
            "--no-owner",
            "--no-privileges",
            "--single-transaction",
            "--exit-on-error",
            f"--dbname={_DATABASE}",
        ]
        done = await self._engine.feed(self._name, command, archive, environment=self._environment)
        if done.exit_code != 0:
            words = done.stderr[:_FIRST_WORDS] or f"exit code {done.exit_code}"
            raise IntegrityError(f"pg_restore cannot load the dump: {words}")

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
        words = await _last_words(engine, name)
        raise PortError(
            f"start a throw-away server: not within {_UP_WITHIN:g} s: {words}"
        ) from error


async def _is_up(engine: EngineApi, name: str, probe: Sequence[str]) -> bool:
    details: dict[str, Any] = await engine.call(
        "look at a throw-away server", lambda sdk: sdk.inspect_container(name)
    )
    if not details["State"]["Running"]:
        raise PortError(f"start a throw-away server: {await _last_words(engine, name)}")
    return (await engine.run(name, probe)).exit_code == 0


async def _last_words(engine: EngineApi, name: str) -> str:
    logs: bytes = await engine.call(
        "read the log of a throw-away server", lambda sdk: sdk.logs(name, tail=5)
    )
    return logs.decode(errors="replace").strip()[-_FIRST_WORDS:] or "it says nothing"
