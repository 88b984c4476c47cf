"""The Docker Engine as the services see it: where the stack is, and its parts."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bot.adapters.compose_program import ComposeProgram
from bot.adapters.container_facts import SERVICE, as_container, environment_of
from bot.adapters.database_client import Client, Clients, OutsideClients, inside
from bot.adapters.database_told import told_at, told_by_container
from bot.adapters.database_whereabouts import wanted_outside
from bot.adapters.engine_api import EngineApi
from bot.adapters.files import EngineFiles
from bot.adapters.postgres import Login, PostgresDatabase
from bot.adapters.redis import RedisServer
from bot.adapters.scratch import ScratchPostgres, scratch_database
from bot.adapters.scratch_application import Original
from bot.adapters.scratch_redis import load_rdb
from bot.adapters.services_of import require_running
from bot.adapters.throwaway import remove_throw_aways
from bot.adapters.transport import Transport
from bot.domain.discovery import Chosen, Found, StackWanted, choose_containers
from bot.domain.errors import ConfigError, RefusedError
from bot.domain.outside_database import PLAIN, DatabaseSettings, connection_of
from bot.domain.registry_answers import Platform
from bot.domain.restore import Site
from bot.domain.stack import Container, Role, Stack

_PROJECT = "com.docker.compose.project"
_ONE_OFF = "com.docker.compose.oneoff"

TellMore = Callable[[ConfigError], Awaitable[None]]


async def _knows_no_more(_: ConfigError) -> None:
    """Where nothing but the settings can be at fault."""


class DockerEngine:
    """Port `Engine`; *given* is what a person said of the database.

    *tell_more* raises what tells more than that there is no stack, where that is known.
    """

    def __init__(
        self,
        api: EngineApi,
        wanted: StackWanted,
        given: DatabaseSettings = PLAIN,
        tell_more: TellMore = _knows_no_more,
    ) -> None:
        self.api = api
        self._wanted = wanted
        self._given = given
        self._tell_more = tell_more
        self._outside = OutsideClients(api, given)
        self.transport = Transport(api)
        self._environments: dict[str, dict[str, str]] = {}

    async def find_stack(self) -> Stack:
        listed: Sequence[Mapping[str, Any]] = await self.api.call(
            "list containers",
            lambda sdk: sdk.containers(all=True, filters={"label": _PROJECT}),
        )
        labels = [each["Labels"] for each in listed]
        found = [
            Found(each["Id"], label[_PROJECT], label[SERVICE])
            for each, label in zip(listed, labels, strict=True)
            if label.get(_ONE_OFF) != "True" and SERVICE in label
        ]
        try:
            chosen = await self._choose(found)
        except ConfigError as error:
            await self._tell_more(error)
            raise
        details = await asyncio.gather(*(self._container(each) for each in chosen.ids.values()))
        containers = dict(zip(chosen.ids, details, strict=True))
        inspected = labels[[each["Id"] for each in listed].index(chosen.ids[Role.SERVER])]
        return Stack(
            project=chosen.project,
            postgresql=containers.get(Role.POSTGRESQL),
            server=containers[Role.SERVER],
            worker=containers.get(Role.WORKER),
            redis=containers.get(Role.REDIS),
            working_dir=inspected.get(f"{_PROJECT}.working_dir", ""),
            config_files=_paths(inspected.get(f"{_PROJECT}.config_files")),
            env_files=_paths(inspected.get(f"{_PROJECT}.environment_file")),
            database_host=chosen.database_host,
        )

    async def _choose(self, found: Sequence[Found]) -> Chosen:
        try:
            return choose_containers(found, self._wanted)
        except ConfigError as error:
            outside = await wanted_outside(self.api, found, self._wanted, error)
            return choose_containers(found, outside)

    async def _inspect(self, container_id: str) -> Mapping[str, Any]:
        details: Mapping[str, Any] = await self.api.call(
            "inspect a container", lambda sdk: sdk.inspect_container(container_id)
        )
        return details

    async def _container(self, container_id: str) -> Container:
        details = await self._inspect(container_id)
        image: Mapping[str, Any] = await self.api.call(
            "inspect an image",
            lambda sdk: sdk.inspect_image(details["Image"]),  # type: ignore[no-untyped-call]
        )
        self._environments[container_id] = environment_of(details)
        return as_container(details, image)

    async def platform(self) -> Platform:
        said: Mapping[str, Any] = await self.api.call(
            "ask for the Engine's version",
            lambda sdk: sdk.version(),
        )
        return Platform(str(said["Os"]), str(said["Arch"]))

    def database(self, stack: Stack, job_id: str = "") -> PostgresDatabase:
        return PostgresDatabase(
            self.api,
            self.transport,
            self.clients(stack),
            self.login(stack),
            job_id,
            is_outside=stack.postgresql is None,
        )

    def clients(self, stack: Stack) -> Clients:
        """Where PostgreSQL's programs run for *stack*: the one place that decides it."""
        if stack.postgresql:
            return inside(stack.postgresql)
        return self._outside.told(partial(told_by_container, self.api, stack.server.id))

    def clients_at(self, site: Site, compose: ComposeProgram) -> Clients:
        """The same for a stack whose server may be away."""
        if not site.postgresql:
            return self._outside.told(partial(told_at, self.api, compose, site))

        @asynccontextmanager
        async def client() -> AsyncGenerator[Client]:
            yield await require_running(self.api, site.project, site.postgresql)

        return client

    async def database_image_at(self, site: Site, compose: ComposeProgram) -> str:
        """The id of PostgreSQL's image there. Raises PortError while PostgreSQL does not answer."""
        async with self.clients_at(site, compose)() as client:
            return client.image_id

    async def database_image(self, stack: Stack) -> str:
        """The id of PostgreSQL's image, of the database's major version."""
        async with self.clients(stack)() as client:
            return client.image_id

    def session_store(self, stack: Stack) -> RedisServer | None:
        if stack.redis is None:
            return None
        password = self._environments[stack.server.id].get("AUTHENTIK_REDIS__PASSWORD")
        return RedisServer(self.api, stack.redis, password)

    def files(self, stack: Stack) -> EngineFiles:
        return EngineFiles(self.api, stack)

    @asynccontextmanager
    async def scratch_database(
        self, stack: Stack, job_id: str, image: str = ""
    ) -> AsyncGenerator[ScratchPostgres]:
        original = await self._original(stack, image) if image else None
        postgresql, user = await self.database_image(stack), self.login(stack).user
        async with scratch_database(self.api, postgresql, user, job_id, original) as scratch:
            yield scratch

    async def _original(self, stack: Stack, image: str) -> Original:
        """The application that is copied: *image* as this host has it, with the live settings."""
        found = await self.api.call("look for an image", lambda sdk: sdk.images(name=image))
        if not found:
            raise RefusedError(
                f'the image "{image}" is not on this host', hint=f'Run "docker pull {image}".'
            )
        redis = stack.redis.image_id if stack.redis else ""
        return Original(found[0]["Id"], self._environments[stack.server.id], redis)

    async def load_rdb(self, stack: Stack, rdb: AsyncIterator[bytes], job_id: str) -> int | None:
        if stack.redis is None:
            async for _ in rdb:
                pass  # its reader's own checks run all the same
            return None
        return await load_rdb(self.api, stack.redis.image_id, rdb, job_id)

    async def remove_throw_aways(self, job_id: str) -> int:
        return await remove_throw_aways(self.api, job_id)

    def login(self, stack: Stack) -> Login:
        """The superuser that the image made, and the database that Authentik is told to use.

        Of a database that is outside there is only the role that Authentik is told to be.
        """
        server = self._environments[stack.server.id]
        if stack.postgresql is None:
            told = connection_of(server, self._given)
            return Login(told.user, told.database, self._given.maintenance)
        own = self._environments[stack.postgresql.id]
        user = own.get("POSTGRES_USER", "postgres")
        database = server.get("AUTHENTIK_POSTGRESQL__NAME") or own.get("POSTGRES_DB", user)
        return Login(user, database, self._given.maintenance)

    def login_at(self, site: Site) -> Login:
        """The same, where it was found out before."""
        return Login(site.user, site.database, self._given.maintenance)

    def server_environment(self, stack: Stack) -> Mapping[str, str]:
        """The variables of Authentik's server; there are secrets among them."""
        return self._environments[stack.server.id]

    async def close(self) -> None:
        """Give back connections."""
        await self._outside.close()
        await self.api.close()


def _paths(label: str | None) -> tuple[str, ...]:
    return tuple(path for path in (label or "").split(",") if path)
