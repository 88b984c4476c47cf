"""The stack's PostgreSQL, by its own programs."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.adapters import catalogue_sql as sql
from bot.adapters.database_client import Client, Clients
from bot.adapters.database_facts import read_facts
from bot.adapters.engine_api import EngineApi
from bot.adapters.psql import PsqlSession, psql_session
from bot.adapters.threads import stop
from bot.adapters.throwaway import throw_away
from bot.adapters.transport import Transport
from bot.domain.database_rights import DatabaseRights
from bot.domain.errors import IntegrityError, PortError
from bot.domain.leftovers import Databases
from bot.domain.manifest import DatabaseFacts
from bot.domain.outside_database import MAINTENANCE
from bot.services.ports import DatabaseServer, Snapshot

_ZSTD_SINCE = 160000
_LOCK_WAIT = "5min"  # a migration may hold a table; longer is no moment for a backup


@dataclass(frozen=True)
class Login:
    """Whom to be and where; *maintenance* is the database from which others are worked on."""

    user: str
    database: str
    maintenance: str = MAINTENANCE


class PostgresDatabase:
    """Port `Database`; *clients* are where its programs run.

    One that *is_outside* may have a role for Authentik that is no superuser.
    """

    def __init__(  # noqa: PLR0913 - where, and whose
        self,
        engine: EngineApi,
        transport: Transport,
        clients: Clients,
        login: Login,
        job_id: str = "",
        *,
        is_outside: bool = False,
    ) -> None:
        self._engine = engine
        self._transport = transport
        self._clients = clients
        self._login = login
        self._job_id = job_id
        self._is_outside = is_outside

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Snapshot]:
        environment = self._environment()
        async with (
            self._clients() as client,
            psql_session(self._engine, client.id, environment) as session,
        ):
            probing = asyncio.create_task(self._transport.way(client))
            try:
                await session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")
                name = await session.run("SELECT pg_export_snapshot();")
                answer = await session.ask(sql.SERVER)
                has_zstd = await self._has_zstd(client, session)
                server = _server(answer, self._login.database, has_zstd=has_zstd)
                await probing  # the dump need not wait for it then
            finally:
                await stop(probing)
            yield PostgresSnapshot(self, session, name, server)

    async def _has_zstd(self, client: Client, session: PsqlSession) -> bool:
        """Of the server's build, which is the program's; from outside only superusers see it."""
        if not self._is_outside:
            return bool(await session.ask(sql.HAS_ZSTD))
        built = await self._engine.run(client.id, ["pg_config", "--configure"])
        return built.exit_code == 0 and b"with-zstd" in built.stdout

    @asynccontextmanager
    async def maintenance(self, name: str) -> AsyncGenerator[PsqlSession]:
        """A session in the maintenance database, under an application_name of its own."""
        place = {"PGDATABASE": self._login.maintenance, "PGAPPNAME": name}
        environment = {**self._environment(), **place}
        async with (
            self._clients() as client,
            psql_session(self._engine, client.id, environment) as session,
        ):
            yield session

    async def way_out(self) -> str:
        async with self._clients() as client:
            return await self._transport.way(client)

    async def rights(self) -> DatabaseRights:
        async with (
            self._clients() as client,
            psql_session(self._engine, client.id, self._environment()) as session,
        ):
            found: dict[str, Any] = await session.ask(sql.rights(self._login.maintenance))
        return DatabaseRights(**found)

    async def databases(self) -> Databases:
        async with self.maintenance(sql.LOOK) as session:
            found: dict[str, bool] = await session.ask(sql.DATABASES)
        return Databases(self._login.database, found)

    async def roles(self) -> AsyncGenerator[bytes]:
        command = ["pg_dumpall", "--globals-only"]
        if self._is_outside:  # where it may not be let into any other
            command.append(f"--database={self._login.database}")
        if self._is_outside and not (await self.rights()).is_superuser:
            command.append("--no-role-passwords")  # they are for a superuser's eyes
        async with aclosing(self.output_of(command)) as output:
            async for block in output:
                yield block

    async def output_of(self, command: Sequence[str]) -> AsyncGenerator[bytes]:
        """What a client program writes; it is ended in the server if nobody reads on."""
        environment = self._environment()
        ended = False
        async with self._clients() as client:
            try:
                stream = self._transport.stream(client, command, environment)
                async with aclosing(stream) as output:
                    async for block in output:
                        yield block
                ended = True
            finally:
                if not ended:
                    await self._terminate(environment["PGAPPNAME"])

    async def _terminate(self, application_name: str) -> None:
        """End the sessions of a program that outlived its reader; what failed before says why."""
        try:
            async with asyncio.timeout(10):
                await self._end(application_name)
        except (PortError, TimeoutError):
            return

    async def end_sessions(self) -> int:
        return await self._end(self._sessions_prefix) if self._job_id else 0

    async def _end(self, names_from: str) -> int:
        """End all sessions whose name begins like that."""
        command = ["psql", "-X", "-q", "-A", "-t", "-c", sql.end_sessions(names_from)]
        environment = {**self._environment(), "PGAPPNAME": "akbot-ends"}
        words = ""
        async with self._clients() as client:
            for database in self._ways_in:
                place = {**environment, "PGDATABASE": database}
                result = await self._engine.run(client.id, command, environment=place)
                if result.exit_code == 0:
                    return int(result.stdout)
                words = words or result.stderr
        raise PortError(f"end sessions in PostgreSQL: {words}", retryable=True)

    @property
    def _ways_in(self) -> tuple[str, ...]:
        """A restore may have shut Authentik's own; outside a role may be let into no other."""
        own = (self._login.database,) if self._is_outside else ()
        return (self._login.maintenance, *own)

    @property
    def _sessions_prefix(self) -> str:
        return f"akbot-{self._job_id}-"

    def _environment(self) -> dict[str, str]:
        return {
            "PGUSER": self._login.user,
            "PGDATABASE": self._login.database,
            "PGAPPNAME": f"{self._sessions_prefix}{secrets.token_hex(4)}",
            "PGCONNECT_TIMEOUT": "10",
        }

    async def check_archive(self, archive: AsyncIterator[bytes]) -> None:
        command = ["pg_restore", "-f", "/dev/null"]
        async with self._clients() as client:
            image_id = client.image_id
        async with throw_away(self._engine, image_id, command, self._job_id) as sandbox:
            code, stderr = await sandbox.feed(archive)
        if code == 1 and "unsupported version" not in stderr:
            raise IntegrityError(f"pg_restore cannot read the dump: {stderr or code}")
        if code != 0:  # killed, say, or older than the dump: nothing is known of it
            raise PortError(f'"pg_restore" ended with exit code {code}: {stderr}')


class PostgresSnapshot:
    """Port `Snapshot`; *session* holds the transaction that exported it as *name*."""

    def __init__(
        self, database: PostgresDatabase, session: PsqlSession, name: str, server: DatabaseServer
    ) -> None:
        self._database = database
        self._session = session
        self._name = name
        self._server = server

    @property
    def server(self) -> DatabaseServer:
        return self._server

    async def dump(self) -> AsyncGenerator[bytes]:
        command = [
            "pg_dump",
            "--format=custom",
            f"--compress={'zstd:1' if self._server.has_zstd else '0'}",
            f"--snapshot={self._name}",
            f"--lock-wait-timeout={_LOCK_WAIT}",
        ]
        async with aclosing(self._database.output_of(command)) as output:
            async for block in output:
                yield block

    async def facts(self) -> DatabaseFacts:
        return await read_facts(self._session, self._server.database, self._server.database_size)


def _server(answer: dict[str, Any], database: str, *, has_zstd: bool) -> DatabaseServer:
    return DatabaseServer(
        version=answer["version"],
        database=database,
        database_size=answer["size"],
        has_zstd=answer["version_num"] >= _ZSTD_SINCE and has_zstd,
    )
