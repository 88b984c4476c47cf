"""What `stat` and `df` in a container tell of the disk of a folder there, GNU's or BusyBox's."""

import os
import re

from bot.domain.restore_room import Disk

TELL = 'echo "$(stat -c %d "$place") $(df -P -k "$place" | tail -n 1)"'
"""Shell: one line for the folder `$place`."""

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
