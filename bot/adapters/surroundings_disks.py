"""How full the file systems are that the stack's data and the Engine's own lie on.

A bot in a container does not see the host's folders, so that `df` is asked in a container that has
them mounted. An image without `df` hides only what no other container has.
"""

import asyncio
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError
from bot.domain.stack import Container, Stack, is_no_data
from bot.domain.surroundings import DiskRoom

_LINE = re.compile(r"(\S.*?)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+%|-)\s+(/.*)")
_KIB = 1024
_NEARLY = 0.01


async def look_at_disks(api: EngineApi, stack: Stack) -> Sequence[DiskRoom]:
    """Each file system once, named by the first of its folders in the order of the containers.

    Raises PortError while PostgreSQL is away: without its folder others would give the names.
    """
    if stack.postgresql and not stack.postgresql.running:
        raise PortError(f'"{stack.postgresql.name}" does not run', retryable=True)
    running = [each for each in stack.containers if each.running]
    root = await _engine_root(api)
    found = await asyncio.gather(*(_folders(api, each) for each in running))
    by_folder: dict[str, tuple[str, DiskRoom]] = {}
    for folders in found:
        by_folder |= {each: room for each, room in folders.items() if each not in by_folder}
    disks = each_once(by_folder.values())
    if root and not any(_is_same(root, each) for each in disks):
        disks.append(root)
    return disks


def each_once(found: Iterable[tuple[str, DiskRoom]]) -> list[DiskRoom]:
    """The first of each file system, by device.

    The name of one without a device, such as `tmpfs`, says little: its size must be the same, too.
    """
    rooms: dict[str, DiskRoom] = {}
    for device, room in found:
        is_own = "/" in device or ":" in device
        rooms.setdefault(device if is_own else f"{device} {room.used + room.free}", room)
    return [*rooms.values()]


async def _folders(api: EngineApi, container: Container) -> dict[str, tuple[str, DiskRoom]]:
    """Device and room by the folder of the host, or the volume, that is mounted."""
    mounts = sorted(container.mounts, key=lambda each: each.target)
    sources = {each.target: each.source for each in mounts if not is_no_data(each.target)}
    if not sources:
        return {}
    try:
        done = await api.run(container.id, ["df", "-P", "-k", *sources])
    except PortError:  # there is no such program, or the container has just ended
        return {}
    return {
        sources[target]: (device, DiskRoom(sources[target], used, free))
        for device, used, free, target in df_lines(done.stdout.decode(errors="replace"))
        if target in sources
    }


def df_lines(output: str) -> Sequence[tuple[str, int, int, str]]:
    """Device, bytes used, bytes free and mount point, of each line of `df -P -k`."""
    found = [_LINE.fullmatch(line.rstrip()) for line in output.splitlines()]
    return [(line[1], int(line[3]) * _KIB, int(line[4]) * _KIB, line[6]) for line in found if line]


async def _engine_root(api: EngineApi) -> DiskRoom | None:
    """Where images and logs lie; a bot in a container has its own root there."""
    said: Mapping[str, Any] = await api.call("ask the Engine about itself", lambda sdk: sdk.info())
    return await asyncio.to_thread(_room, Path(str(said["DockerRootDir"])))


def _room(path: Path) -> DiskRoom | None:
    try:
        existing = next(each for each in (path, *path.parents) if each.exists())
        room = os.statvfs(existing)
    except (OSError, StopIteration):
        return None
    used = (room.f_blocks - room.f_bfree) * room.f_frsize
    return DiskRoom(str(path), used, room.f_bavail * room.f_frsize)


def _is_same(one: DiskRoom, other: DiskRoom) -> bool:
    """Whether both figures are of one file system, looked at one after the other."""
    size = max(one.used + one.free, 1)
    return (
        abs(one.used - other.used) < _NEARLY * size and abs(one.free - other.free) < _NEARLY * size
    )
