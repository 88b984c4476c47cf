"""What a hop does to the project's compose files and folders; a fake is in tests/fakes_compose.py.

Whatever changes something can be done again after it was cut off anywhere, and then has the same
effect as if it had been done once. A *key* names the hop: letters, digits and dashes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.compose_edit import ComposeChange
from bot.domain.drift import Drift
from bot.domain.outposts import ProjectOutpost
from bot.domain.restore import Site
from bot.domain.stack import Stack
from bot.domain.versions import Family


@dataclass(frozen=True)
class Planned:
    """A change, what it does to the files as a person reads it, and what is left as it is.

    *change* is None where there is nothing to do, and only something in *left*, a sentence each.
    """

    change: ComposeChange | None
    diff: str
    left: tuple[str, ...] = ()


class ComposeFiles(Protocol):
    """The project's compose files, and the folders whose place they tell."""

    async def plan(self, site: Site, current: Family, target: Family) -> Planned | None:
        """What the way from *current* to *target* wants; None for nothing. Nothing is changed.

        Raises RefusedError where it cannot be done without touching more.
        """

    async def apply(self, site: Site, change: ComposeChange, key: str) -> None:
        """Make the change, folders first; server and worker are away.

        Raises RefusedError, with all as it was, where the files are not those of the plan any more,
        a folder is in the way, or Compose does not understand the project then; PortError where
        Engine, PostgreSQL's container or disk fail: then it is to be finished or undone.
        """

    async def require_undo(self, site: Site, changes: Mapping[str, ComposeChange]) -> None:
        """See, before anything is taken away, that *changes* can be undone: by key, newest first.

        Raises RefusedError where an old text is gone, PortError where Compose does not take the
        files as they will be then.
        """

    async def undo(self, site: Site, change: ComposeChange, key: str) -> Sequence[str]:
        """Put files and folders back, from wherever it was; server and worker are away.

        What was written into a folder meanwhile comes back with it. What somebody else has changed
        meanwhile is kept beside: a sentence for each.
        """

    async def discard(self, site: Site, change: ComposeChange, key: str) -> None:
        """Forget the way back."""

    async def drop_service(self, site: Site, name: str) -> None:
        """Stop and remove the container of a service that is in no file any more.

        Its folder or volume stays, and so does a service that is in a file again.
        """


class ComposeDrift(Protocol):
    """What the compose files ask for, held against the containers.

    Raises PortError where Compose does not take the files.
    """

    async def drift(self, stack: Stack) -> Sequence[Drift]:
        """The services that differ."""

    async def outposts(self, stack: Stack, tag: str) -> Sequence[ProjectOutpost]:
        """Those of the project that run, as Compose would make them, were that the tag."""
