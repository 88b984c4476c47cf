"""Where PostgreSQL's own programs run: in the database's container, or in one of their own.

A job has one of its own for all that it does, since the stack's lock is a session through it; it
stays for a while after, or the watcher would start one every minute.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

from bot.adapters.call_back import Source
from bot.adapters.client_container import ClientContainers, OwnClient
from bot.adapters.database_told import Ask, Told
from bot.adapters.engine_api import EngineApi
from bot.adapters.threads import finish, stop
from bot.domain.errors import PortError
from bot.domain.outside_database import DatabaseSettings
from bot.domain.stack import Container

_STAYS = 150.0  # seconds, longer than from one look of the watcher to the next
_DOING = "look for the throw-away container of PostgreSQL's programs"

logger = logging.getLogger(__name__)


class Client(Source, Protocol):
    """A container that has PostgreSQL's programs, and whose environment leads to the database."""

    @property
    def image_id(self) -> str:
        """PostgreSQL's image, of the database's major version."""


Clients = Callable[[], AbstractAsyncContextManager[Client]]
"""Gives one for as long as its context lives; what is run in it then is ended by its callers."""


def inside(container: Container) -> Clients:
    """The database's own container: its local socket needs no password."""

    @asynccontextmanager
    async def client() -> AsyncGenerator[Client]:
        yield container

    return client


class OutsideClients:
    """Gives the clients of a database that is outside; all at a time share one container."""

    def __init__(self, engine: EngineApi, given: DatabaseSettings) -> None:
        self._engine = engine
        self._containers = ClientContainers(engine, given)
        self._changing = asyncio.Lock()
        self._users = 0
        self._client: OwnClient | None = None
        self._key = ""
        self._leaving: asyncio.Task[None] | None = None
        self._context = AsyncExitStack()

    def told(self, ask: Ask) -> Clients:
        """For the database of the Authentik server that is told so."""

        @asynccontextmanager
        async def client() -> AsyncGenerator[Client]:
            shared = await self._enter(ask)
            try:
                yield shared
            finally:
                await finish(self._leave())

        return client

    async def close(self) -> None:
        """Remove the container."""
        async with self._changing:
            await self._remove()

    async def _enter(self, ask: Ask) -> OwnClient:
        async with self._changing:
            await self._stay()
            if self._client is None or not self._users:
                self._client = await self._fitting(await ask())
            self._users += 1
            return self._client

    async def _fitting(self, told: Told) -> OwnClient:
        """Another container of the server may have been told another password."""
        client = self._client
        if client and self._key == told.key and await self._runs(client.id):
            return client
        await self._remove()
        client, self._context = await self._containers.fitting(told)
        self._key = told.key
        return client

    async def _runs(self, name: str) -> bool:
        return await self._engine.call(_DOING, lambda sdk: _runs(sdk, name))

    async def _leave(self) -> None:
        async with self._changing:
            self._users -= 1
            if not self._users:
                self._leaving = asyncio.create_task(self._remove_later())

    async def _remove_later(self) -> None:
        await asyncio.sleep(_STAYS)
        async with self._changing:
            self._leaving = None
            await self._remove()

    async def _stay(self) -> None:
        if self._leaving:
            await stop(self._leaving)
            self._leaving = None

    async def _remove(self) -> None:
        """It ends with us anyway: an Engine that is away is no reason to fail."""
        await self._stay()
        self._client = None
        try:
            await self._context.aclose()
        except PortError as error:
            logger.warning("%s; the next start removes it", error)


def _runs(sdk: Any, name: str) -> bool:
    from docker.errors import NotFound  # noqa: PLC0415 - imported when used

    try:
        return bool(sdk.inspect_container(name)["State"]["Running"])
    except NotFound:
        return False
