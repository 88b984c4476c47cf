"""The Docker Engine as the services see it: where the stack is, and its parts."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.files import EngineFiles
from bot.adapters.postgres import Login, PostgresDatabase
from bot.adapters.redis import RedisServer
from bot.adapters.scratch import ScratchPostgres, scratch_database
from bot.adapters.scratch_application import Original
from bot.adapters.scratch_redis import load_rdb
from bot.adapters.throwaway import remove_throw_aways
from bot.adapters.transport import Transport
from bot.domain.discovery import (
    Found,
    Neighbour,
    StackWanted,
    choose_containers,
    is_postgresql,
    judge_database_host,
    without_database,
)
from bot.domain.errors import BotError, ConfigError, RefusedError
from bot.domain.registry_answers import Platform
from bot.domain.stack import Container, Mount, Role, Stack

_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"
_DATABASE_HOST = "AUTHENTIK_POSTGRESQL__HOST"
_SEVERAL = 2
_ANY_PORT = 9


class DockerEngine:
    """Port `Engine`."""

    def __init__(self, api: EngineApi, wanted: StackWanted) -> None:
        self.api = api
        self._wanted = wanted
        self.transport = Transport(api)
        self._environments: dict[str, dict[str, str]] = {}

    async def find_stack(self) -> Stack:
        listed: Sequence[Mapping[str, Any]] = await self.api.call(
            "list containers",
            lambda sdk: sdk.containers(all=True, filters={"label": _PROJECT}),
        )
        labels = [each["Labels"] for each in listed]
        found = [
            Found(each["Id"], label[_PROJECT], label[_SERVICE])
            for each, label in zip(listed, labels, strict=True)
            if label.get(_ONE_OFF) != "True" and _SERVICE in label
        ]
        try:
            chosen = choose_containers(found, self._wanted)
        except ConfigError as error:
            if told := await self._where_the_database_is(found, error):
                raise told from error
            raise
        details = await asyncio.gather(*(self._container(each) for each in chosen.ids.values()))
        containers = dict(zip(chosen.ids, details, strict=True))
        inspected = labels[[each["Id"] for each in listed].index(chosen.ids[Role.SERVER])]
        return Stack(
            project=chosen.project,
            postgresql=containers[Role.POSTGRESQL],
            server=containers[Role.SERVER],
            worker=containers.get(Role.WORKER),
            redis=containers.get(Role.REDIS),
            working_dir=inspected.get(f"{_PROJECT}.working_dir", ""),
            config_files=_paths(inspected.get(f"{_PROJECT}.config_files")),
            env_files=_paths(inspected.get(f"{_PROJECT}.environment_file")),
        )

    async def _where_the_database_is(
        self, found: Sequence[Found], error: ConfigError
    ) -> BotError | None:
        """What the settings of a server without a PostgreSQL beside it add to *error*."""
        headless = without_database(found, self._wanted)
        if headless is None:
            return None
        server, *others = await asyncio.gather(
            *(self._inspect(each) for each in (headless.server, *headless.others))
        )
        host = environment_of(server).get(_DATABASE_HOST, "")
        neighbours = [_neighbour(each) for each in others]
        return judge_database_host(headless, host, neighbours, self._wanted, error)

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
            self.api, self.transport, stack.postgresql, self.login(stack), job_id
        )

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
        postgresql, user = stack.postgresql.image_id, self.login(stack).user
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
        """The superuser that the image made, and the database that Authentik is told to use."""
        own = self._environments[stack.postgresql.id]
        user = own.get("POSTGRES_USER", "postgres")
        server = self._environments[stack.server.id]
        database = server.get("AUTHENTIK_POSTGRESQL__NAME") or own.get("POSTGRES_DB", user)
        return Login(user, database)

    def server_environment(self, stack: Stack) -> Mapping[str, str]:
        """The variables of Authentik's server; there are secrets among them."""
        return self._environments[stack.server.id]

    async def close(self) -> None:
        """Give back connections."""
        await self.api.close()


def as_container(details: Mapping[str, Any], image: Mapping[str, Any]) -> Container:
    """What the Engine says of a container and its image."""
    state, config = details["State"], details["Config"]
    return Container(
        id=details["Id"],
        service=config["Labels"][_SERVICE],
        name=details["Name"].lstrip("/"),
        image=config["Image"],
        image_id=details["Image"],
        image_digest=_digest(config["Image"], image.get("RepoDigests") or []),
        state=state["Status"],
        health=state.get("Health", {}).get("Status", ""),
        restarts=details["RestartCount"],
        address=address_of(details),
        mounts=tuple(
            Mount(each.get("Name") or each["Source"], each["Destination"])
            for each in details["Mounts"]
        ),
    )


def _neighbour(details: Mapping[str, Any]) -> Neighbour:
    config = details["Config"]
    service = config["Labels"][_SERVICE]
    names = {service, details["Name"].lstrip("/")}
    for network in details["NetworkSettings"]["Networks"].values():
        names.update(network.get("Aliases") or ())
    postgresql = is_postgresql(config["Image"], environment_of(details))
    return Neighbour(service, frozenset(names), postgresql)


def _digest(image: str, known: Sequence[str]) -> str | None:
    repository = image.partition("@")[0].rpartition(":")[0] or image
    digests = dict(each.split("@", 1) for each in known)
    return digests.get(repository) or next(iter(digests.values()), None)


def address_of(details: Mapping[str, Any]) -> str:
    """A container's IP address on a network that this process is in, or else on its first one.

    "" where it does not run.
    """
    networks = details["NetworkSettings"]["Networks"].values()
    addresses = [str(each["IPAddress"]) for each in networks if each["IPAddress"]]
    if len(addresses) < _SEVERAL:
        return "".join(addresses)
    return next((each for each in addresses if _is_near(each)), addresses[0])


def _is_near(address: str) -> bool:
    """Whether no router lies before *address*: from the bot's container others lead nowhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.settimeout(0)
        route.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
        try:
            route.connect((address, _ANY_PORT))  # of a datagram: nothing is sent
        except OSError:
            return False
    return True


def environment_of(details: Mapping[str, Any]) -> dict[str, str]:
    """The variables that a container was made with."""
    pairs = (each.partition("=") for each in details["Config"]["Env"] or [])
    return {name: value for name, _, value in pairs}


def _paths(label: str | None) -> tuple[str, ...]:
    return tuple(path for path in (label or "").split(",") if path)
