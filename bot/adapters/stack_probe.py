"""Server and worker as somebody on the stack's own network sees them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from bot.adapters.container_facts import as_container
from bot.adapters.engine_api import EngineApi
from bot.adapters.files import version_in
from bot.adapters.server_pages import pages_of
from bot.adapters.services_of import details_of
from bot.domain.errors import PortError
from bot.domain.gate import Observation, Seen
from bot.domain.restore import Site
from bot.domain.version_file import PATH

_READY = "-/health/ready/"
_LOGIN = "if/flow/default-authentication-flow/"


@dataclass
class HttpProbe:
    """Port `StackProbe`; the version file of a container is read once."""

    engine: EngineApi
    site: Site
    _versions: dict[str, str | None] = field(default_factory=dict)

    async def look(self) -> Observation:
        try:
            return await self._look()
        except PortError:  # whoever waits for it to be well knows for how long
            return Observation((), None, None)

    async def _look(self) -> Observation:
        found = await details_of(self.engine, self.site.project, self.site.services)
        by_service = {as_container(each, {}).service: each for each in found}
        seen = [await self._seen(service, each) for service, each in by_service.items()]
        server = by_service.get(self.site.server)
        ready = await status_of(server, _READY) if server else None
        login = await status_of(server, _LOGIN) if server else None
        return Observation(tuple(seen), ready, login)

    async def _seen(self, service: str, details: Mapping[str, Any]) -> Seen:
        state, container_id = details["State"], details["Id"]
        if container_id not in self._versions:
            self._versions[container_id] = await read_version(self.engine, container_id)
        running = state["Status"] == "running"
        run = f"{container_id} {state['StartedAt']}"
        return Seen(service, running, run, self._versions[container_id])


async def read_version(engine: EngineApi, container_id: str) -> str | None:
    """What Authentik's version file says; None where there is none."""
    download: AsyncGenerator[bytes] = engine.download(
        container_id, PATH, doing="read Authentik's version file"
    )
    async with aclosing(download) as blocks:
        return await version_in(blocks)


async def status_of(details: Mapping[str, Any], path: str) -> int | None:
    """What the server answers to a GET of *path*; None where nobody does."""
    pages = pages_of(details)
    reply = await pages.ask("GET", path) if pages else None
    return reply.status if reply else None
