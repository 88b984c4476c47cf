"""A container of PostgreSQL's own programs that reaches a database as Authentik's server does.

It is sealed, of PostgreSQL's image of the database's major version, so that `pg_dump` fits, and in
the server's networks. Its main process reads our stdin: when we are killed it ends, and every
program and session with it, and the next start sweeps it away.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.adapters.container_facts import address_of
from bot.adapters.database_told import Seat, Told
from bot.adapters.engine_api import EngineApi
from bot.adapters.images import find_image, have_image, image_id_of
from bot.adapters.throwaway import created
from bot.domain.errors import ConfigError, PortError
from bot.domain.outside_database import (
    Connection,
    DatabaseSettings,
    connection_of,
    password_file,
    password_in,
)

_IMAGE = "postgres"
_MAJORS = (18, 17, 16, 15, 14)  # what Authentik runs on, the newest first
_USUAL = 17
_MINOR = 10_000
_MEMORY = 512 * 1024 * 1024
_PIDS = 64
_USER = "65534:65534"
_PLACE = "/tmp"  # noqa: S108 - inside the container, in memory
_PASSWORD_FILE = "PGPASSFILE"  # noqa: S105 - a name
_KEEP = 'umask 077; cat >"$0"'
_VERSION = re.compile(rb"\(PostgreSQL\) (\d+)")
_ASK = ("psql", "-X", "-q", "-A", "-t", "-c", "SHOW server_version_num")
_DOING = "start PostgreSQL's programs in a throw-away container"


@dataclass(frozen=True)
class OwnClient:
    """A `Client` of its own."""

    id: str
    address: str
    image_id: str


class ClientContainers:
    """Starts them, as Authentik's server is told and as is *given*."""

    def __init__(self, engine: EngineApi, given: DatabaseSettings) -> None:
        self._engine = engine
        self._given = given
        self._image = given.image

    async def fitting(self, told: Told) -> tuple[OwnClient, AsyncExitStack]:
        """One of the database's major version, which any other can be asked for.

        It is removed when the stack of contexts is closed.
        """
        connection = connection_of(told.environment, self._given)
        files = await _files(told, connection)
        image = self._image or await self._any_image()
        await have_image(self._engine, image)
        while True:
            async with AsyncExitStack() as context:
                starting = self._started(image, told.seat, connection, files)
                client = await context.enter_async_context(starting)
                own, server = await self._majors(client, connection)
                if own == server:
                    self._image = image
                    return client, context.pop_all()
            if self._given.image or image == f"{_IMAGE}:{server}":
                raise ConfigError(
                    f'AKBOT_DATABASE_IMAGE: "{image}" is PostgreSQL {own}, and the database on'
                    f' "{connection.host}" is PostgreSQL {server}',
                    hint=f"Name an image of PostgreSQL {server}.",
                )
            image = f"{_IMAGE}:{server}"
            await have_image(self._engine, image)

    async def _any_image(self) -> str:
        names = [f"{_IMAGE}:{major}" for major in _MAJORS]
        here = [name for name in names if await find_image(self._engine, name)]
        return here[0] if here else f"{_IMAGE}:{_USUAL}"

    async def _majors(self, client: OwnClient, connection: Connection) -> tuple[int, int]:
        """Of the programs, and of the server that they reach."""
        own = await self._engine.run(client.id, ["pg_dump", "--version"])
        found = _VERSION.search(own.stdout)
        if not found:
            raise PortError(f"ask pg_dump for its version: {own.stderr or 'no answer'}")
        return int(found[1]), await self._server(client, connection)

    async def _server(self, client: OwnClient, connection: Connection) -> int:
        """A restore that was cut off may have shut Authentik's own; a role may have no other."""
        words = ""
        for database in (connection.database, self._given.maintenance):
            place = {"PGAPPNAME": "akbot-looks", "PGDATABASE": database}
            said = await self._engine.run(client.id, _ASK, environment=place)
            if said.exit_code == 0:
                return int(said.stdout) // _MINOR
            words = words or said.stderr
        raise PortError(
            f'reach Authentik\'s database on "{connection.host}": {words}',
            hint="akbot reaches it as Authentik's server does, from its networks and with its"
            " settings; AKBOT_DATABASE_HOST and the like go before those.",
            retryable=True,
        )

    @asynccontextmanager
    async def _started(
        self, image: str, seat: Seat, connection: Connection, files: Mapping[str, bytes]
    ) -> AsyncGenerator[OwnClient]:
        image_id = await image_id_of(self._engine, image)
        kept = {variable: f"{_PLACE}/{variable}" for variable in files}
        settings = {
            "entrypoint": ["cat"],
            "command": [],
            "user": _USER,
            "stdin_open": True,
            "environment": {
                "HOME": _PLACE,
                "PGHOST": connection.host,
                "PGPORT": connection.port,
                "PGUSER": connection.user,
                "PGDATABASE": connection.database,
                "PGCONNECT_TIMEOUT": "10",
                **connection.variables,
                **kept,
            },
        }
        limits = {
            "mem_limit": _MEMORY,
            "memswap_limit": _MEMORY,
            "pids_limit": _PIDS,
            "tmpfs": {_PLACE: "mode=1777"},
            **seat.options,
        }
        async with created(
            self._engine, _DOING, image_id, settings, "", limits=limits, place=(seat.mode, "")
        ) as name:
            for network in seat.networks:
                joining = partial(_join, name=name, network=network)
                await self._engine.call(_DOING, joining)
            stdin = await self._engine.attach(name)
            try:
                await self._engine.call(_DOING, lambda sdk: sdk.start(name))
                for variable, content in files.items():
                    await self._keep(name, kept[variable], content)
                details: Mapping[str, Any] = await self._engine.call(
                    _DOING, lambda sdk: sdk.inspect_container(name)
                )
                yield OwnClient(name, address_of(details), image_id)
            finally:
                await stdin.close()

    async def _keep(self, name: str, path: str, content: bytes) -> None:
        done = await self._engine.feed(name, ["sh", "-c", _KEEP, path], _once(content))
        if done.exit_code != 0:
            raise PortError(f"{_DOING}: {done.stderr or done.exit_code}")


def _join(sdk: Any, *, name: str, network: str) -> None:
    sdk.connect_container_to_network(name, network)


async def _files(told: Told, connection: Connection) -> dict[str, bytes]:
    """What libpq reads from files, by the variable that names it."""
    files = {variable: await told.read(path) for variable, path in connection.files.items()}
    password = connection.password
    if connection.password_file:
        password = password_in(await told.read(connection.password_file))
    return {**files, _PASSWORD_FILE: password_file(password)}


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
