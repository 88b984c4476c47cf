"""What a restore asks of a host that has nothing of the stack; fakes are in tests/fakes_bootstrap.

As in `restore_ports`: whatever changes something can be done again after it was cut off anywhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bot.domain.layout import DataFolder, Layout
from bot.domain.project import Project, ProjectFile
from bot.domain.restore import Site


class ProjectPlace(Protocol):
    """The folder that the project is laid into."""

    @property
    def path(self) -> str:
        """Where it is, on the host."""

    async def fingerprints(self) -> Mapping[str, str]:
        """Every file in it but akbot's own and the identity, by its name relative to the folder.

        What is no regular file has the fingerprint "".
        """

    async def lay(self, files: Sequence[ProjectFile]) -> None:
        """Write them, each whole or not at all, with owners and modes; others stay."""


class Ground(Protocol):
    """Engine and Compose, before there is a stack."""

    async def configuration(self, project: Project) -> Mapping[str, Any]:
        """What Compose makes of *project*, which is not laid yet.

        Raises RefusedError where it makes nothing of it.
        """

    async def containers(self, project: str, names: Sequence[str]) -> Sequence[str]:
        """The containers that belong to a project of that name, or have one of *names*."""

    async def pull(self, image: str) -> None:
        """Have *image* on this host. Raises PortError where it is not here and cannot be pulled."""

    async def occupied(self, folders: Sequence[DataFolder], image: str) -> Sequence[str]:
        """Those that exist and have something in them; *image* is one that is here."""

    async def prepare(self, layout: Layout, image: str) -> None:
        """Make the folders that are missing, for those who will own them."""

    async def put(
        self, folder: DataFolder, layout: Layout, files: Mapping[str, bytes], image: str
    ) -> None:
        """Write *files* into a folder of the host, for its owner's eyes alone."""

    async def up(self, site: Site, services: Sequence[str]) -> None:
        """Have Compose start *services*; returns once they are healthy, PostgreSQL for good."""

    async def create(self, site: Site, services: Sequence[str]) -> None:
        """Have Compose create *services* without starting them; images are pulled."""

    async def make_roles(self, site: Site, statements: Sequence[str]) -> None:
        """Run *statements*, then let each role that the stack logs in as have its password."""
