"""What is understood of `stat` and `df`, whichever program it is."""

import os
import subprocess
from pathlib import Path

import pytest

from bot.adapters.disk_told import TELL, disk_among, disk_in
from bot.domain.findings import DiskUsage
from bot.domain.restore_room import DatabaseRoom, Disk

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


MIB = 2**20
FREE = 5_000 * MIB


@pytest.mark.parametrize(
    ("data", "device", "free", "name"),
    [
        pytest.param(Disk(str(HARD), FREE), HARD, FREE - 900 * MIB, str(HARD), id="its number"),
        pytest.param(
            Disk(str(HARD), FREE), ANONYMOUS, FREE - 3 * MIB, str(HARD), id="through an overlay"
        ),
        pytest.param(
            Disk("/dev/vda1", FREE), ANONYMOUS, FREE, "/dev/vda1", id="part of the same btrfs"
        ),
        pytest.param(
            Disk(str(HARD), FREE), ANONYMOUS, FREE - 900 * MIB, str(ANONYMOUS),
            id="through an overlay, another one",
        ),
        pytest.param(
            Disk(str(ANONYMOUS), FREE), HARD, FREE, str(HARD), id="as empty, and another one"
        ),
    ],
)  # fmt: skip
def test_one_disk_that_is_seen_from_two_sides_has_one_name(
    data: Disk, device: int, free: int, name: str
) -> None:
    room = DatabaseRoom(data=data, log=data, most_log=None)

    assert disk_among(room, DiskUsage(device, free, 2 * FREE)) == Disk(name, free)


def test_a_disk_beside_a_database_of_which_nobody_knows() -> None:
    assert disk_among(None, DiskUsage(HARD, FREE, FREE)) == Disk(str(HARD), FREE)
