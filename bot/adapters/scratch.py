"""A throw-away PostgreSQL of the stack's own image, to restore a backup into.

Nothing reaches it but exec, it reaches nothing, and it is removed with all that it holds.
"""

import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.adapters import catalogue_sql as sql
from bot.adapters import scratch_redis
from bot.adapters.database_facts import read_contents, read_facts
from bot.adapters.engine_api import EngineApi, Finished
from bot.adapters.host_trouble import KILLED, NO_ROOM, OF_THE_SERVER
from bot.adapters.psql import PsqlSession, psql_session
from bot.adapters.scratch_application import Original, ScratchApplication, scratch_application
from bot.adapters.throwaway import Server, throw_away_network, throw_away_server
from bot.adapters.throwaway_start import until_up
from bot.adapters.transport import Transport, Unreachable
from bot.domain.contents import Contents
from bot.domain.copied_application import CopiedServices
from bot.domain.errors import ConfigError, IntegrityError, PortError
from bot.domain.manifest import DatabaseFacts

SESSION = "akbot-drill"
_DATABASE = "akbot_drill"
_ALIAS = "postgresql"
_MEMORY = 1024 * 1024 * 1024
_PIDS = 256  # a process for each connection of the application
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
    # a load is one transaction, and each tenant has a schema with all of Authentik's tables
    "max_locks_per_transaction": "1024",
}
_PSQL = ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", "-")


@asynccontextmanager
async def scratch_database(  # noqa: PLR0913 - where, and what
    engine: EngineApi,
    image_id: str,
    user: str,
    job_id: str,
    original: Original | None = None,
    *,
    network: str = "",
) -> AsyncGenerator["ScratchPostgres"]:
    """A PostgreSQL of *image_id* with an empty database that *user* owns.

    With *original* it lies in a network of its own that leads nowhere, where copies of the
    application can be started beside it; in *network*, where one is given, others can be. Raises
    PortError where it does not start.
    """
    async with AsyncExitStack() as context:
        if original and not network:
            network = await context.enter_async_context(throw_away_network(engine, job_id))
        password = secrets.token_hex(16)
        server = _server(image_id, user, password, network)
        name = await context.enter_async_context(throw_away_server(engine, server, job_id))
        await until_up(engine, name, ["sh", "-c", _POSTGRES_IS_UP])
        environment = {"PGUSER": user, "PGDATABASE": _DATABASE, "PGAPPNAME": SESSION}
        session = await context.enter_async_context(psql_session(engine, name, environment))
        copies = CopiedServices(_ALIAS, _DATABASE, user, password, scratch_redis.ALIAS)
        place = Place(name, network, job_id)
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
class Place:
    """The database's container, the network that it is in, if any, and the job that it is for."""

    name: str
    network: str
    job_id: str


@dataclass(frozen=True)
class ScratchPostgres:
    """Port `ScratchDatabase`; *original* is what can be started on it, as *copies* says where."""

    _engine: EngineApi
    place: Place
    environment: dict[str, str]
    session: PsqlSession
    _original: Original | None
    copies: CopiedServices

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
            self.place.name, command, archive, environment=self.environment
        )
        if done.exit_code != 0:
            raise load_error(done)

    async def load_text(self, text: AsyncIterator[bytes]) -> None:
        done = await self._engine.feed(self.place.name, _PSQL, text, environment=self.environment)
        if done.exit_code != 0:
            raise load_error(done, "psql")

    async def dump(self) -> AsyncGenerator[bytes]:
        command = ["pg_dump", "--format=custom", "--compress=0"]
        transport, place = Transport(self._engine), Unreachable(self.place.name)
        async with aclosing(transport.stream(place, command, self.environment)) as output:
            async for block in output:
                yield block

    async def version(self) -> str:
        server: dict[str, Any] = await self.session.ask(sql.SERVER)
        return str(server["version"])

    async def facts(self) -> DatabaseFacts:
        server: dict[str, Any] = await self.session.ask(sql.SERVER)
        return await read_facts(self.session, _DATABASE, server["size"])

    async def contents(self) -> Contents:
        return await read_contents(self.session)

    async def write(self) -> None:
        await self.session.run(sql.WRITE)

    @asynccontextmanager
    async def application(self) -> AsyncGenerator[ScratchApplication]:
        if self._original is None:
            raise ConfigError("this scratch database was not made for an application")
        await self.session.run(sql.EMPTY_QUEUE)
        place = self.place
        async with scratch_application(
            self._engine,
            self._original,
            self.copies,
            asker=place.name,
            network=place.network,
            job_id=place.job_id,
        ) as application:
            yield application


def load_error(done: Finished, program: str = "pg_restore") -> IntegrityError | PortError:
    """Why *program* failed: the dump, or a host or a server that could not take it."""
    words = done.stderr[:_FIRST_WORDS] or f"exit code {done.exit_code}"
    if done.exit_code == KILLED or NO_ROOM in done.stderr:
        return PortError(
            f"load the dump: the host has no room for it: {words}",
            hint="It needs disk for the whole database, and up to 1 GiB of memory.",
        )
    if OF_THE_SERVER.search(done.stderr):
        return PortError(
            f"load the dump: the throw-away PostgreSQL could not take it: {words}",
            hint="It needs up to 1 GiB of memory. Try again once the host has it to spare.",
        )
    return IntegrityError(f"{program} cannot load the dump: {words}")
