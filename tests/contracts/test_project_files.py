"""The project's files as the configuration's archive has them."""

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.engine_api import EngineApi
from bot.adapters.files import EngineFiles
from bot.domain.errors import PortError
from tests.fakes_stack import make_stack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text("services: {}\n")
    return folder


async def packed(folder: Path) -> dict[str, bytes]:
    compose = str(folder / "docker-compose.yml")
    stack = replace(make_stack(), working_dir=str(folder), config_files=(compose,))
    files = EngineFiles(EngineApi("unix:///nonexistent"), stack)
    content = b"".join([block async for block in files.config()])
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() for name, file in found.items() if file}


@pytest.mark.parametrize("name", [".env", "akbot.env", "docker-compose.yml"])
async def test_a_link_is_followed_to_what_the_stack_needs(folder: Path, name: str) -> None:
    (folder.parent / "elsewhere").write_text("content\n")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to("../elsewhere")

    assert (await packed(folder))[name] == b"content\n"


async def test_a_link_that_leads_nowhere_fails_the_backup(folder: Path) -> None:
    (folder / ".env").symlink_to("../elsewhere")

    with pytest.raises(PortError, match="a link to a file that is not there"):
        await packed(folder)


async def test_a_file_that_may_be_absent_is_left_out(folder: Path) -> None:
    assert list(await packed(folder)) == ["docker-compose.yml"]
