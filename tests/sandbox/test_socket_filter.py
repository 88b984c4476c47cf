"""The socket proxy's stand-in refuses what the real one refuses, and passes the rest on."""

import asyncio
import gc
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.sandbox.socket_filter import Filter, options, patterns

FILTER = Path(__file__).with_name("socket_filter.py")
REFUSED = (b"403", b"405")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: that of a socket has at most 107 characters."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@asynccontextmanager
async def engine(place: Path) -> AsyncIterator[list[bytes]]:
    """An Engine that says "ok", and to an exec what it was sent; the heads of what it was asked."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        if b"Upgrade: tcp" in seen[-1]:
            writer.write(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            writer.write(await reader.read())
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, place)
    try:
        yield seen
    finally:
        server.close()
        await server.wait_closed()


def listens(place: Path) -> bool:
    """The file alone does not say so: it is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(place)) == 0


@asynccontextmanager
async def filtering(folder: Path, *allowed: str) -> AsyncIterator[list[bytes]]:
    """Started as the compose file starts the real one."""
    async with engine(folder / "engine.sock") as seen:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(FILTER), *allowed),
            f"-socketpath={folder / 'engine.sock'}",
            f"-proxysocketendpoint={folder / 'docker.sock'}",
            env={**os.environ, "SP_LOGLEVEL": "DEBUG"},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(300):
                while not listens(folder / "docker.sock"):  # noqa: ASYNC110 - another process's event
                    await asyncio.sleep(0.01)
            yield seen
        finally:
            process.kill()
            await process.wait()


async def ask(folder: Path, request: bytes, more: bytes = b"") -> bytes:
    """The answer; *more* is what the same connection is asked next, before it is read."""
    reader, writer = await asyncio.open_unix_connection(folder / "docker.sock")
    end = b"\r\nHost: docker\r\nConnection: close\r\n\r\n"
    writer.write(request + end + more)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /v1.41/containers/json?all=1", b"200"),
        ("GET /v1.41/containers/json/more", b"403"),
        ("GET /more/v1.41/containers/json", b"403"),
        ("GET /v1x41/containers/json", b"403"),
        ("GET /v1.41/containers/%6Ason", b"200"),
        ("GET /v1.41/images/json?/v1.41/containers/json", b"403"),
        ("POST /v1.41/containers/json", b"405"),
        ("DELETE /v1.41/containers/0a/b", b"403"),
        ("DELETE /v1.41/containers/0a", b"200"),
    ],
)
async def test_a_request_passes_where_a_pattern_of_its_method_is_the_whole_path(
    folder: Path, request_line: str, status: bytes
) -> None:
    allowed = (r"-allowGET=/v1\.[0-9]+/containers/json", r"-allowDELETE=/v1\.[0-9]+/containers/\w+")
    async with filtering(folder, *allowed) as seen:
        answer = await ask(folder, f"{request_line} HTTP/1.1".encode())

    assert answer.split()[1] == status
    assert len(seen) == (0 if status in REFUSED else 1)


async def test_a_second_request_on_the_connection_of_the_first_is_not_one(folder: Path) -> None:
    async with filtering(folder, "-allowGET=/_ping") as seen:
        await ask(folder, b"GET /_ping HTTP/1.1", b"POST /v1.41/containers/create HTTP/1.1\r\n\r\n")

    assert [b"connection: close" in each.lower() for each in seen] == [True]


async def test_what_an_exec_is_sent_arrives_with_its_end_and_the_answer_comes_back(
    folder: Path,
) -> None:
    sent = b"rows " * 100_000
    async with filtering(folder, "-allowPOST=/v1.41/exec/0a/start"):
        reader, writer = await asyncio.open_unix_connection(folder / "docker.sock")
        writer.write(
            b"POST /v1.41/exec/0a/start HTTP/1.1\r\nHost: docker\r\n"
            b"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"
        )
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        writer.write_eof()
        answer = await reader.read()
        writer.close()

    assert head.split()[1] == b"101"
    assert answer == sent


def test_an_option_that_the_real_one_does_not_have_is_an_error() -> None:
    with pytest.raises(SystemExit):
        options().parse_args(["-proxysocketendpoint=/x", "-allowget=/_ping"])


async def test_one_whose_input_has_ended_is_answered_however_long_it_takes(folder: Path) -> None:
    """Nothing but the waiting itself holds on to it then, so it must be held somewhere."""
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        asked.set()
        await may_answer.wait()
        writer.write(b"late")
        writer.close()
        await writer.wait_closed()

    allowed = patterns(options().parse_args(["-proxysocketendpoint=-", "-allowPOST=.*"]))
    narrow = Filter(allowed, str(folder / "engine.sock"), verbose=False)
    slow = await asyncio.start_unix_server(serve, folder / "engine.sock")
    async with slow, await asyncio.start_unix_server(narrow.serve, folder / "docker.sock"):
        reader, writer = await asyncio.open_unix_connection(folder / "docker.sock")
        writer.write(b"POST /exec/1/start HTTP/1.1\r\nUpgrade: tcp\r\n\r\nall of it")
        writer.write_eof()
        await asked.wait()
        await asyncio.sleep(0)
        gc.collect()
        may_answer.set()

        assert await reader.read() == b"late"
        writer.close()
        await asyncio.wait([*narrow.serving, asyncio.create_task(writer.wait_closed())])
