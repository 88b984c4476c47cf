"""The stack as a preflight needs it: containers by the Engine, the database by its own `psql`."""

from collections.abc import Mapping
from typing import Any

from bot.adapters import preflight_sql
from bot.adapters.container_facts import environment_of
from bot.adapters.database_admin import PostgresAdmin
from bot.adapters.database_client import Clients
from bot.adapters.disk import HostDisk
from bot.adapters.disk_told import disk_among
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.ipv6 import knows_ipv6
from bot.adapters.memory import free_memory
from bot.adapters.network_guests import network_guests
from bot.adapters.postgres import Login
from bot.adapters.psql import psql_session
from bot.adapters.server_pages import pages_of
from bot.adapters.stack_probe import read_version
from bot.domain.errors import RefusedError
from bot.domain.preflight_facts import DatabaseState, ServiceState, StackState
from bot.domain.stack import Container, Stack

LONG_AGO = "-infinity"
_READY = "-/health/ready/"
_JOB = "preflight"


class DockerPreflight:
    """Port `PreflightLook`."""

    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine

    async def look(self, stack: Stack) -> StackState:
        if stack.postgresql and not stack.postgresql.running:
            raise RefusedError(
                f'"{stack.postgresql.name}" does not run: there is no database to look at',
                hint=f'Start it with "docker compose up -d {stack.postgresql.service}".',
            )
        said: Mapping[str, Any] = await self._engine.api.call(
            "ask the Engine about itself", lambda sdk: sdk.info()
        )
        database = await database_state(
            self._engine.api,
            self._engine.clients(stack),
            self._engine.login(stack),
            await self._started(stack.worker) if stack.worker else LONG_AGO,
            is_outside=stack.postgresql is None,
        )
        images = await HostDisk().usage(str(said["DockerRootDir"]))
        return StackState(
            postgresql=stack.postgresql,
            redis=stack.redis,
            server=await self._service(stack.server),
            worker=await self._service(stack.worker) if stack.worker else None,
            database=database,
            image_disk=disk_among(database.room, images) if images else None,
            memory=await free_memory(int(said["MemTotal"])),
            ipv6=await knows_ipv6(int(said["MemTotal"])),
            guests=await network_guests(self._engine.api, stack),
            ready=await self._ready(stack.server),
        )

    async def _ready(self, server: Container) -> int | None:
        """Asked as the gate will ask the new version."""
        pages = pages_of(await self._details(server))
        reply = await pages.ask("GET", _READY) if pages else None
        return reply.status if reply else None

    async def _details(self, container: Container) -> Mapping[str, Any]:
        details: Mapping[str, Any] = await self._engine.api.call(
            "inspect a container", lambda sdk: sdk.inspect_container(container.id)
        )
        return details

    async def _started(self, container: Container) -> str:
        details = await self._details(container)
        return str(details["State"]["StartedAt"])

    async def _service(self, container: Container) -> ServiceState:
        details = await self._details(container)
        given = environment_of(details)
        return ServiceState(
            container=container,
            version=await read_version(self._engine.api, container.id),
            settings=frozenset(name for name, value in given.items() if value),
            shared_memory=int(details["HostConfig"].get("ShmSize") or 0),
        )


async def database_state(
    api: EngineApi,
    clients: Clients,
    login: Login,
    since: str = LONG_AGO,
    *,
    is_outside: bool = False,
) -> DatabaseState:
    """Authentik's database in a running PostgreSQL; workers that were seen after *since*."""
    environment = {
        "PGUSER": login.user,
        "PGDATABASE": login.database,
        "PGAPPNAME": f"akbot-{_JOB}",
        "PGCONNECT_TIMEOUT": "10",
    }
    async with (
        clients() as client,
        psql_session(api, client.id, environment) as session,
    ):
        state: dict[str, Any] = await session.ask(preflight_sql.STATE)
        await session.run(preflight_sql.since(since))
        tables: dict[str, Any] = await session.ask(preflight_sql.TABLES)
    workers = tables.get("workers")
    room = await PostgresAdmin(api, clients, login, _JOB, is_outside=is_outside).room()
    return DatabaseState(
        **state,
        room=room,
        written_version=tables.get("written"),
        workers=None if workers is None else tuple(workers),
        duplicate_groups=tuple(tables["groups"]),
        outposts=tuple(tables["outposts"]),
    )
