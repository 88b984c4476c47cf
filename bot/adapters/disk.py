"""The host's file systems."""

import asyncio
import os
from pathlib import Path

from bot.domain.findings import DiskUsage


class HostDisk:
    """Port `Disk`."""

    async def usage(self, path: str) -> DiskUsage | None:
        return await asyncio.to_thread(_usage, Path(path))


def _usage(path: Path) -> DiskUsage | None:
    try:
        existing = next(each for each in (path, *path.parents) if each.exists())
        room = os.statvfs(existing)
        device = existing.stat().st_dev
    except (OSError, StopIteration):
        return None
    return DiskUsage(device, room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize)
