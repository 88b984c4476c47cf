"""What people look up between jobs: which versions run, and what a container has said last."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.errors import BotError, ConfigError, RefusedError
from bot.domain.image_name import parse_image_name
from bot.domain.stack import Container, Role, Stack
from bot.domain.versions import Version, read_tag
from bot.services.ports import Engine
from bot.services.update_ports import ReleaseLog

MOST_LINES = 1000


@dataclass(frozen=True)
class VersionsNow:
    """*authentik* is None where its container does not say, *digest* for an image built here.

    *newest* is the newest release that its registry was ever seen to have; None for not known.
    """

    akbot: str
    authentik: str | None
    image: str
    digest: str | None
    newest: Version | None


@dataclass(frozen=True)
class Span:
    """A time of which lines are wanted, both ends included."""

    begin: datetime
    end: datetime


class ContainerTail(Protocol):
    """Reads the end of containers' logs."""

    async def tail(
        self, container: Container, lines: int, span: Span | None = None
    ) -> Sequence[str]:
        """The last lines, each with its time, masked; those of *span* alone, where it is given."""


class Lookout(Protocol):
    """What can be looked up."""

    async def versions(self) -> VersionsNow:
        """Which run, and which is the newest known; nobody is asked but the Engine."""

    async def log(
        self, service: str, lines: int, span: Span | None = None
    ) -> tuple[Container, Sequence[str]]:
        """The container of *service*, which may be named by its role, and its last lines, masked.

        At most MOST_LINES. Raises RefusedError where the stack has no such service.
        """


@dataclass(frozen=True)
class Looks:
    """The Lookout; *akbot* is its own version."""

    engine: Engine
    releases: ReleaseLog
    containers: ContainerTail
    akbot: str

    async def versions(self) -> VersionsNow:
        stack = await self.engine.find_stack()
        seen = [read_tag(tag) for tag in await self._tags(stack.server.image)]
        return VersionsNow(
            akbot=self.akbot,
            authentik=await self._authentik(stack),
            image=stack.server.image,
            digest=stack.server.image_digest,
            newest=max((each for each in seen if each), default=None),
        )

    async def _tags(self, image: str) -> Collection[str]:
        try:
            place = parse_image_name(image).place
        except ConfigError:  # it runs from an image without a name
            return ()
        return await self.releases.tags(place)

    async def _authentik(self, stack: Stack) -> str | None:
        """A server that does not say it hides nothing else."""
        try:
            return await self.engine.files(stack).authentik_version()
        except BotError:
            return None

    async def log(
        self, service: str, lines: int, span: Span | None = None
    ) -> tuple[Container, Sequence[str]]:
        container = container_of(await self.engine.find_stack(), service)
        return container, await self.containers.tail(container, min(lines, MOST_LINES), span)


def roles_of(stack: Stack) -> dict[Role, Container]:
    """The containers that exist, by what they are to Authentik."""
    roles = {
        Role.SERVER: stack.server,
        Role.WORKER: stack.worker,
        Role.POSTGRESQL: stack.postgresql,
        Role.REDIS: stack.redis,
    }
    return {role: container for role, container in roles.items() if container}


def container_of(stack: Stack, service: str) -> Container:
    """The container of *service*; a name goes before a role.

    Raises:
        RefusedError: there is none.
    """
    named = {role.value: container for role, container in roles_of(stack).items()}
    named |= {each.service: each for each in stack.containers}
    if service not in named:
        known = ", ".join(each.service for each in stack.containers)
        raise RefusedError(f'there is no service "{service[:60]}" here', hint=f"There is: {known}.")
    return named[service]
