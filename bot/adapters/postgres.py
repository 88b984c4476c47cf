"""The stack's PostgreSQL, by its own programs in its own container."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.adapters import catalogue_sql as sql
from bot.adapters.database_facts import read_facts
from bot.adapters.engine_api import EngineApi, stop
from bot.adapters.psql import PsqlSession, psql_session
from bot.adapters.throwaway import throw_away
from bot.adapters.transport import Transport
from bot.domain.errors import IntegrityError, PortError
from bot.domain.manifest import DatabaseFacts
from bot.domain.stack import Container
from bot.services.ports import DatabaseServer, Snapshot

_ZSTD_SINCE = 160000
_LOCK_WAIT = "5min"  # a migration may hold a table; longer is no moment for a backup


@dataclass(frozen=True)
class Login:
    """Whom to be and where, inside the database's container."""

    user: str
    database: str


class PostgresDatabase:
    """Port `Database`."""

    def __init__(
        self,
        engine: EngineApi,
        transport: Transport,
        container: Container,
        login: Login,
        job_id: str = "",
    ) -> None:
        self._engine = engine
        self._transport = transport
        self._container = container
        self._login = login
        self._job_id = job_id

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Snapshot]:
        environment = self._environment()
        async with psql_session(self._engine, self._container.id, environment) as session:
            probing = asyncio.create_task(self._transport.way(self._container))
            try:
                await session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")
                name = await session.run("SELECT pg_export_snapshot();")
                server = _server(await session.ask(sql.SERVER), self._login.database)
                await probing  # the dump need not wait for it then
            finally:
                await stop(probing)
            yield PostgresSnapshot(self, session, name, server)

    def session(self, database: str, name: str) -> AbstractAsyncContextManager[PsqlSession]:
        """A session in another *database* of the server, under an application_name of its own."""
        environment = {**self._environment(), "PGDATABASE": database, "PGAPPNAME": name}
        return psql_session(self._engine, self._container.id, environment)

    async def way_out(self) -> str:
        return await self._transport.way(self._container)

    async def roles(self) -> AsyncGenerator[bytes]:
        async with aclosing(self.output_of(["pg_dumpall", "--globals-only"])) as output:
            async for block in output:
                yield block

    async def output_of(self, command: Sequence[str]) -> AsyncGenerator[bytes]:
        """What a client program writes; it is ended in the server if nobody reads on."""
        environment = self._environment()
        ended = False
        try:
            stream = self._transport.stream(self._container, command, environment)
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
        environment = {**self._environment(), "PGDATABASE": "postgres", "PGAPPNAME": "akbot-ends"}
        result = await self._engine.run(self._container.id, command, environment=environment)
        if result.exit_code != 0:
            raise PortError(f"end sessions in PostgreSQL: {result.stderr}", retryable=True)
        return int(result.stdout)

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
        async with throw_away(
            self._engine, self._container.image_id, command, self._job_id
        ) as sandbox:
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


def _server(answer: dict[str, Any], database: str) -> DatabaseServer:
    return DatabaseServer(
        version=answer["version"],
        database=database,
        database_size=answer["size"],
        has_zstd=answer["version_num"] >= _ZSTD_SINCE and bool(answer["has_zstd"]),
    )
