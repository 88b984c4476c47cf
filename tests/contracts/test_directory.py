"""What only a directory store can get wrong: modes, links, full disks, leftovers."""

import asyncio
import errno
import itertools
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bot.adapters.directory import DirectoryStore
from bot.adapters.directory_io import PartFile, link_once
from bot.domain.errors import ConfigError, IntegrityError, ObjectNotFoundError, PortError
from tests.contracts.places import KEY, listed, put, read, some_bytes, stream

MIB = 1024 * 1024


@pytest.fixture
async def store(folder: Path) -> AsyncIterator[DirectoryStore]:
    store = DirectoryStore(folder)
    yield store
    await store.close()


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_only_the_owner_may_read(store: DirectoryStore, folder: Path) -> None:
    await put(store, "a/b", b"x")

    assert [mode(path) for path in (folder, folder / "a", folder / "a" / "b")] == [
        0o700,
        0o700,
        0o600,
    ]


async def test_a_hidden_file_is_all_that_shows_meanwhile(
    store: DirectoryStore, folder: Path
) -> None:
    names: list[str] = []

    async def watched() -> AsyncIterator[bytes]:
        yield some_bytes(2 * MIB)
        names.extend(await asyncio.to_thread(tree, folder))

    await store.put("a/b", watched())

    assert len(names) == 2
    assert names[1].startswith("a/.akbot-part-")
    assert names[1].endswith(".b")
    assert tree(folder) == ["a", "a/b"]


async def test_folders_go_with_their_last_object(store: DirectoryStore, folder: Path) -> None:
    for key in ("a/b/c/d", "a/e"):
        await put(store, key, b"x")

    await store.delete("a/b/c/d")
    assert tree(folder) == ["a", "a/e"]
    await store.delete("a/e")
    assert tree(folder) == []
    assert mode(folder) == 0o700


async def test_a_failed_put_takes_its_folders_with_it(store: DirectoryStore, folder: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise OSError(errno.ENOSPC, "the producer's own disk")

    with pytest.raises(OSError, match="the producer's own disk"):
        await store.put("a/b/c", broken())

    assert tree(folder) == []


def test_a_put_cancelled_after_it_was_done_is_undone(folder: Path) -> None:
    file = PartFile(folder, ["a", "b"])
    file.open()
    file.publish()
    shown = tree(folder)
    file.close()
    file.discard()

    assert shown == ["a", "a/b"]
    assert tree(folder) == []


def leave_behind(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / ".akbot-part-0123abcd.media.tar.age").write_bytes(b"12345")
    (folder / "a" / ".other").write_bytes(b"")


async def test_what_a_killed_process_left_is_swept_with_its_folders(
    store: DirectoryStore, folder: Path
) -> None:
    leave_behind(folder)

    assert await store.unfinished() == ["a/b/media.tar.age (5 bytes written)"]
    assert await listed(store) == []
    assert await store.discard_unfinished() == 1
    assert tree(folder) == ["a", "a/.other"]


async def test_writers_and_a_deleter_do_not_trip_each_other(store: DirectoryStore) -> None:
    async def write_and_delete(number: int) -> None:
        for _ in range(20):
            await put(store, f"a/b/{number}", b"x")
            await store.delete(f"a/b/{number}")

    await asyncio.gather(*(write_and_delete(number) for number in range(4)))

    assert await listed(store) == []


def lay_traps(folder: Path, outside: Path) -> None:
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    folder.mkdir(parents=True)
    (folder / "folder").symlink_to(outside)
    (folder / "file").symlink_to(outside / "secret")
    os.mkfifo(folder / "pipe")


async def test_links_lead_nowhere(store: DirectoryStore, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    lay_traps(folder, outside)

    assert await listed(store) == []
    for key in ("folder/secret", "file", "pipe"):
        with pytest.raises(ObjectNotFoundError):
            await read(store, key)
    with pytest.raises(PortError, match="a symbolic link or a file is in the way"):
        await put(store, "folder/new", b"x")
    with pytest.raises(PortError, match="exists already"):
        await put(store, "file", b"x")
    await store.delete("folder/secret")

    assert tree(outside) == ["secret"]


@pytest.mark.parametrize("below", ["", "a/b"])
@pytest.mark.parametrize("dangling", [False, True], ids=["a file", "a link to nothing"])
async def test_a_root_that_can_be_no_folder_is_a_wrong_setting(
    tmp_path: Path, below: str, *, dangling: bool
) -> None:
    in_the_way = tmp_path / "taken"
    if dangling:
        in_the_way.symlink_to(tmp_path / "nothing")
    else:
        in_the_way.touch()
    store = DirectoryStore(in_the_way / below)
    message = f'^AKBOT_STORE: "{in_the_way}" is not a folder$'

    with pytest.raises(ConfigError, match=message):
        await put(store, KEY, b"x")
    if not dangling:  # what is not there yet is empty
        for doing in (read(store, KEY), listed(store), store.delete(KEY), store.unfinished()):
            with pytest.raises(ConfigError, match=message):
                await doing
    await store.close()


async def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    await asyncio.to_thread(os.mkdir, real)
    await asyncio.to_thread(os.symlink, real, link)
    store = DirectoryStore(link)

    await put(store, "a/b", b"x")

    assert await listed(store) == ["a/b"]
    assert await store.unfinished() == []
    assert tree(real) == ["a", "a/b"]
    await store.close()


async def test_an_object_can_be_deleted_while_it_is_read(store: DirectoryStore) -> None:
    data = some_bytes(5 * MIB // 2)
    await put(store, KEY, data, MIB)
    blocks = store.get(KEY)
    first = await anext(blocks)

    await store.delete(KEY)

    assert first + b"".join([block async for block in blocks]) == data


async def test_an_object_that_shrinks_while_it_is_read_is_an_error(
    store: DirectoryStore, folder: Path
) -> None:
    await put(store, KEY, some_bytes(3 * MIB), MIB)
    blocks = store.get(KEY)
    await anext(blocks)
    await asyncio.to_thread(os.truncate, folder / KEY, MIB)

    with pytest.raises(PortError, match="it was cut short while it was read"):
        await anext(blocks)
    with pytest.raises(IntegrityError):
        await read(store, KEY, length=3 * MIB)


async def test_a_name_too_long_for_the_disk(store: DirectoryStore) -> None:
    with pytest.raises(PortError, match=r"write object .*: File name too long"):
        await put(store, "a/" + "x" * 256, b"x")


def no_hard_links(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_without_hard_links_a_claim_keeps_the_second_writer_out(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    for content in ("one", "two"):
        (tmp_path / f"part-{content}").write_text(content)

    link_once(folder, "part-one", "object", link=no_hard_links)
    with pytest.raises(FileExistsError):
        link_once(folder, "part-two", "object", link=no_hard_links)
    (tmp_path / ".akbot-part-claim.other").touch()
    with pytest.raises(FileExistsError):
        link_once(folder, "part-two", "other", link=no_hard_links)

    assert (tmp_path / "object").read_text() == "one"
    assert tree(tmp_path) == [".akbot-part-claim.other", "object", "part-two"]
    os.close(folder)


def run(*command: str) -> str:
    """Run it, and say what it complained about if it failed."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stderr.strip() or "it failed" if done.returncode else ""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB of its own."""
    mount = tmp_path / "disk"
    mount.mkdir()
    if failure := run("mount", "-t", "tmpfs", "-o", "size=4m", "akbot-test", str(mount)):
        pytest.skip(f"no file system can be mounted here: {failure}")
    yield mount
    run("umount", str(mount))


async def test_a_full_disk(small_disk: Path) -> None:
    store = DirectoryStore(small_disk)
    await put(store, "a/kept", some_bytes(MIB), MIB)

    with pytest.raises(PortError) as caught:
        await store.put("b/c", stream([some_bytes(MIB)] * 5))

    assert str(caught.value) == f'write object "b/c": no space left on "{small_disk}"'
    assert caught.value.hint == "Free space there, or keep fewer backups."
    assert not caught.value.retryable
    assert tree(small_disk) == ["a", "a/kept"]
    await store.close()


async def test_a_disk_that_is_mounted_read_only(small_disk: Path) -> None:
    store = DirectoryStore(small_disk)
    await put(store, "a/b", b"x")
    await asyncio.to_thread(run, "mount", "-o", "remount,ro", str(small_disk))

    with pytest.raises(PortError, match=r'write object "a/c": ".*" is read-only') as caught:
        await put(store, "a/c", b"x")
    with pytest.raises(PortError, match=r'delete object "a/b": ".*" is read-only'):
        await store.delete("a/b")

    assert caught.value.hint == "Mount it writable, or name another folder."
    assert await read(store, "a/b") == b"x"
    await store.close()


async def turns(number: int) -> None:
    """So many turns of the event loop."""
    for _ in range(number):
        await asyncio.sleep(0)


async def turns_until(condition: Callable[[], bool]) -> None:
    for _ in itertools.takewhile(lambda _: not condition(), itertools.count()):
        await asyncio.sleep(0)


def half_written(folder: Path) -> list[Path]:
    return list((folder / "stack").glob(".akbot-part-*"))


async def test_a_put_that_is_cancelled_once_its_object_is_there_takes_it_away(
    store: DirectoryStore, folder: Path
) -> None:
    left = []
    for number in range(60):
        key = f"stack/{number}"
        task = asyncio.create_task(put(store, key, b"bytes"))
        await turns_until(lambda: (folder / key).exists() or task.done())  # noqa: B023
        await turns_until(lambda: not half_written(folder) or task.done())  # noqa: B023
        await turns(number % 6)
        task.cancel()
        await asyncio.wait({task})
        if task.cancelled() and (folder / key).exists():
            left.append(key)

    assert left == []
