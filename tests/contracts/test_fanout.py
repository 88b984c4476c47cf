"""One stream into a real bucket and a real folder at once."""

import functools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.directory import DirectoryStore
from bot.adapters.s3 import S3Store
from bot.domain.errors import PortError
from bot.services.fanout import Receivers
from bot.services.stores import Place, Stores
from tests.contracts.places import KEY, in_chunks, read, some_bytes, stream
from tests.contracts.s3_proxy import Answer, Forward, Proxy, Request, Rule
from tests.s3_servers import PART_SIZE

DATA = some_bytes(5 * PART_SIZE + 17)


@pytest.fixture
async def near(tmp_path: Path) -> AsyncIterator[DirectoryStore]:
    near = DirectoryStore(tmp_path / "near")
    yield near
    await near.close()


def receivers(near: DirectoryStore, far: S3Store) -> Receivers:
    return Receivers(Stores((Place("near", near), Place("far", far)), stall=20))


def refuse(_: Request, __: Forward) -> Answer:
    return Answer(403, {}, b"<Error><Code>AccessDenied</Code></Error>")


async def test_both_have_the_same_bytes(near: DirectoryStore, store: S3Store) -> None:
    taking = receivers(near, store)

    assert await taking.put(KEY, stream(in_chunks(DATA, 10_000)), size_hint=len(DATA)) == len(DATA)

    assert not taking.dropped
    assert await read(near, KEY) == await read(store, KEY) == DATA


async def test_where_a_part_is_refused_the_bucket_is_left_empty_and_the_folder_has_all(
    near: DirectoryStore, store: S3Store, witness: S3Store, proxy: Proxy
) -> None:
    proxy.rules.append(Rule("part", refuse, times=100, skip=2))
    taking = receivers(near, store)

    await taking.put(KEY, stream(in_chunks(DATA, 10_000)))

    assert list(taking.dropped) == ["far"]
    assert await read(near, KEY) == DATA
    assert [each async for each in witness.list()] == []
    assert await witness.unfinished() == []


async def test_a_dump_that_breaks_leaves_nothing_in_either(
    near: DirectoryStore, store: S3Store, witness: S3Store
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        async for chunk in stream(in_chunks(DATA[: 3 * PART_SIZE], 10_000)):
            yield chunk
        raise PortError("the dump broke")

    with pytest.raises(PortError, match="the dump broke"):
        await receivers(near, store).put(KEY, broken())

    assert [each async for each in near.list()] == []
    assert [each async for each in witness.list()] == []
    assert await witness.unfinished() == await near.unfinished() == []


async def test_a_bucket_says_when_bytes_leave(store: S3Store) -> None:
    moved: list[None] = []

    await store.put(KEY, stream(in_chunks(DATA, 10_000)), moved=lambda: moved.append(None))

    assert len(moved) >= 6  # once for each part at least


async def test_what_is_sent_again_is_no_advance(store: S3Store, proxy: Proxy) -> None:
    def fail(_: Request, __: Forward) -> Answer:
        return Answer(500, {}, b"<Error><Code>InternalError</Code></Error>")

    moved: list[str] = []
    for key in (KEY, KEY.replace("postgres", "globals")):
        await store.put(key, stream([b"x" * 1000]), moved=functools.partial(moved.append, key))
        proxy.rules.append(Rule("put", fail))

    assert proxy.rules[0].times == 0
    assert moved.count(KEY) * 2 == len(moved) > 0
