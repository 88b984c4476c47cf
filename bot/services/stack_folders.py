"""The stack's mounts as a restore names them."""

from bot.domain.restore import Folder
from bot.domain.stack import Stack, file_sources


def folders_of(stack: Stack) -> tuple[Folder, ...]:
    """Each mount of server and worker that holds data, once, by its component's name."""
    holders = [each for each in (stack.server, stack.worker) if each]
    by_place = {
        (container.id, mount.target): mount.source
        for container in holders
        for mount in container.mounts
    }
    return tuple(
        Folder(each.component, by_place[each.container_id, each.path])
        for each in file_sources(holders)
    )
