"""What is understood of `stat` and `df`, whichever program it is."""

import os
import subprocess
from pathlib import Path

import pytest

from bot.adapters.disk_told import TELL, disk_in
from bot.domain.restore_room import Disk

HARD, ANONYMOUS = os.makedev(254, 1), os.makedev(0, 48)


@pytest.mark.parametrize(
    ("line", "disk"),
    [
        pytest.param(
            f"{HARD} /dev/vda1 1000 400 600 40% /mounts/0", Disk(str(HARD), 600 * 1024), id="a disk"
        ),
        pytest.param(
            f"{ANONYMOUS} /dev/vda1        1000       400       600  40% /mounts/0",
            Disk("/dev/vda1", 600 * 1024), id="part of a btrfs, whose parts share it",
        ),
        pytest.param(
            f"{ANONYMOUS} tmpfs 1000 0 1000 0% /mounts/0", Disk(str(ANONYMOUS), 1000 * 1024),
            id="in memory, where every one is its own",
        ),
        pytest.param(
            f"{ANONYMOUS} //host/a share 7 1000 400 600 40% /mounts/0",
            Disk("//host/a share 7", 600 * 1024), id="from elsewhere",
        ),
        pytest.param(
            f"{HARD} /dev/vda1 1000 1100 -100 111% /mounts/0", Disk(str(HARD), 0),
            id="more than full",
        ),
        pytest.param(
            f"{ANONYMOUS} none 0 0 0 - /mounts/0", Disk(str(ANONYMOUS), 0), id="none to fill"
        ),
        pytest.param(" ", None, id="neither was there"),
        pytest.param(f"{HARD} ", None, id="no df"),
        pytest.param(" /dev/vda1 1000 400 600 40% /mounts/0", None, id="no stat"),
    ],
)  # fmt: skip
def test_a_line_tells_of_a_disk(line: str, disk: Disk | None) -> None:
    assert disk_in(line) == disk


def test_this_machine_tells_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "a 'folder'"
    folder.mkdir()

    told = subprocess.run(
        ["sh", "-c", f"place=$1; {TELL}", "sh", str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )

    disk = disk_in(told.stdout)
    assert disk
    room = os.statvfs(folder)
    assert abs(disk.free - room.f_bavail * room.f_frsize) < 2**28
