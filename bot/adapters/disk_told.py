"""What `stat` and `df` in a container tell of the disk of a folder there, GNU's or BusyBox's."""

import os
import re

from bot.domain.findings import DiskUsage
from bot.domain.restore_room import DatabaseRoom, Disk

TELL = 'echo "$(stat -c %d "$place") $(df -P -k "$place" | tail -n 1)"'
"""Shell: one line for the folder `$place`."""

_NEARLY = 2**26  # bytes; so much may be written between two looks at one disk
_LINE = re.compile(r"(\d+) (.*?)\s+\d+\s+\d+\s+(-?\d+)\s+(?:\d+%|-)\s")


def disk_in(line: str) -> Disk | None:
    """The disk that a line of `TELL` is about; None where that does not tell.

    The number of the device is the same in every container. Sub-volumes of one file system (btrfs)
    have numbers of their own, but one source.
    """
    found = _LINE.match(line)
    if found is None:
        return None
    number, source, free = found.groups()
    is_part = os.major(int(number)) == 0 and source.startswith("/")
    return Disk(source if is_part else number, max(int(free), 0) * 1024)


def disk_among(room: DatabaseRoom | None, usage: DiskUsage) -> Disk:
    """The disk of *usage*, by the name that it has in *room* where it is one of those.

    From inside a container, and on btrfs, it has a number of its own (an overlay, a sub-volume) and
    the figures of the disk below: there it is the one with as much free.
    """
    is_part = os.major(usage.device) == 0
    for disk in (room.data, room.log) if room else ():
        is_one = disk.name == str(usage.device)
        if is_one or (is_part and abs(disk.free - usage.free) <= _NEARLY):
            return Disk(disk.name, usage.free)
    return Disk(str(usage.device), usage.free)
