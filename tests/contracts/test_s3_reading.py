"""What only reading from S3 can get wrong: broken downloads, pages, strangers in the bucket."""

import asyncio
import threading
from contextlib import aclosing
from dataclasses import replace

import pytest

from bot.adapters.s3 import S3Store
from bot.domain.errors import (
    IntegrityError,
    PortError,
)
from bot.domain.store_url import S3Location
from bot.services.store_ports import Protection
from tests.contracts.places import KEY, QUICK, listed, new_bucket, put, read, s3_store, some_bytes
from tests.contracts.s3_proxy import (
    Answer,
    Fault,
    Forward,
    Proxy,
    Request,
    error,
    without_effect,
)
from tests.s3_servers import PART_SIZE, S3Server

SMALL = some_bytes(1000)
LARGE = some_bytes(5 * PART_SIZE // 2)


def cut_at(count: int) -> Fault:
    """Break the connection after *count* bytes of the body."""

    def cut(_: Request, forward: Forward) -> Answer:
        answer = forward()
        headers = {**answer.headers, "Content-Length": str(len(answer.body))}
        return Answer(answer.status, headers, answer.body[:count])

    return cut


@pytest.mark.parametrize(
    ("start", "length", "ranges"),
    [
        (0, None, [None, "bytes=100000-", "bytes=100010-"]),
        (5, None, ["bytes=5-", "bytes=100005-", "bytes=100015-"]),
        (5, 120_000, ["bytes=5-120004", "bytes=100005-120004", "bytes=100015-120004"]),
    ],
)
async def test_a_dropped_download_goes_on_where_it_broke(
    store: S3Store, proxy: Proxy, start: int, length: int | None, ranges: list[str | None]
) -> None:
    await put(store, KEY, LARGE)
    proxy.fail("get", cut_at(100_000))
    proxy.fail("get", cut_at(10))

    wanted = LARGE[start : None if length is None else start + length]
    assert await read(store, KEY, start=start, length=length) == wanted

    assert [request.headers["Range"] for request in proxy.seen("get")] == ranges


async def test_a_stalled_download_is_asked_for_again(
    moto: S3Server, proxy: Proxy, location: S3Location
) -> None:
    hasty, over = replace(QUICK, answer_seconds=1), threading.Event()
    store = S3Store(replace(location, endpoint=proxy.endpoint), moto.credentials, patience=hasty)
    await put(store, KEY, SMALL)

    def stalls(_: Request, forward: Forward) -> Answer:
        answer = forward()
        over.wait()
        return answer

    proxy.fail("get", stalls, times=2)
    try:
        assert await read(store, KEY) == SMALL
    finally:
        over.set()
    await store.close()


async def test_a_download_that_keeps_breaking_is_an_error(store: S3Store, proxy: Proxy) -> None:
    await put(store, KEY, SMALL)
    proxy.fail("get", cut_at(0), times=99)

    with pytest.raises(PortError, match=f'read object "{KEY}": ') as caught:
        await read(store, KEY)

    assert caught.value.retryable
    assert len(proxy.seen("get")) == len(QUICK.delays) + 1


async def test_an_object_that_changes_meanwhile_is_damage(store: S3Store, proxy: Proxy) -> None:
    await put(store, KEY, LARGE)
    proxy.fail("get", cut_at(10))
    replaced = {"ETag": '"other"', "Content-Range": f"bytes 10-{len(LARGE) - 1}/{len(LARGE)}"}
    proxy.fail("get", without_effect(replaced, LARGE[10:], 206))

    with pytest.raises(IntegrityError, match="it was replaced while it was read"):
        await read(store, KEY)


async def test_a_service_that_ignores_ranges_is_an_error(store: S3Store, proxy: Proxy) -> None:
    proxy.fail("get", without_effect({"ETag": '"x"'}, LARGE))

    with pytest.raises(PortError, match="the service ignores ranges"):
        await read(store, KEY, start=5)


async def test_a_listing_comes_page_by_page_as_it_is_read(store: S3Store, proxy: Proxy) -> None:
    keys = [f"key-{number}" for number in range(7)]
    for key in keys:
        await put(store, key, b"x")
    proxy.query = "&max-keys=2"

    async with aclosing(store.list()) as found:  # type: ignore[type-var]
        assert (await anext(found)).key == "key-0"
        assert len(proxy.seen("list")) == 1

    assert await listed(store) == keys
    assert len(proxy.seen("list")) == 1 + 4


async def test_whoever_reads_a_page_without_a_pause_leaves_others_their_turn(
    store: S3Store, moto: S3Server, location: S3Location
) -> None:
    """What asks for the next page is one of them."""
    for number in range(100):
        key = f"{location.prefix}/key-{number:03}"
        moto.client.put_object(Bucket=location.bucket, Key=key, Body=b"x")
    turns: list[str] = []

    async with aclosing(store.list()) as found:  # type: ignore[type-var]
        first = await anext(found)
        asyncio.get_running_loop().call_soon(turns.append, "another's")
        [_ async for _ in found]
        assert first.key == "key-000"

    assert turns


async def test_what_others_keep_in_the_bucket_is_not_listed(
    store: S3Store, moto: S3Server, location: S3Location
) -> None:
    for key in ("elsewhere", "some/prefixed", "some/prefix/", "some/prefix/a/", "some/prefix/b c"):
        moto.client.put_object(Bucket=location.bucket, Key=key, Body=b"x")
    await put(store, "ours", b"x")

    assert await listed(store) == ["ours"]


async def test_without_a_prefix_keys_lie_at_the_top(moto: S3Server, location: S3Location) -> None:
    store = s3_store(replace(location, prefix=""), moto)
    await put(store, "a/b", b"x")

    found = moto.client.list_objects_v2(Bucket=location.bucket)["Contents"]
    assert [item["Key"] for item in found] == ["a/b"]
    assert await listed(store, "a/") == ["a/b"]
    await store.close()


async def test_a_bucket_that_locks_by_default_is_locked(moto: S3Server) -> None:
    location = new_bucket(moto, lock=True)
    store = s3_store(location, moto)
    assert await store.protection() is Protection.VERSIONED

    moto.client.put_object_lock_configuration(
        Bucket=location.bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
        },
    )
    assert await store.protection() is Protection.LOCKED
    await put(store, KEY, LARGE)
    assert await read(store, KEY) == LARGE
    await store.close()


@pytest.mark.parametrize("operation", ["lock", "versioning"])
async def test_a_protection_that_may_not_be_seen_is_unknown(
    store: S3Store, proxy: Proxy, operation: str
) -> None:
    proxy.fail(operation, error(403, "AccessDenied"))

    assert await store.protection() is Protection.UNKNOWN


async def test_an_outage_is_not_taken_for_an_unknown_protection(
    store: S3Store, proxy: Proxy
) -> None:
    proxy.fail("lock", error(503, "SlowDown"), times=99)

    with pytest.raises(PortError):
        await store.protection()


DOING = f'look up object "{KEY}": '
