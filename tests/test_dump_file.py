"""The file that a person gives as a dump: read as it is, and what is none is told."""

import asyncio
import os
from pathlib import Path

import pytest

from bot.adapters.dump_file import DumpFile
from bot.domain.errors import PortError
from tests.command_line import run


def opened() -> set[str]:
    return {each.name for each in Path("/proc/self/fd").iterdir()}


async def read(path: Path) -> bytes:
    return b"".join([block async for block in DumpFile(str(path)).blocks()])


@pytest.mark.parametrize("size", [0, 1, 3 * 2**20 + 17])
async def test_a_file_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = tmp_path / "a dump.sql"
    path.write_bytes(data)

    await asyncio.to_thread(DumpFile(str(path)).require)
    assert await read(path) == data
    assert DumpFile(str(path)).name == '"a dump.sql"'
    assert DumpFile("-").name == "from stdin"


async def test_who_stops_reading_leaves_nothing_open(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(bytes(3 * 2**20))
    before = opened()

    blocks = DumpFile(str(path)).blocks()
    await anext(blocks)
    await blocks.aclose()  # type: ignore[attr-defined]

    assert opened() == before


async def test_a_pipe_is_opened_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    await asyncio.to_thread(DumpFile(str(path)).require)
    writing = asyncio.create_task(asyncio.to_thread(path.write_bytes, b"x" * 1000))

    assert await read(path) == b"x" * 1000
    await writing


async def test_what_breaks_while_it_is_read_is_told() -> None:
    with pytest.raises(PortError, match="read --dump"):
        await read(Path("/proc/self/mem"))


@pytest.mark.parametrize(
    ("name", "words"), [("nowhere.sql", "No such file"), (".", "it is a folder")]
)
def test_a_name_that_is_wrong_is_a_wrong_argument(tmp_path: Path, name: str, words: str) -> None:
    ended = run(tmp_path, "restore", "--dump", name, "--yes")

    assert ended.returncode == 2
    assert words in ended.stderr
    assert not list((tmp_path / "state").rglob("*journal*")), "it was no job"
