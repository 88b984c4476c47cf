"""Folders that are renamed for a hop on a real Engine, there and back, from wherever it was cut."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters.compose_folders import HostFolders
from bot.domain.compose_wants import FolderMove
from bot.domain.errors import RefusedError
from tests.contracts.stacks import engine_api, idle, inspect
from tests.contracts.test_restore_files import contents, fill
from tests.thorough import a_few

pytestmark = pytest.mark.docker
KEY = "20261123T033000Z-k3f9-2"


@pytest.fixture(params=a_few(("postgres:17", "postgres:15"), of={"postgres:17"}))
def image_id(request: pytest.FixtureRequest) -> str:
    """One has GNU's programs, the other BusyBox for some."""
    with idle(request.param) as container:
        return str(inspect(container.id)["Image"])


@asynccontextmanager
async def tool(image_id: str) -> AsyncIterator[HostFolders]:
    async with engine_api() as api:
        yield HostFolders(api, image_id, KEY)


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def tree(place: Path) -> list[str]:
    return sorted(str(path) for path in place.rglob("*"))


def moves(place: Path) -> tuple[FolderMove, ...]:
    return (FolderMove(str(place / "media"), str(place / "data" / "media")),)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "auth 'entik'"
    fill(place / "media", "old")
    return place


async def test_a_folder_moves_there_and_back(place: Path, image_id: str) -> None:
    before = contents(place / "media")
    status = (place / "media").stat()

    async with tool(image_id) as folders:
        await folders.move(moves(place))
        await folders.move(moves(place))
        assert contents(place / "data" / "media") == before
        around = (place / "data").stat()
        assert (around.st_uid, around.st_gid) == (status.st_uid, status.st_gid)
        assert around.st_mode == status.st_mode
        assert not (place / "media").exists()
        assert await folders.move_back(moves(place)) == []
        assert await folders.move_back(moves(place)) == []

    assert contents(place / "media") == before
    assert names(place) == ["media"]
    assert (place / "media").stat().st_ino == status.st_ino


async def test_a_folder_of_a_group_stays_one(place: Path, image_id: str) -> None:
    (place / "media").chmod(0o2750)

    async with tool(image_id) as folders:
        await folders.move(moves(place))

    modes = [each.stat().st_mode & 0o7777 for each in (place / "data", place / "data" / "media")]
    assert modes == [0o2750, 0o2750]


async def test_after_discard_it_stays(place: Path, image_id: str) -> None:
    async with tool(image_id) as folders:
        await folders.move(moves(place))
        await folders.discard(moves(place))
        await folders.discard(moves(place))
        assert await folders.move_back(moves(place)) == []

    assert names(place) == ["data"]
    assert names(place / "data") == ["media"]


async def test_what_is_written_meanwhile_comes_back_with_it(place: Path, image_id: str) -> None:
    async with tool(image_id) as folders:
        await folders.move(moves(place))
        (place / "data" / "media" / "fresh").write_text("fresh")
        (place / "data" / "reports").mkdir()
        assert await folders.move_back(moves(place)) == [str(place / "data")]

    assert (place / "media" / "fresh").read_text() == "fresh"
    assert names(place / "data") == ["reports"]


async def test_what_compose_made_in_its_place_is_in_nobodys_way(place: Path, image_id: str) -> None:
    async with tool(image_id) as folders:
        await folders.move(moves(place))
        (place / "media").mkdir()
        await folders.move(moves(place))
        await folders.move_back(moves(place))
        assert (place / "media" / "plain.txt").exists()

        await folders.move(moves(place))
        (place / "media" / "public").mkdir(parents=True)
        kept = f"media.kept-{KEY}"
        assert await folders.move_back(moves(place)) == [str(place / kept)]

    assert (place / "media" / "plain.txt").exists()
    assert names(place) == ["media", kept]


def made_beside(place: Path) -> None:
    (place / "data" / "media").mkdir(parents=True)


def a_link(place: Path) -> None:
    (place / "media").rename(place / "elsewhere")
    (place / "media").symlink_to("elsewhere")


def a_link_around(place: Path) -> None:
    (place / "other").mkdir()
    (place / "data").symlink_to("other")


def gone(place: Path) -> None:
    shutil.rmtree(place / "media")


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (made_beside, "there is one in data already"),
        (a_link, "it is no folder"),
        (a_link_around, "data beside it is a link"),
        (gone, "it is no folder"),
    ],
)
async def test_what_is_in_the_way_is_refused(
    place: Path, image_id: str, prepare: Callable[[Path], None], why: str
) -> None:
    prepare(place)
    before = tree(place)

    async with tool(image_id) as folders:
        with pytest.raises(RefusedError, match=why):
            await folders.move(moves(place))
        await folders.move_back(moves(place))

    assert tree(place) == before


def only_begun(_: Path, own: Path) -> None:
    own.mkdir(mode=0o700)


def noted(_: Path, own: Path) -> None:
    (own / "made").mkdir(parents=True)
    (own / "new").mkdir()


def made_around(place: Path, own: Path) -> None:
    (own / "made").mkdir(parents=True)
    (place / "data").mkdir()
    os.chown(place / "data", 8, 9)


def moved(place: Path, own: Path) -> None:
    made_around(place, own)
    (place / "media").rename(place / "data" / "media")


@pytest.mark.parametrize("cut", [only_begun, noted, made_around, moved])
async def test_it_goes_on_or_back_from_wherever_it_was_cut_off(
    place: Path, image_id: str, cut: Callable[[Path, Path], None]
) -> None:
    before = contents(place / "media")
    twin = place.with_name("twin")
    shutil.copytree(place, twin, symlinks=True)
    for each in (place, twin):
        cut(each, each / f".akbot-{KEY}")

    async with tool(image_id) as folders:
        await folders.move(moves(place))
        await folders.move_back(moves(twin))

    assert contents(place / "data" / "media") == before
    assert names(twin) == ["media"]


async def test_a_folder_around_that_was_there_stays(place: Path, image_id: str) -> None:
    (place / "data").mkdir(mode=0o711)

    async with tool(image_id) as folders:
        await folders.move(moves(place))
        await folders.move_back(moves(place))

    assert (place / "data").is_dir()
    assert (place / "data").stat().st_mode & 0o777 == 0o711
