"""What the look at the stack's surroundings needs of the outside."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.domain.known_images import KnownImages
from bot.domain.stack import Stack
from bot.domain.surroundings import (
    Certificate,
    Database,
    DiskRoom,
    ImageInUse,
    Page,
    Usage,
)


class SurroundingsLook(Protocol):
    """One look at each thing. All raise PortError where it cannot be looked at."""

    async def usage(self, stack: Stack) -> Sequence[Usage]:
        """What each container uses; cores since the call before."""

    async def disks(self, stack: Stack) -> Sequence[DiskRoom]:
        """Each file system once that the Engine or data of the stack lies on, as far as is seen."""

    async def database(self, stack: Stack) -> Database:
        """Sessions of PostgreSQL, and the worker's heartbeat. One that takes no more is an answer.

        Raises PortError where it does not run, too.
        """

    async def images(self, stack: Stack) -> Sequence[ImageInUse]:
        """What runs, and what Compose would run by its files as they are now."""

    async def ready(self, stack: Stack) -> Page:
        """Authentik's own answer, from inside the stack's network."""

    async def public(self) -> Page | None:
        """The page where people log in; None where its address is not known."""

    async def certificate(self, stack: Stack) -> Certificate | None:
        """Of the public address, or else of the published port; None where neither has one.

        Who has signed it does not matter. Raises PortError where the server does not run, too, as
        what it publishes is not known then.
        """


class KnownImagesMark(Protocol):
    """What is known of the images, over any restart.

    Raises PortError where the disk fails, ConfigError where what is written cannot be read.
    """

    async def read(self) -> KnownImages | None:
        """None where nothing was written yet."""

    async def write(self, known: KnownImages) -> None:
        """Let *known* be the one that counts."""


class AnsweredMark(Protocol):
    """Which pages have answered at some time, over any restart: their places by subject.

    Raises PortError where the disk fails, ConfigError where what is written cannot be read.
    """

    async def read(self) -> Mapping[str, str]:
        """Nothing where nothing was written yet."""

    async def write(self, pages: Mapping[str, str]) -> None:
        """Let *pages* be the ones that count."""
