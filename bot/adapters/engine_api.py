"""The Docker Engine: its SDK on threads, and where `raw_stream`s of exec and attach begin."""

import asyncio
import json
import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from bot.adapters.raw_stream import RawStream, text_tail
from bot.adapters.threads import finish, stop
from bot.domain.errors import PortError

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")

_READ_LIMIT = 4 * 1024 * 1024
_STDERR_KEPT = 16 * 1024
_TIMEOUT = 60
_UPGRADED = (101, 200)


class Finished(NamedTuple):
    """A command that ended: its exit code and what it wrote."""

    exit_code: int
    stdout: bytes
    stderr: str


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Raise the SDK's errors as PortError, so that none crosses the port."""
    from docker.errors import APIError, DockerException  # noqa: PLC0415 - imported when used
    from requests.exceptions import RequestException  # noqa: PLC0415 - likewise

    try:
        yield
    except APIError as error:
        raise PortError(f"{doing}: {error.explanation or error}") from error
    except (DockerException, RequestException, OSError) as error:
        raise PortError(
            f"{doing}: the Docker Engine does not answer ({_root(error)})",
            hint="Is Docker running, and may this user use its socket? See DOCKER_HOST.",
            retryable=True,
        ) from error


def _root(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error)


async def nobody() -> str:
    """An owner who has no name."""
    return ""


class EngineApi:
    """*base_url* as DOCKER_HOST has it; the API's version is negotiated.

    *owner* names whose throw-away containers and networks are: several akbots may share an Engine.
    """

    def __init__(self, base_url: str, owner: Callable[[], Awaitable[str]] = nobody) -> None:
        self._base_url = base_url
        self.owner = owner
        self._sdk: APIClient | None = None
        self._connecting = asyncio.Lock()

    async def call(self, doing: str, function: Callable[["APIClient"], T]) -> T:
        """Run *function* of the SDK's client in a thread; *doing* begins the error's message."""
        client = await self._client(doing)

        def run() -> T:
            with engine_errors(doing):
                return function(client)

        return await asyncio.to_thread(run)

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self.call("ask for a sign of life", lambda client: client.ping())

    async def _client(self, doing: str) -> "APIClient":
        async with self._connecting:
            if self._sdk is None:
                self._sdk = await asyncio.to_thread(self._connect, doing)
        return self._sdk

    def _connect(self, doing: str) -> "APIClient":
        from docker import APIClient  # noqa: PLC0415 - slow to import, not every command needs it

        with engine_errors(doing):
            return APIClient(base_url=self._base_url, version="auto", timeout=_TIMEOUT)

    async def close(self) -> None:
        """Give back the SDK's connections."""
        if self._sdk is not None:
            await asyncio.to_thread(self._sdk.close)

    @asynccontextmanager
    async def exec(
        self,
        container_id: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        stdin: bool = False,
    ) -> AsyncGenerator[RawStream]:
        """Start *command* in a running container, for its streams.

        Leaving closes the stream; the command itself goes on unless it notices, so callers end it
        by their own means.
        """
        doing = f'run "{command[0]}" in a container'
        exec_id = await self._create(doing, container_id, command, environment, stdin=stdin)
        stream = await self._start(doing, exec_id)
        try:
            yield stream
        finally:
            await stream.close()

    async def run(
        self,
        container_id: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run a command with small output to its end."""
        doing = f'run "{command[0]}" in a container'
        exec_id = await self._create(doing, container_id, command, environment, stdin=False)
        stream = await self._start(doing, exec_id)
        try:
            stdout, stderr = await stream.output()
        finally:
            await stream.close()
        state: dict[str, Any] = await self.call(doing, lambda sdk: sdk.exec_inspect(exec_id))
        if state["ExitCode"] is None:  # it still runs, so its stream was cut
            raise PortError(f"{doing}: the Engine hung up", retryable=True)
        return Finished(int(state["ExitCode"]), stdout, text_tail(stderr))

    async def feed(
        self,
        container_id: str,
        command: Sequence[str],
        data: AsyncIterator[bytes],
        *,
        environment: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run a command with *data* as its stdin to its end.

        One that ends early, because it did not like what it read, is answered by its exit code;
        *data* is read to its end all the same, so that the reader's own checks run.
        """
        doing = f'run "{command[0]}" in a container'
        exec_id = await self._create(doing, container_id, command, environment, stdin=True)
        stream = await self._start(doing, exec_id)
        listening = asyncio.create_task(stream.output())
        try:
            async for block in data:
                await stream.write_until(block, listening)
            if not listening.done():
                stream.close_stdin()
            stdout, stderr = await listening
        finally:
            await stop(listening)
            await stream.close()
        state: dict[str, Any] = await self.call(doing, lambda sdk: sdk.exec_inspect(exec_id))
        if state["ExitCode"] is None:
            raise PortError(f"{doing}: the Engine hung up", retryable=True)
        return Finished(int(state["ExitCode"]), stdout, text_tail(stderr))

    async def _create(
        self,
        doing: str,
        container_id: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None,
        *,
        stdin: bool,
    ) -> str:
        created: dict[str, str] = await self.call(
            doing,
            lambda sdk: sdk.exec_create(
                container_id, list(command), stdin=stdin, environment=dict(environment or {})
            ),
        )
        return created["Id"]

    async def _start(self, doing: str, exec_id: str) -> RawStream:
        return await self._hijack(doing, f"/exec/{exec_id}/start", {"Detach": False, "Tty": False})

    async def attach(self, container_id: str) -> RawStream:
        """The streams of a container that was created with an open stdin, before it starts."""
        path = f"/containers/{container_id}/attach?stream=1&stdin=1&stdout=1&stderr=1"
        return await self._hijack("attach to a container", path, None)

    async def download(self, container_id: str, path: str, *, doing: str) -> AsyncGenerator[bytes]:
        """A tar stream of *path* in the container, as the Engine's archive API packs it."""
        chunks: Iterator[bytes] = (
            await self.call(doing, lambda client: client.get_archive(container_id, path))
        )[0]
        iterator = iter(chunks)

        def following() -> bytes | None:
            with engine_errors(doing):
                return next(iterator, None)

        try:
            # close() fails while a thread still reads: even a cancellation waits for it.
            while (block := await finish(asyncio.to_thread(following))) is not None:
                yield block
        finally:
            close = getattr(chunks, "close", None)
            if close:
                await asyncio.to_thread(close)

    async def read(self, doing: str, path: str) -> RawStream:
        """What the Engine answers to a GET, as it comes; HTTP/1.0 knows no chunks to unpack."""
        client = await self._client(doing)
        head = f"GET /v{client.api_version}{path} HTTP/1.0\r\nHost: docker\r\n\r\n"
        return await self._requested(doing, head.encode())

    async def _hijack(self, doing: str, path: str, body: object) -> RawStream:
        client = await self._client(doing)
        payload = b"" if body is None else json.dumps(body).encode()
        request = (
            f"POST /v{client.api_version}{path} HTTP/1.1\r\nHost: docker\r\n"
            "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(payload)}\r\n\r\n"
        ).encode() + payload
        return await self._requested(doing, request)

    async def _requested(self, doing: str, request: bytes) -> RawStream:
        with engine_errors(doing):
            reader, writer = await self._dial()
            try:
                writer.write(request)
                await writer.drain()
                await _upgraded(doing, reader)
            except BaseException:
                writer.transport.abort()
                raise
        return RawStream(reader, writer)

    async def dial(self, doing: str) -> tuple[str, RawStream]:
        """The API's version, as it stands in a path, and a connection of one's own."""
        client = await self._client(doing)
        with engine_errors(doing):
            reader, writer = await self._dial()
        return f"/v{client.api_version}", RawStream(reader, writer)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = urlsplit(self._base_url)
        if address.scheme in {"unix", "http+unix"}:
            path = address.path or address.netloc
            return await asyncio.open_unix_connection(path, limit=_READ_LIMIT)
        tls = ssl.create_default_context() if address.scheme == "https" else None
        return await asyncio.open_connection(
            address.hostname, address.port or 2375, ssl=tls, limit=_READ_LIMIT
        )


async def _upgraded(doing: str, reader: asyncio.StreamReader) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise PortError(f"{doing}: the Engine hung up", retryable=True) from error
    status = int(head.split(b" ", 2)[1])
    if status not in _UPGRADED:
        message = (await reader.read(_STDERR_KEPT)).decode(errors="replace")
        raise PortError(f"{doing}: {explanation(message) or f'HTTP {status}'}")


def explanation(body: str) -> str:
    """The Engine's own words out of an error's body, which may be chunked."""
    start, end = body.find("{"), body.rfind("}")
    try:
        return str(json.loads(body[start : end + 1])["message"])
    except (ValueError, KeyError):
        return ""
