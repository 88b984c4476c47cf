"""The state folder: one id, locks that die with their process, room that is really kept."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.state_folder import BALLAST_SIZE, StateFolder, state_errors
from bot.domain.backup_id import SUFFIX_ALPHABET
from bot.domain.errors import BusyError, ConfigError, PortError, RefusedError
from tests.contracts.small_disks import MIB, disk_of, fill, run
from tests.contracts.state_places import a_job, child, go, line, modes
from tests.fakes_journal import FakeLock

JOB = a_job()
Hold = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some" / "state"


@pytest.fixture
def folder(path: Path) -> StateFolder:
    return StateFolder(path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disk_of(4, tmp_path / "disk") as disk:
        yield disk


async def test_an_id_is_made_once(folder: StateFolder, path: Path) -> None:
    first = await folder.id()

    assert await StateFolder(path).id() == first
    assert len(first) == 8
    assert set(first) <= set(SUFFIX_ALPHABET)
    assert await StateFolder(path.with_name("other")).id() != first


async def test_the_moment_of_its_first_use_stays(folder: StateFolder, path: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)  # the disk's clock is coarser
    first = await folder.made_at()
    async with folder.hold():
        assert await StateFolder(path).made_at() == first

    assert before < first <= datetime.now(UTC)


def test_processes_at_once_make_one_id(path: Path) -> None:
    with ExitStack() as stack:
        children = [stack.enter_context(child("identify", path)) for _ in range(4)]
        assert [line(each) for each in children] == ["ready"] * 4
        for each in children:
            go(each)
        ids = {line(each) for each in children}

    assert len(ids) == 1
    assert len(ids.pop()) == 8


async def test_threads_at_once_make_one_id(path: Path) -> None:
    ids = await asyncio.gather(*(StateFolder(path).id() for _ in range(8)))

    assert len(set(ids)) == 1


async def test_an_id_that_is_none_is_said(folder: StateFolder, path: Path) -> None:
    await folder.id()
    (path / "id").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match=r'AKBOT_STATE: ".*/id" is damaged') as caught:
        await folder.id()

    assert caught.value.hint == "Remove it; a new one is made."


@pytest.fixture(params=["fake", "folder"])
def hold(request: pytest.FixtureRequest, path: Path) -> Hold:
    if request.param == "fake":
        lock = FakeLock()
        return lambda: lock.hold(None)
    return lambda: StateFolder(path).hold()


async def test_one_holds_it_at_a_time(hold: Hold) -> None:
    async with hold():
        with pytest.raises(BusyError, match="busy: another job runs"):
            async with hold():
                pytest.fail("two held it")
        with pytest.raises(BusyError):  # the one that was refused has not freed it
            async with hold():
                pytest.fail("two held it")

    async with hold():
        pass


async def test_an_error_frees_it(hold: Hold) -> None:
    with pytest.raises(ZeroDivisionError):
        async with hold():
            raise ZeroDivisionError

    async with hold():
        pass


async def test_another_process_holds_it_until_it_is_killed(folder: StateFolder, path: Path) -> None:
    with child("hold", path) as holder:
        assert line(holder) == "ready"
        with pytest.raises(BusyError) as caught:
            async with folder.hold():
                pytest.fail("two held it")
        holder.kill()
        holder.wait()
        async with folder.hold():
            assert (path / "lock").exists()

    assert caught.value.hint == 'Wait until it is done; "akbot jobs" shows it.'
    assert (path / "lock").exists()


async def test_a_child_of_the_holder_does_not_inherit_it(folder: StateFolder) -> None:
    def spawn() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False)

    async with folder.hold():
        process = spawn()
    try:
        async with folder.hold():
            pass
    finally:
        process.communicate()


async def test_only_the_owner_may_read(folder: StateFolder, path: Path) -> None:
    await folder.id()
    await asyncio.to_thread(folder.fill_ballast)
    async with folder.hold():
        found = modes(path)

    assert found == {".": 0o700, "id": 0o600, "lock": 0o600, "ballast": 0o600}


def test_the_ballast_occupies_the_disk(folder: StateFolder, path: Path) -> None:
    assert not folder.drop_ballast()
    folder.fill_ballast()
    folder.fill_ballast()

    assert (path / "ballast").stat().st_blocks * 512 >= BALLAST_SIZE
    assert folder.drop_ballast()
    assert not folder.drop_ballast()
    assert not (path / "ballast").exists()


def test_a_ballast_that_a_kill_cut_short_is_filled(folder: StateFolder, path: Path) -> None:
    folder.fill_ballast()
    os.truncate(path / "ballast", 1000)

    folder.fill_ballast()

    assert (path / "ballast").stat().st_size == BALLAST_SIZE


def test_no_ballast_where_that_would_fill_the_disk(small_disk: Path) -> None:
    folder = StateFolder(small_disk)
    filler = fill(small_disk)
    os.truncate(filler, filler.stat().st_size - BALLAST_SIZE * 3 // 2)

    with (
        pytest.raises(PortError) as caught,
        state_errors("write the journal", small_disk),
    ):
        folder.fill_ballast()
    os.truncate(filler, filler.stat().st_size - MIB)
    folder.fill_ballast()

    assert str(caught.value) == f'write the journal: no space left on "{small_disk}"'
    assert caught.value.hint == "Free space on the disk of AKBOT_STATE."
    assert not caught.value.retryable


@pytest.mark.parametrize("name", ["file", "file/below"])
async def test_a_file_where_the_folder_should_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    folder = StateFolder(tmp_path / name)

    with pytest.raises(ConfigError, match=r'lock the state: ".*" is not a folder') as caught:
        async with folder.hold():
            pytest.fail("there is nothing to hold")
    with pytest.raises(ConfigError, match=r"read the state's id: .* is not a folder"):
        await folder.id()

    assert caught.value.hint == "Name a folder in AKBOT_STATE."


async def test_a_folder_that_is_mounted_read_only(small_disk: Path) -> None:
    folder = StateFolder(small_disk)
    assert run("mount", "-o", "remount,ro", str(small_disk)) == ""

    with pytest.raises(PortError, match=r'lock the state: ".*" is read-only') as caught:
        async with folder.hold():
            pytest.fail("there is nothing to hold")

    assert caught.value.hint == "Mount AKBOT_STATE writable, or name another folder."


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as another user")
def test_a_folder_of_another_user(path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)

    with child("fail-as-nobody", path) as process:
        assert line(process) == (
            f'ConfigError: read the state\'s id: permission denied in "{path}"'
        )
        assert line(process) == (f'ConfigError: write the journal: permission denied in "{path}"')


async def test_a_probe_leaves_nothing(folder: StateFolder, path: Path) -> None:
    await folder.probe()

    assert os.listdir(path) == []  # noqa: PTH208 - what else may block


async def test_a_probe_tells_of_a_full_disk(small_disk: Path) -> None:
    fill(small_disk)

    with pytest.raises(PortError, match="no space left"):
        await StateFolder(small_disk / "state").probe()


async def test_there_is_one_daemon_and_jobs_run_beside_it(folder: StateFolder, path: Path) -> None:
    async with folder.hold_for_daemon():
        async with folder.hold():
            pass
        with pytest.raises(RefusedError, match='another "akbot run" works with'):
            async with StateFolder(path).hold_for_daemon():
                raise AssertionError("not two")
    async with StateFolder(path).hold_for_daemon():
        pass


async def test_whether_somebody_works_here_can_be_seen(folder: StateFolder, path: Path) -> None:
    assert not await folder.has_job()
    async with StateFolder(path).hold():
        assert await folder.has_job()
    assert not await folder.has_job()


async def test_who_only_looks_is_in_nobodys_way(folder: StateFolder, path: Path) -> None:
    async def look() -> None:
        while True:
            await StateFolder(path).has_job()

    async with folder.hold():
        pass
    looking = [asyncio.create_task(look()) for _ in range(3)]
    for _ in range(50):
        async with folder.hold():
            pass
    for each in looking:
        each.cancel()
    await asyncio.wait(looking)
