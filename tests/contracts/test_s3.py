"""What only an upload to S3 can get wrong: headers, lost answers, dialects."""

import asyncio
import hashlib
import subprocess
import sys
import threading
import time
from base64 import b64encode
from dataclasses import replace

import pytest
from pydantic import SecretStr

from bot.adapters.s3 import S3Credentials, S3Store
from bot.adapters.s3_part import MIB, part_size_for
from bot.domain.errors import (
    IntegrityError,
    ObjectExistsError,
    PortError,
)
from bot.domain.store_url import S3Location
from tests.contracts.places import KEY, QUICK, listed, put, read, some_bytes, stream
from tests.contracts.s3_proxy import (
    Answer,
    Fault,
    Forward,
    Proxy,
    Request,
    answer_lost,
    dropped,
    error,
    without_effect,
)
from tests.s3_servers import PART_SIZE, S3Server

SMALL = some_bytes(1000)
LARGE = some_bytes(5 * PART_SIZE // 2)
GIB = 1024 * MIB


async def test_every_body_has_its_md5_and_no_newer_checksum(store: S3Store, proxy: Proxy) -> None:
    await put(store, "small", SMALL)
    await put(store, "empty", b"")
    await put(store, "large", LARGE)

    sent = [*proxy.seen("put"), *proxy.seen("part")]
    assert [len(request.body) for request in proxy.seen("put")] == [len(SMALL), 0]
    assert sorted(len(request.body) for request in proxy.seen("part")) == [
        PART_SIZE // 2,
        PART_SIZE,
        PART_SIZE,
    ]
    for request in sent:
        digest = hashlib.md5(request.body, usedforsecurity=False).digest()
        assert request.headers["Content-MD5"] == b64encode(digest).decode()
        assert "STREAMING" not in request.headers["x-amz-content-sha256"]
    for request in proxy.requests:
        names = {name.lower() for name in request.headers}
        assert not {name for name in names if name.startswith("x-amz-checksum")}
        assert not names & {"x-amz-trailer", "x-amz-sdk-checksum-algorithm", "content-encoding"}


async def test_deleting_needs_no_batch(store: S3Store, proxy: Proxy) -> None:
    await store.delete("a", "b")

    assert [request.operation for request in proxy.requests] == ["delete", "delete"]


@pytest.mark.parametrize("operation", ["head", "put", "begin", "part", "complete"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(error(500, "InternalError"), id="500"),
        pytest.param(error(503, "SlowDown"), id="503"),
        pytest.param(dropped, id="dropped"),
        pytest.param(answer_lost, id="answer lost"),
    ],
)
@pytest.mark.parametrize("times", [1, 3], ids=["once", "thrice"])
async def test_a_put_survives_a_bad_line(
    store: S3Store, proxy: Proxy, operation: str, fault: Fault, times: int
) -> None:
    if operation in {"head", "begin"} and times > QUICK.attempts - 1:
        times = QUICK.attempts - 1  # these are left to botocore's own attempts
    proxy.fail(operation, fault, times=times)
    data = SMALL if operation == "put" else LARGE

    assert await put(store, KEY, data) == len(data)

    assert await read(store, KEY) == data


async def test_an_error_inside_a_200_is_tried_again(store: S3Store, proxy: Proxy) -> None:
    proxy.fail("complete", error(200, "InternalError"), times=2)

    await put(store, KEY, LARGE)

    assert await read(store, KEY) == LARGE
    assert len(proxy.seen("complete")) == 3


async def test_a_listing_that_is_an_error_inside_a_200_is_asked_for_again(
    store: S3Store, proxy: Proxy
) -> None:
    await put(store, KEY, SMALL)
    proxy.fail("list", error(200, "InternalError"), times=2)

    assert await listed(store) == [KEY]
    assert len(proxy.seen("list")) == 3


async def test_an_error_inside_a_200_that_stays_is_an_error(
    store: S3Store, proxy: Proxy, witness: S3Store
) -> None:
    proxy.fail("complete", error(200, "InternalError"), times=99)

    with pytest.raises(PortError, match="the service fails"):
        await put(store, KEY, LARGE)

    assert await listed(witness) == []
    assert await witness.unfinished() == []


async def test_an_object_of_another_size_is_not_kept(
    store: S3Store, proxy: Proxy, witness: S3Store
) -> None:
    wrong = without_effect({"Content-Length": "5", "ETag": '"x"'})
    proxy.fail("head", wrong, skip=2)

    with pytest.raises(IntegrityError, match="163840 bytes were sent, 5 are there"):
        await put(store, KEY, LARGE)

    assert await listed(witness) == []


async def test_a_faster_writer_is_noticed_and_left_alone(
    store: S3Store, proxy: Proxy, witness: S3Store
) -> None:
    store._session.conditional_writes = False

    def overtaken(_: Request, forward: Forward) -> Answer:
        answer = forward()
        asyncio.run(other_writer())
        return answer

    async def other_writer() -> None:
        await witness.delete(KEY)
        await put(witness, KEY, b"theirs")

    proxy.fail("complete", overtaken)

    with pytest.raises(ObjectExistsError, match="another writer was faster"):
        await put(store, KEY, LARGE)

    assert await read(witness, KEY) == b"theirs"


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
async def test_a_service_without_conditional_writes_is_asked_once(
    store: S3Store, proxy: Proxy, data: bytes
) -> None:
    def refuse(request: Request, forward: Forward) -> Answer:
        if request.headers["If-None-Match"]:
            return error(501, "NotImplemented")(request, forward)
        return forward()

    proxy.fail("put", refuse, times=99)
    proxy.fail("complete", refuse, times=99)

    await put(store, "one", data)
    await put(store, "two", data)
    with pytest.raises(ObjectExistsError):
        await put(store, "two", data)

    sent = [*proxy.seen("put"), *proxy.seen("complete")]
    assert [request.headers["If-None-Match"] for request in sent] == ["*", None, None]


async def test_an_outage_that_also_stops_the_abort_is_swept_later(
    store: S3Store, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.fail("part", error(403, "AccessDenied"), times=99)
    proxy.fail("abort", error(403, "AccessDenied"))

    with pytest.raises(PortError, match=r", part \d: access denied"):
        await put(store, KEY, LARGE)

    assert "its unfinished upload waits for the sweep" in caplog.text
    (line,) = await store.unfinished("stack/")
    assert line.startswith(KEY)
    assert await store.discard_unfinished("stack/") == 1
    assert await store.unfinished() == []


async def test_an_upload_that_no_listing_shows_is_swept_by_who_lost_it(
    store: S3Store, proxy: Proxy, witness: S3Store
) -> None:
    proxy.fail("part", error(403, "AccessDenied"), times=99)
    proxy.fail("abort", error(403, "AccessDenied"))
    proxy.fail("uploads", without_effect({}, b"<ListMultipartUploadsResult/>"), times=99)

    with pytest.raises(PortError):
        await put(store, KEY, LARGE)

    assert await store.discard_unfinished() == 1
    assert await witness.unfinished() == []


@pytest.mark.parametrize(("operation", "data"), [("put", SMALL), ("complete", LARGE)])
async def test_a_put_cancelled_after_it_was_done_is_undone(
    store: S3Store, proxy: Proxy, witness: S3Store, operation: str, data: bytes
) -> None:
    done = threading.Event()

    def slow_to_tell(_: Request, forward: Forward) -> Answer:
        answer = forward()
        done.set()
        time.sleep(0.5)
        return answer

    proxy.fail(operation, slow_to_tell)
    task = asyncio.create_task(put(store, KEY, data))
    await asyncio.to_thread(done.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await listed(witness) == []


async def test_an_upload_is_aborted_until_it_is_gone(store: S3Store, proxy: Proxy) -> None:
    late_part = b"<ListPartsResult><Part><PartNumber>1</PartNumber></Part></ListPartsResult>"
    proxy.fail("parts", without_effect({}, late_part))
    proxy.fail("part", error(403, "AccessDenied"), times=99)

    with pytest.raises(PortError):
        await put(store, KEY, LARGE)

    assert len(proxy.seen("abort")) == 2


async def test_uploads_are_found_where_only_whole_keys_are_listed(
    store: S3Store, proxy: Proxy, moto: S3Server, location: S3Location
) -> None:
    for key in ("some/prefix/a/b", "some/prefix/c", "elsewhere"):
        moto.client.create_multipart_upload(Bucket=location.bucket, Key=key)
    proxy.fail("uploads", without_effect({}, b"<ListMultipartUploadsResult/>"))

    (line,) = await store.unfinished("a/")
    assert line.startswith("a/b ")
    assert await store.discard_unfinished() == 2


async def test_a_slow_line_is_no_timeout(
    moto: S3Server, proxy: Proxy, location: S3Location
) -> None:
    proxy.read_slowly = 0.02  # a block; all take 8 s, and after buffers are full 5 s are left
    data = bytes(384 * 65536)
    store = S3Store(
        replace(location, endpoint=proxy.endpoint),
        moto.credentials,
        min_part_size=len(data),
        patience=replace(QUICK, connect_seconds=2, delays=(), attempts=1),
    )

    await store.put(KEY, stream([data]))

    assert len(proxy.seen("put")) == 1
    await store.close()


async def test_a_cancelled_part_stops_on_its_way(store: S3Store, proxy: Proxy) -> None:
    proxy.read_slowly = 0.5
    data = some_bytes(160 * 65536)  # would take eighty seconds
    task = asyncio.create_task(store.put(KEY, stream([data]), size_hint=len(data) * 10_000))
    await asyncio.sleep(1)
    began = time.monotonic()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - began < 40
    assert proxy.seen("put") == []


async def test_too_many_parts_are_refused(
    moto: S3Server, location: S3Location, witness: S3Store
) -> None:
    store = S3Store(
        location, moto.credentials, max_parts=2, min_part_size=PART_SIZE, patience=QUICK
    )
    with pytest.raises(PortError, match="larger than 2 parts of 65536 bytes") as caught:
        await put(store, KEY, LARGE)
    assert await witness.unfinished() == []
    assert caught.value.hint == "Raise AKBOT_STORE_MAX_PARTS if the service takes more."

    assert await store.put(KEY, stream([LARGE]), size_hint=len(LARGE)) == len(LARGE)
    await store.close()


@pytest.mark.parametrize(
    ("gib", "max_parts", "mib"),
    [
        (0, 10_000, 8),
        (75, 10_000, 8),
        (75.01, 10_000, 16),
        (150, 10_000, 16),
        (300, 10_000, 32),
        (301, 10_000, 40),
        (600, 10_000, 64),
        (7.5, 1000, 8),
        (60, 1000, 64),
    ],
)
def test_parts_grow_with_the_object(gib: float, max_parts: int, mib: int) -> None:
    assert part_size_for(int(gib * GIB), max_parts=max_parts) == mib * MIB


def test_parts_of_an_object_of_unknown_size() -> None:
    assert part_size_for(None, max_parts=10_000) == 8 * MIB


def test_credentials_do_not_show() -> None:
    pair = S3Credentials("id", SecretStr("hunter2"), SecretStr("hunter3"))

    assert "hunter" not in repr(pair) + str(pair)


def test_botocore_is_loaded_only_when_it_is_used() -> None:
    script = "import sys, bot.adapters.s3; sys.exit('botocore' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_memory_does_not_grow_with_the_object(location: S3Location, moto: S3Server) -> None:
    grown = subprocess.run(
        [sys.executable, "-m", "tests.contracts.put_much", moto.endpoint, location.bucket, "160"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert int(grown.stdout) < 60
