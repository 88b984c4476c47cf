"""What every BackupStore promises, shown on each of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.adapters.directory import DirectoryStore
from bot.domain.errors import IntegrityError, ObjectExistsError, ObjectNotFoundError
from bot.services.store_ports import BackupStore, Protection, StoredObject
from tests.contracts.places import (
    KEY,
    in_chunks,
    listed,
    new_bucket,
    put,
    read,
    s3_store,
    some_bytes,
    stream,
)
from tests.fakes import FakeStore
from tests.s3_servers import S3Server

SIZES = {
    "empty": lambda _: 0,
    "one byte": lambda _: 1,
    "a part less one": lambda part: part - 1,
    "one part": lambda part: part,
    "a part and one": lambda part: part + 1,
    "two parts": lambda part: 2 * part,
    "five halves": lambda part: 5 * part // 2,
}


@dataclass
class Place:
    """A store to test, more of them on the same objects, and by name what its server lacks."""

    make: Callable[[], BackupStore]
    lacks: frozenset[str] = frozenset()
    stores: list[BackupStore] = field(default_factory=list)

    def store(self) -> BackupStore:
        self.stores.append(self.make())
        return self.stores[-1]

    def needs(self, ability: str) -> None:
        if ability in self.lacks:
            pytest.skip(f"this store's server lacks: {ability}")


@pytest.fixture(params=["fake", "directory", "moto", "s3rver"])
def empty_place(request: pytest.FixtureRequest, folder: Path) -> Place:
    if request.param == "fake":
        objects: dict[str, bytes] = {}
        return Place(lambda: FakeStore(objects), frozenset({"list uploads"}))
    if request.param == "directory":
        return Place(lambda: DirectoryStore(folder))
    server: S3Server = request.getfixturevalue(request.param)
    location = new_bucket(server)
    return Place(lambda: s3_store(location, server), server.lacks)


@pytest.fixture
async def place(empty_place: Place) -> AsyncIterator[Place]:
    yield empty_place
    for store in empty_place.stores:
        await store.close()


@pytest.fixture
def store(place: Place) -> BackupStore:
    return place.store()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
async def test_what_is_put_comes_back(store: BackupStore, size: Callable[[int], int]) -> None:
    data = some_bytes(size(store.part_size))

    assert await put(store, KEY, data) == len(data)

    assert await read(store, KEY) == data
    assert await store.stat(KEY) == StoredObject(KEY, len(data))
    assert [found async for found in store.list()] == [StoredObject(KEY, len(data))]


async def test_a_listing_tells_whether_another_object_lies_there(place: Place) -> None:
    async def version() -> str:
        [found] = [each async for each in place.store().list()]
        return found.version

    store = place.store()
    await put(store, KEY, b"first")
    first = await version()
    assert first
    assert await version() == first

    await store.delete(KEY)
    await put(store, KEY, b"other")

    assert await version() not in {first, ""}


@pytest.mark.parametrize("size", [1, 777, 10_000_000], ids=["tiny", "odd", "one"])
async def test_the_size_of_chunks_does_not_matter(store: BackupStore, size: int) -> None:
    data = some_bytes(2 * store.part_size + 100)[: 3000 if size == 1 else None]

    await store.put(KEY, stream([b"", *in_chunks(data, size), b""]))

    assert await read(store, KEY) == data


@pytest.mark.parametrize("hint", [None, 0, 10, 10**12], ids=["none", "zero", "low", "high"])
async def test_a_size_hint_is_no_more_than_a_hint(store: BackupStore, hint: int | None) -> None:
    await store.put(KEY, stream([b"abc"] * 100), size_hint=hint)

    assert await read(store, KEY) == b"abc" * 100


async def test_a_key_is_written_once(store: BackupStore) -> None:
    await put(store, KEY, b"first")

    with pytest.raises(ObjectExistsError) as caught:
        await put(store, KEY, some_bytes(3 * store.part_size))

    assert str(caught.value) == f'write object "{KEY}": exists already'
    assert await read(store, KEY) == b"first"


@pytest.mark.parametrize("parts", [0.5, 2.5], ids=["small", "large"])
async def test_of_two_writers_one_wins(place: Place, parts: float) -> None:
    place.needs("conditional writes")
    stores = [place.store() for _ in range(2)]
    contents = [some_bytes(int(parts * stores[0].part_size), seed) for seed in range(2)]
    both_began = asyncio.Barrier(2)

    async def late(data: bytes) -> AsyncIterator[bytes]:
        await both_began.wait()
        async for chunk in stream(in_chunks(data, 10_000)):
            yield chunk

    results = await asyncio.gather(
        *(store.put(KEY, late(data)) for store, data in zip(stores, contents, strict=True)),
        return_exceptions=True,
    )

    winners = [index for index, result in enumerate(results) if isinstance(result, int)]
    assert len(winners) == 1
    assert isinstance(results[1 - winners[0]], ObjectExistsError)
    assert await read(stores[0], KEY) == contents[winners[0]]


async def test_nothing_is_seen_before_the_last_byte(store: BackupStore) -> None:
    seen: list[str] = []

    async def watched() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield some_bytes(store.part_size // 2)
            seen.extend(await listed(store))
            with suppress(ObjectNotFoundError):
                seen.append((await store.stat(KEY)).key)

    await store.put(KEY, watched())

    assert seen == []
    assert await listed(store) == [KEY]


class StreamError(Exception):
    """What a producer raises in the midst of its stream."""


@pytest.mark.parametrize("parts", [0.0, 0.5, 1.0, 4.5])
async def test_a_stream_that_raises_leaves_nothing(place: Place, parts: float) -> None:
    store = place.store()
    error = StreamError()

    async def broken() -> AsyncIterator[bytes]:
        for chunk in in_chunks(some_bytes(int(parts * store.part_size)), 10_000):
            yield chunk
        raise error

    with pytest.raises(StreamError) as caught:
        await store.put(KEY, broken())

    assert caught.value is error
    await assert_nothing_is_left(place)


@pytest.mark.parametrize("parts", [0.0, 0.5, 1.0, 4.5])
async def test_a_cancelled_put_leaves_nothing(place: Place, parts: float) -> None:
    store = place.store()
    stuck = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for chunk in in_chunks(some_bytes(int(parts * store.part_size)), 10_000):
            yield chunk
        stuck.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(store.put(KEY, endless()))
    await stuck.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await assert_nothing_is_left(place)


@pytest.mark.parametrize("milliseconds", [0, 1, 3, 7, 15, 30])
async def test_wherever_a_put_is_cancelled_nothing_is_left(place: Place, milliseconds: int) -> None:
    store = place.store()
    data = some_bytes(4 * store.part_size)
    task = asyncio.create_task(put(store, KEY, data))
    await asyncio.sleep(milliseconds / 1000)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        await assert_nothing_is_left(place)
    else:
        assert await read(store, KEY) == data


async def assert_nothing_is_left(place: Place) -> None:
    witness = place.store()
    assert await listed(witness) == []
    if not place.lacks & {"abort", "list uploads"}:
        assert await witness.unfinished() == []


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 1), (0, 0), (1, None), (65_535, 2), (70_000, 30_000), (100_000, None), (100_000, 0)],
)
async def test_a_range_is_read(store: BackupStore, start: int, length: int | None) -> None:
    data = some_bytes(100_000)
    await put(store, KEY, data)

    end = None if length is None else start + length
    assert await read(store, KEY, start=start, length=length) == data[start:end]


@pytest.mark.parametrize(
    ("start", "length"), [(0, 11), (5, 6), (10, 1), (11, 0), (11, None), (99, 1)]
)
async def test_a_range_beyond_the_end_is_damage(
    store: BackupStore, start: int, length: int | None
) -> None:
    await put(store, KEY, b"0123456789")

    with pytest.raises(IntegrityError, match=r"it has 10 bytes, \d+ were expected"):
        await read(store, KEY, start=start, length=length)


async def test_an_empty_object_has_an_empty_range(store: BackupStore) -> None:
    await put(store, KEY, b"")

    assert await read(store, KEY, length=0) == b""


@pytest.mark.parametrize("length", [None, 0, 5])
async def test_reading_what_is_not_there(store: BackupStore, length: int | None) -> None:
    await put(store, "other", b"x")

    with pytest.raises(ObjectNotFoundError) as caught:
        await read(store, KEY, length=length)
    assert str(caught.value) == f'read object "{KEY}": not found'
    with pytest.raises(ObjectNotFoundError, match=r"look up object .*: not found"):
        await store.stat(KEY)


async def test_a_folder_is_no_object(store: BackupStore) -> None:
    await put(store, "a/b/c", b"x")

    with pytest.raises(ObjectNotFoundError):
        await store.stat("a/b")
    with pytest.raises(ObjectNotFoundError):
        await read(store, "a/b")
    await store.delete("a/b")
    assert await listed(store) == ["a/b/c"]


async def test_reading_can_be_given_up(store: BackupStore) -> None:
    await put(store, KEY, some_bytes(3 * 1024 * 1024), 1024 * 1024)

    blocks = store.get(KEY)
    async with aclosing(blocks):  # type: ignore[type-var]
        first = await anext(blocks)

    assert len(first) >= 256 * 1024
    assert len(await read(store, KEY)) == 3 * 1024 * 1024


async def test_an_object_can_be_read_twice_at_once(store: BackupStore) -> None:
    data = some_bytes(3 * store.part_size)
    await put(store, KEY, data)

    assert await asyncio.gather(*(read(store, KEY) for _ in range(4))) == [data] * 4


KEYS = ["a", "a-b", "a.b", "ab", "b/a", "b/a-/x", "b/a0", "b/c/d", "b-c", "b0", "c/x", "Z"]


async def test_objects_are_listed_in_the_order_of_their_keys(place: Place) -> None:
    place.needs("listing by key")
    store = place.store()
    for key in KEYS:
        await put(store, key, b"x")

    assert await listed(store) == sorted(KEYS)
    assert await listed(store, "b") == sorted(key for key in KEYS if key.startswith("b"))


@pytest.mark.parametrize(
    ("prefix", "keys"),
    [
        ("b/", ["b/a", "b/a-/x", "b/a0", "b/c/d"]),
        ("b/a", ["b/a", "b/a-/x", "b/a0"]),
        ("b/c/d", ["b/c/d"]),
        ("b/c/d/", []),
        ("nothing", []),
        ("../", []),
    ],
)
async def test_a_prefix_need_not_be_a_folder(
    store: BackupStore, prefix: str, keys: list[str]
) -> None:
    for key in KEYS:
        await put(store, key, b"x")

    assert sorted(await listed(store, prefix)) == keys


async def test_an_empty_store_can_be_listed(store: BackupStore) -> None:
    assert await listed(store) == []


async def test_deleting(store: BackupStore) -> None:
    for key in ("a/b/c", "a/b/d", "a/e"):
        await put(store, key, b"x")

    await store.delete("a/b/c", "a/b/c", "never/was", "a/e")
    await store.delete("a/b/c")
    await store.delete()

    assert await listed(store) == ["a/b/d"]


async def test_a_deleted_key_can_be_written_again(store: BackupStore) -> None:
    await put(store, KEY, b"one")
    await store.delete(KEY)
    await put(store, KEY, b"two")

    assert await read(store, KEY) == b"two"


@pytest.mark.parametrize(
    "key",
    ["", "/", "/a", "a/", "a//b", ".a", "a/../b", "..", "a/.b", "a b", "ä", "a\n", "-a", "a\\b"],
)
async def test_a_bad_key_is_refused(store: BackupStore, key: str) -> None:
    with pytest.raises(ValueError, match="cannot name an object"):
        await put(store, key, b"x")
    with pytest.raises(ValueError, match="cannot name an object"):
        await read(store, key)
    with pytest.raises(ValueError, match="cannot name an object"):
        await store.stat(key)
    with pytest.raises(ValueError, match="cannot name an object"):
        await store.delete("fine", key)


async def test_several_objects_at_once(store: BackupStore) -> None:
    contents = {f"a/{n}": some_bytes(3 * store.part_size, n) for n in range(6)}

    await asyncio.gather(*(put(store, key, data) for key, data in contents.items()))

    for key, data in contents.items():
        assert await read(store, key) == data


async def test_what_a_killed_writer_left_is_swept(place: Place) -> None:
    place.needs("list uploads")
    writer, sweeper = place.store(), place.store()
    stuck = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield some_bytes(5 * writer.part_size // 2)
        stuck.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(writer.put("a/b/c", endless()))
    await stuck.wait()

    assert await writer.unfinished() == []  # its own, still running
    assert await writer.discard_unfinished() == 0
    (line,) = await sweeper.unfinished("a/b")
    assert line.startswith("a/b/c ")
    assert await sweeper.unfinished("a/c") == []
    assert await sweeper.discard_unfinished("a/c") == 0
    assert await sweeper.discard_unfinished() == 1
    assert await sweeper.unfinished() == []

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_protection_is_told(store: BackupStore) -> None:
    assert await store.protection() is Protection.NONE


async def test_a_store_has_a_name(store: BackupStore) -> None:
    assert store.name
