"""Databases of the stack's PostgreSQL: made, loaded, shut, renamed and dropped.

All is done from the maintenance database, since nobody can connect to one that is shut.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bot.adapters import catalogue_sql, database_admin_sql
from bot.adapters.database_client import Clients
from bot.adapters.database_facts import read_contents, read_facts
from bot.adapters.disk_told import TELL, disk_in
from bot.adapters.engine_api import EngineApi
from bot.adapters.host_trouble import NO_ROOM, OF_THE_SERVER
from bot.adapters.postgres import Login
from bot.adapters.psql import PsqlSession, psql_session
from bot.domain.contents import Contents
from bot.domain.errors import IntegrityError, PortError, RoleMissingError
from bot.domain.manifest import DatabaseFacts, VersionRow
from bot.domain.restore_room import DatabaseRoom

_SHUT_WITHIN = 30.0
_AGAIN = 0.2
_FIRST_WORDS = 500
_NO_ROLE = re.compile(r'role "(.+?)" does not exist')
# The rest of the log is flushed by the first commit after it, which is the swap's at the latest.
_QUICKLY = "-c synchronous_commit=off -c maintenance_work_mem=128MB"
_TELL_EACH = f"for place; do {TELL}; done"
_HURRIED = "SET lock_timeout = '3s'; SET statement_timeout = '60s';"


class PostgresAdmin:
    """Port `DatabaseAdmin`; *login* is a superuser, or owns what it works on and may create more.

    One that *is_outside* has its files on a disk that cannot be seen from here. *role* is whose a
    database becomes of which there is no other one to be like.
    """

    def __init__(  # noqa: PLR0913 - where, and whose
        self,
        engine: EngineApi,
        clients: Clients,
        login: Login,
        job: str,
        *,
        is_outside: bool = False,
        role: str = "",
    ) -> None:
        self._engine = engine
        self._clients = clients
        self._login = login
        self._job = job
        self._is_outside = is_outside
        self._role = role or login.user

    async def version(self) -> str:
        async with self._session() as session:
            return str((await session.ask(catalogue_sql.SERVER))["version"])

    async def client_version(self) -> str:
        async with self._clients() as client:
            done = await self._engine.run(client.id, ["pg_restore", "--version"])
        found = re.search(r"\d+\.\d+", done.stdout.decode(errors="replace"))
        if not found:
            raise PortError(f"ask pg_restore for its version: {done.stderr or 'no answer'}")
        return found[0]

    async def names(self) -> frozenset[str]:
        async with self._session() as session:
            return frozenset(await session.ask(database_admin_sql.NAMES))

    async def is_open(self, name: str) -> bool:
        async with self._session() as session:
            return bool(await session.ask(database_admin_sql.is_open(name)))

    async def room(self) -> DatabaseRoom | None:
        if self._is_outside:
            return None
        async with self._session() as session:
            told = await session.ask(database_admin_sql.ROOM)
        data = str(told["folder"])
        command = ["sh", "-c", _TELL_EACH, "akbot", data, f"{data}/pg_wal"]
        async with self._clients() as client:
            done = await self._engine.run(client.id, command)
        lines = done.stdout.decode(errors="replace").splitlines()
        disks = [disk for disk in map(disk_in, lines) if disk]
        return DatabaseRoom(data=disks[0], log=disks[-1], most_log=told["log"]) if disks else None

    async def create(self, name: str, like: str) -> None:
        async with self._session() as session:
            await session.run(database_admin_sql.drop(name))
            if like in await session.ask(database_admin_sql.NAMES):
                await session.run(database_admin_sql.create_like(name, like))
                await session.run(database_admin_sql.adorn_like(name, like))
            else:
                maintenance = self._login.maintenance
                await session.run(database_admin_sql.create_like(name, maintenance, self._role))

    async def load(
        self, name: str, archive: AsyncIterator[bytes], like: str, *, grants: bool = True
    ) -> None:
        owner = await self._owner(like)
        command = ["pg_restore", "--no-owner", f"--role={owner}", "--exit-on-error"]
        command += [] if grants else ["--no-privileges"]
        command.append(f"--dbname={_conninfo(name)}")
        environment = {**self._environment(name), "PGOPTIONS": _QUICKLY}
        async with self._clients() as client:
            done = await self._engine.feed(client.id, command, archive, environment=environment)
        if done.exit_code == 0:
            return
        words = done.stderr[:_FIRST_WORDS] or f"exit code {done.exit_code}"
        if NO_ROOM in done.stderr:
            await self._empty(name)
        if OF_THE_SERVER.search(done.stderr):
            raise PortError(f"load the dump into PostgreSQL: {words}", hint="Look at its log.")
        if grants and (missing := _NO_ROLE.search(done.stderr)):
            raise RoleMissingError(f'the dump has grants for "{missing[1]}", a role that is gone')
        raise IntegrityError(f"pg_restore cannot load the dump: {words}")

    async def _owner(self, like: str) -> str:
        if like not in await self.names():
            return self._role
        async with self._session(like) as session:
            return str(await session.ask(database_admin_sql.OWNER))

    async def _empty(self, name: str) -> None:
        """Give the databases that serve their room back; a drop alone needs room to begin with."""
        async with self._session(name) as session:
            await session.run(database_admin_sql.EMPTY_DATABASE)

    async def facts(self, name: str) -> DatabaseFacts:
        async with self._session(name) as session:
            size = (await session.ask(catalogue_sql.SERVER))["size"]
            return await read_facts(session, name, size)

    async def glance(self, name: str) -> tuple[DatabaseFacts, Contents]:
        async with self._session(name) as session:
            await session.run(_HURRIED)
            size = (await session.ask(catalogue_sql.SERVER))["size"]
            return await read_facts(session, name, size), await read_contents(session)

    async def copy(self, live: str, name: str) -> None:
        async with self._session() as session:
            await session.run(database_admin_sql.drop(name))
            server = await session.ask(database_admin_sql.SERVER_NUMBER)
            await session.run(database_admin_sql.copy(live, name, server))
            await session.run(database_admin_sql.adorn_like(name, live))

    async def delete_versions(self, name: str, rows: Sequence[VersionRow]) -> None:
        async with self._session(name) as session:
            for row in rows:
                await session.run(database_admin_sql.delete_version(row))

    async def empty_queue(self, name: str) -> int:
        async with self._session(name) as session:
            return int(await session.ask(database_admin_sql.EMPTY_QUEUE))

    async def analyze(self, name: str) -> None:
        async with self._session(name) as session:
            await session.run("ANALYZE;")

    async def fence(self, *names: str) -> None:
        async with self._session() as session:
            there = [each for each in await session.ask(database_admin_sql.NAMES) if each in names]
            if not there:
                return
            for name in there:
                await session.run(database_admin_sql.allow_connections(name, allowed=False))
            try:
                async with asyncio.timeout(_SHUT_WITHIN):
                    while await session.ask(  # noqa: ASYNC110 - the server's event
                        database_admin_sql.end_all_sessions(there)
                    ):
                        await asyncio.sleep(_AGAIN)
            except TimeoutError as error:
                raise PortError(
                    f'close the database "{there[0]}": a session in it does not end',
                    hint="End it as its own role or a superuser, or restart PostgreSQL.",
                ) from error

    async def unfence(self, name: str) -> None:
        await self._run(database_admin_sql.allow_connections(name, allowed=True))

    async def swap(self, live: str, outgoing: str, incoming: str) -> None:
        names = await self.names()
        if outgoing in names and live in names and incoming not in names:
            return
        await self._run(database_admin_sql.swap(live, outgoing, incoming))

    async def rename(self, old: str, new: str) -> None:
        if old in await self.names():
            await self.fence(old)
            await self._run(database_admin_sql.rename(old, new))

    async def drop(self, name: str) -> None:
        await self._run(database_admin_sql.drop(name))

    async def end_sessions(self) -> None:
        environment = {**self._environment(), "PGAPPNAME": "akbot-ends"}
        async with (
            self._clients() as client,
            psql_session(self._engine, client.id, environment) as session,
        ):
            await session.run(catalogue_sql.end_sessions(f"akbot-{self._job}-") + ";")

    async def _run(self, statements: str) -> None:
        async with self._session() as session:
            await session.run(statements)

    @asynccontextmanager
    async def _session(self, database: str = "") -> AsyncGenerator[PsqlSession]:
        """In *database*, "" for the maintenance database."""
        async with (
            self._clients() as client,
            psql_session(self._engine, client.id, self._environment(database)) as session,
        ):
            yield session

    def _environment(self, database: str = "") -> dict[str, str]:
        return {
            "PGUSER": self._login.user,
            "PGDATABASE": database or self._login.maintenance,
            "PGAPPNAME": f"akbot-{self._job}-{secrets.token_hex(4)}",
            "PGCONNECT_TIMEOUT": "10",
        }


def _conninfo(database: str) -> str:
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"
