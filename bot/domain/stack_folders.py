"""The stack's mounts as a restore names them."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.restore import Folder
from bot.domain.stack import Holder, Mount, Stack, file_sources


def folders_of(stack: Stack) -> tuple[Folder, ...]:
    """Each mount of server and worker that holds data, once, by its component's name."""
    return folders_at([each for each in (stack.server, stack.worker) if each])


@dataclass(frozen=True)
class Planned:
    """A service that has no container yet."""

    service: str
    mounts: tuple[Mount, ...]

    @property
    def id(self) -> str:
        return self.service


def folders_at(holders: Sequence[Holder]) -> tuple[Folder, ...]:
    """Likewise of services, whether they have containers or not."""
    by_place = {(each.id, mount.target): mount.source for each in holders for mount in each.mounts}
    return tuple(
        Folder(each.component, by_place[each.container_id, each.path])
        for each in file_sources(holders)
    )
