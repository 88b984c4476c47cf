"""What stands around the stack's containers, each thing looked at where it is."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bot.adapters.certificate import expiry_of
from bot.adapters.compose_program import CONFIG_WITHIN, ComposeProgram
from bot.adapters.container_facts import address_of, environment_of
from bot.adapters.engine import DockerEngine
from bot.adapters.http_client import HttpClient
from bot.adapters.images import find_image
from bot.adapters.server_pages import pages_of
from bot.adapters.surroundings_database import look_at_database
from bot.adapters.surroundings_disks import look_at_disks
from bot.adapters.surroundings_usage import ContainerUsage
from bot.domain.errors import BotError, PortError
from bot.domain.restore import compose_site
from bot.domain.site_checks import SiteChecks
from bot.domain.stack import Container, Stack
from bot.domain.surroundings import (
    Certificate,
    Database,
    DiskRoom,
    ImageInUse,
    Page,
    Usage,
)

_READY = "-/health/ready/"
_OUTSIDE_WITHIN = 10.0
_MOST = 4 * 1024 * 1024
_HTTPS = 9443


@dataclass
class DockerSurroundings:
    """Port `SurroundingsLook`."""

    engine: DockerEngine
    compose: ComposeProgram
    checks: SiteChecks
    http: HttpClient = field(
        default_factory=lambda: HttpClient(_OUTSIDE_WITHIN, whole_within=_OUTSIDE_WITHIN)
    )
    _usage: ContainerUsage = field(init=False)

    def __post_init__(self) -> None:
        self._usage = ContainerUsage(self.engine.api)

    async def usage(self, stack: Stack) -> Sequence[Usage]:
        return await self._usage.look(stack)

    async def disks(self, stack: Stack) -> Sequence[DiskRoom]:
        return await look_at_disks(self.engine.api, stack)

    async def database(self, stack: Stack) -> Database:
        return await look_at_database(
            self.engine.api,
            self.engine.clients(stack),
            self.engine.login(stack),
            stack.postgresql.service if stack.postgresql else stack.database_host,
            await self._worker(stack.worker),
        )

    async def _worker(self, worker: Container | None) -> tuple[str, str] | None:
        """Its name and when it was started; None where it does not run, of which others tell."""
        if worker is None or not worker.running:
            return None
        return worker.service, str((await self._details(worker))["State"]["StartedAt"])

    async def images(self, stack: Stack) -> Sequence[ImageInUse]:
        said = await self.compose.run(
            compose_site(stack), "config", "--format", "json", within=CONFIG_WITHIN
        )
        services: Mapping[str, Mapping[str, Any]] = json.loads(said)["services"]
        here = [each for each in stack.containers if each.service in services]
        wanted = [str(services[each.service].get("image") or each.image) for each in here]
        names = dict.fromkeys(wanted)
        ids = await asyncio.gather(*(find_image(self.engine.api, name) for name in names))
        known = dict(zip(names, ids, strict=True))
        return [
            ImageInUse(each.service, each.image, each.image_id, name, known[name])
            for each, name in zip(here, wanted, strict=True)
        ]

    async def ready(self, stack: Stack) -> Page:
        pages = pages_of(await self._details(stack.server))
        reply = await pages.ask("GET", _READY) if pages else None
        return Page(stack.server.service, reply.status if reply else None)

    async def public(self) -> Page | None:
        page = self.checks.public_page
        if not page:
            return None
        return await asyncio.to_thread(self._ask, page)

    def _ask(self, url: str) -> Page:
        try:
            return Page(url, self.http.ask("GET", url, {}, most=_MOST).status)
        except BotError as error:  # that nobody answers is an answer here
            return Page(url, None, str(error))

    async def certificate(self, stack: Stack) -> Certificate | None:
        site = urlsplit(self.checks.public_url)
        if site.scheme == "https" and site.hostname:
            expires = await expiry_of(site.hostname, site.port or 443, _OUTSIDE_WITHIN)
            return Certificate(site.netloc, expires)
        if site.scheme:
            return None
        details = await self._details(stack.server)
        if details["State"]["Status"] != "running":  # then it shows no ports, whatever it publishes
            raise PortError(f'"{stack.server.name}" does not run', retryable=True)
        listen = environment_of(details).get("AUTHENTIK_LISTEN__HTTPS", "").rpartition(":")[2]
        port = int(listen) if listen.isdigit() else _HTTPS
        published = (details["NetworkSettings"].get("Ports") or {}).get(f"{port}/tcp")
        address = address_of(details)
        if not published or not address:
            return None
        return Certificate(stack.server.service, await expiry_of(address, port, _OUTSIDE_WITHIN))

    async def _details(self, container: Container) -> Mapping[str, Any]:
        details: Mapping[str, Any] = await self.engine.api.call(
            "inspect a container", lambda sdk: sdk.inspect_container(container.id)
        )
        return details
