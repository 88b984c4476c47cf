"""What MountFiles promises on a real Engine: all of a file kept, nothing written elsewhere."""

import io
import os
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters.chores import Chores
from bot.adapters.files import EngineFiles
from bot.adapters.mount_files import MountFolders
from bot.domain.errors import IntegrityError, PortError
from bot.domain.restore import Folder
from bot.domain.restore_recovery import FolderState
from bot.domain.stack import FileSource
from tests.contracts.stacks import docker, engine_api, idle, inspect, tmpfs_volume
from tests.fakes_stack import make_stack
from tests.hostile_archives import ATTACKS, hostile
from tests.thorough import a_few

pytestmark = pytest.mark.docker

JOB, OTHER = "20261123T033000Z-k3f9", "20261123T040000Z-aaaa"
NAMES = ["plain.txt", "größe ünï.txt", ".hidden", "..odd", "-rf", "a 'quoted' \"name\"", "ö" * 110]


@pytest.fixture(params=a_few(("postgres:17", "postgres:15"), of={"postgres:17"}))
def image_id(request: pytest.FixtureRequest) -> str:
    """One has GNU's programs, the other BusyBox for some."""
    with idle(request.param) as container:
        return str(inspect(container.id)["Image"])


@asynccontextmanager
async def tool(image_id: str, job: str = JOB) -> AsyncIterator[MountFolders]:
    async with engine_api() as api:
        yield MountFolders(api, Chores(api, image_id, job))


def fill(folder: Path, mark: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(NAMES):
        file = folder / name
        file.write_text(f"{mark} {name}")
        file.chmod(0o600 + number)
        os.chown(file, 1000 + number, 100)
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "sub" / "deep" / mark).write_text(mark)
    (folder / "sub").chmod(0o2750)
    os.chown(folder / "sub", 1026, 100)
    (folder / "link").symlink_to("sub/deep")
    (folder / "away").symlink_to("/etc/passwd")
    climbs = folder / "sub" / "climbs 'out'\n$HOME"
    climbs.symlink_to(f"../../../{mark} x\\0101\n")
    os.chown(climbs, 1027, 101, follow_symlinks=False)
    os.link(folder / "plain.txt", folder / "same")
    (folder / "tool").write_text("tool")
    (folder / "tool").chmod(0o4755)
    folder.chmod(0o751 if mark == "new" else 0o700)
    os.chown(folder, 7 if mark == "new" else 8, 9)


def contents(folder: Path) -> dict[str, tuple[int, int, int, str]]:
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        text = str(path.readlink()) if path.is_symlink() else ""
        text = path.read_text() if path.is_file() and not path.is_symlink() else text
        name = str(path.relative_to(folder))
        if ".akbot-" not in name:
            found[name] = (status.st_mode, status.st_uid, status.st_gid, text)
    return found


async def archive_of(folder: Path, image: str) -> bytes:
    """As a backup has it: from the Engine's archive API."""
    with idle(image, "--volume", f"{folder}:/media") as container:
        async with engine_api() as api:
            files = EngineFiles(api, make_stack())
            source = FileSource("media", container.id, "/media")
            return b"".join([block async for block in files.archive(source)])


async def stream(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 70_001):
        yield data[start : start + 70_001]


async def test_files_are_swapped_and_back(tmp_path: Path, image_id: str) -> None:
    old, new = tmp_path / "mount", tmp_path / "new"
    fill(old, "old")
    fill(new, "new")
    before, wanted = contents(old), contents(new)
    archive = await archive_of(new, "redis:8")
    source = str(old)

    async with tool(image_id) as files:
        assert await files.states([source]) == {source: FolderState.NONE}
        await files.stage(Folder("media", source), stream(archive))
        assert await files.states([source]) == {source: FolderState.STAGED}
        assert contents(old) == before
        await files.swap([source])
        await files.swap([source])
        assert await files.states([source]) == {source: FolderState.SWAPPED}
        assert contents(old) == wanted
        assert (old / "same").stat().st_ino == (old / "plain.txt").stat().st_ino
        await files.swap_back([source])
        await files.swap_back([source])
        assert contents(old) == before
        (old / f".akbot-{JOB}.rdb").touch()  # Redis's, which is gone
        await files.discard([source])
        assert await files.states([source]) == {source: FolderState.NONE}
    assert not list(old.glob(".akbot-*"))


async def test_a_folder_is_emptied_and_filled_again(tmp_path: Path, image_id: str) -> None:
    old = tmp_path / "mount"
    fill(old, "old")
    before, mode = contents(old), old.stat().st_mode
    source = str(old)

    async with tool(image_id) as files:
        await files.stage_nothing([source])
        await files.stage_nothing([source])
        await files.swap([source])
        await files.stage_nothing([source])  # what was there is not lost by one more
        assert await files.states([source]) == {source: FolderState.SWAPPED}
        assert [each.name for each in old.iterdir()] == [f".akbot-{JOB}"]
        assert old.stat().st_mode == mode
        await files.remove_empty([source])
        await files.swap_back([source])
        await files.discard([source])
    assert contents(old) == before


async def test_only_an_empty_folder_is_removed(tmp_path: Path, image_id: str) -> None:
    """One that the Engine has made for a mount, say."""
    made, used = tmp_path / "made", tmp_path / "used"
    fill(used, "old")
    async with tool(image_id) as files:
        [place] = (await files.places([str(made)])).values()
        assert place.is_folder

        await files.remove_empty([str(made), str(used), "a-volume"])
        await files.remove_empty([str(made)])

    assert not made.exists()
    assert (used / "plain.txt").exists()


async def test_a_backup_leaves_out_what_a_restore_has_kept(tmp_path: Path, image_id: str) -> None:
    folder = tmp_path / "mount"
    fill(folder, "old")
    archive = await archive_of(folder, "redis:8")
    async with tool(image_id) as files:
        await files.stage(Folder("media", str(folder)), stream(archive))
        assert (folder / f".akbot-{JOB}" / "new" / "plain.txt").exists()

    again = await archive_of(folder, "redis:8")

    with (
        tarfile.open(fileobj=io.BytesIO(again)) as packed,
        tarfile.open(fileobj=io.BytesIO(archive)) as first,
    ):
        assert packed.getnames() == first.getnames()


async def test_an_undo_claims_what_another_job_has_moved_out(tmp_path: Path, image_id: str) -> None:
    old, new = tmp_path / "mount", tmp_path / "new"
    fill(old, "old")
    fill(new, "new")
    before, wanted = contents(old), contents(new)
    archive = await archive_of(new, "redis:8")
    source = str(old)
    async with tool(image_id) as files:
        await files.stage(Folder("media", source), stream(archive))
        await files.swap([source])
    async with tool(image_id, OTHER) as undo:
        await undo.claim([source], JOB)
        await undo.claim([source], JOB)
        await undo.give_back([source], JOB)
        await undo.claim([source], JOB)
        await undo.swap([source])
        assert contents(old) == before
        await undo.swap_back([source])
        assert contents(old) == wanted


STEPS = ["cut before", "half out", "all out", "half in"]


@pytest.mark.parametrize("cut", STEPS)
async def test_a_swap_that_was_cut_off_is_told_and_undone(
    tmp_path: Path, image_id: str, cut: str
) -> None:
    old, new = tmp_path / "mount", tmp_path / "new"
    fill(old, "old")
    fill(new, "new")
    before, wanted = contents(old), contents(new)
    archive = await archive_of(new, "redis:8")
    own = old / f".akbot-{JOB}"
    async with tool(image_id) as files:
        await files.stage(Folder("media", str(old)), stream(archive))
        cut_off(old, own, cut)
        state = (await files.states([str(old)]))[str(old)]
        assert (
            state
            is {
                "cut before": FolderState.STAGED,
                "half out": FolderState.MOVING,
                "all out": FolderState.SWAPPED,
                "half in": FolderState.SWAPPED,
            }[cut]
        )

        await files.swap_back([str(old)])

        assert contents(old) == before
        await files.swap([str(old)])
        assert contents(old) == wanted


def cut_off(old: Path, own: Path, cut: str) -> None:
    """What a kill in the middle of the renames leaves."""
    if cut == "cut before":
        return
    moving = own / "moving"
    moving.mkdir()
    status = old.stat()
    os.chown(moving, status.st_uid, status.st_gid)
    moving.chmod(status.st_mode & 0o7777)
    members = [each for each in sorted(old.iterdir()) if not each.name.startswith(".akbot-")]
    for member in members[: len(members) // 2] if cut == "half out" else members:
        member.rename(moving / member.name)
    if cut == "half out":
        return
    moving.rename(own / "old")
    if cut == "half in":
        for member in sorted((own / "new").iterdir())[:4]:
            member.rename(old / member.name)


def attacked(tmp_path: Path, out: Path) -> list[Path]:
    found = [*out.iterdir(), *tmp_path.rglob("attacked"), Path("/attacked"), Path("/tmp/attacked")]
    return [path for path in found if path.exists()]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_hostile_archive_writes_nowhere_else(
    tmp_path: Path, image_id: str, attack: str
) -> None:
    mount, out = tmp_path / "mount", tmp_path / "out"
    fill(mount, "old")
    out.mkdir()
    before = contents(mount)
    archive = hostile(ATTACKS[attack], str(out))
    async with tool(image_id) as files:
        with pytest.raises(IntegrityError, match=ATTACKS[attack].words):
            await files.stage(Folder("media", str(mount)), stream(archive))

        assert contents(mount) == before
        assert not attacked(tmp_path, out)
        await files.discard([str(mount)])
    assert not list(mount.glob(".akbot-*"))


async def test_a_named_volume_is_a_mount_as_well(image_id: str, tmp_path: Path) -> None:
    fill(tmp_path / "new", "new")
    archive = await archive_of(tmp_path / "new", "redis:8")
    volume = docker("volume", "create").decode().strip()
    try:
        async with tool(image_id) as files:
            await files.stage(Folder("media", volume), stream(archive))
            await files.swap([volume])
            assert await files.states([volume]) == {volume: FolderState.SWAPPED}
            places = await files.places([volume, "/etc/hostname"])
            assert {source: each.is_folder for source, each in places.items()} == {
                volume: True, "/etc/hostname": False,
            }  # fmt: skip
    finally:
        docker("volume", "rm", volume)


async def test_a_script_that_fails_is_told(tmp_path: Path, image_id: str) -> None:
    fill(tmp_path / "mount", "old")
    (tmp_path / "file").write_text("")
    async with tool(image_id) as files:
        with pytest.raises(PortError, match="work on the stack's folders"):
            await files.stage(Folder("media", str(tmp_path / "file")), stream(b""))


async def test_which_mounts_share_a_disk_and_how_much_is_free_there(
    tmp_path: Path, image_id: str
) -> None:
    one, two = tmp_path / "one", tmp_path / "two words"
    one.mkdir()
    two.mkdir()
    with tmpfs_volume("10m") as volume:
        async with tool(image_id) as files:
            places = await files.places([str(one), volume, str(two)])

    disks = [each.disk for each in places.values()]
    first, small, second = (each for each in disks if each)
    room = os.statvfs(one)
    assert first.name == second.name != small.name
    assert small.free == 10 * 2**20
    assert abs(first.free - room.f_bavail * room.f_frsize) < 2**30
