"""What every ReadLocks promises, shown on each of them."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.adapters.read_locks import ReadLocks
from bot.adapters.state_folder import StateFolder
from bot.domain.backup_id import BackupId
from bot.domain.errors import BusyError, ConfigError
from bot.services import ports
from tests.fakes_journal import FakeReadLocks

ID = BackupId("20261123T033000Z-k3f9")
OTHER = BackupId("20261122T033000Z-aaaa")

READER = """
import asyncio, sys
from pathlib import Path
from bot.adapters.read_locks import ReadLocks
from bot.adapters.state_folder import StateFolder

async def read():
    async with ReadLocks(StateFolder(Path(sys.argv[1]))).reading(sys.argv[2]):
        print("reading", flush=True)
        await asyncio.Event().wait()

asyncio.run(read())
"""


@pytest.fixture(params=["fake", "real"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ports.ReadLocks]:
    """Another process's locks on the same backups."""
    if request.param == "fake":
        locks = FakeReadLocks()
        return lambda: locks
    return lambda: ReadLocks(StateFolder(tmp_path / "state"))


async def test_what_is_read_is_not_deleted(make: Callable[[], ports.ReadLocks]) -> None:
    async with make().reading(ID), make().reading(ID):
        with pytest.raises(BusyError, match=f'backup "{ID}" is being read'):
            async with make().deleting(ID):
                pytest.fail("both at once")
        async with make().deleting(OTHER):
            pass
    async with make().deleting(ID):
        pass


async def test_what_is_being_deleted_is_not_read(make: Callable[[], ports.ReadLocks]) -> None:
    async with make().deleting(ID):
        with pytest.raises(BusyError, match=f'backup "{ID}" is being deleted'):
            async with make().reading(ID):
                pytest.fail("both at once")
    async with make().reading(ID):
        pass


async def test_it_is_free_again_after_an_error(make: Callable[[], ports.ReadLocks]) -> None:
    for hold in (make().reading, make().deleting):
        with pytest.raises(ZeroDivisionError):
            async with hold(ID):
                raise ZeroDivisionError
    async with make().deleting(ID):
        pass


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that reads ID."""
    command = [sys.executable, "-c", READER, str(tmp_path), ID]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout
        assert reader.stdout.readline() == "reading\n"
        yield reader
        reader.kill()


async def test_a_reader_that_was_killed_holds_nothing(
    tmp_path: Path, reader: subprocess.Popen[str]
) -> None:
    locks = ReadLocks(StateFolder(tmp_path))
    with pytest.raises(BusyError):
        async with locks.deleting(ID):
            pytest.fail("both at once")
    reader.kill()
    await asyncio.to_thread(reader.wait)

    async with locks.deleting(ID):
        pass


async def test_a_deleted_backup_leaves_no_file(tmp_path: Path) -> None:
    locks = ReadLocks(StateFolder(tmp_path))
    async with locks.reading(ID):
        pass
    async with locks.deleting(ID):
        pass

    assert not list((tmp_path / "reading").iterdir())


async def test_a_state_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r'hold a backup: ".*/file" is not a folder'):
        async with ReadLocks(StateFolder(tmp_path / "file")).reading(ID):
            pytest.fail("there is no folder")
