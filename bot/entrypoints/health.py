"""A small HTTP server for those who look after the daemon: a few pages, and nothing else."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

from bot.domain.errors import ConfigError

_MAX_REQUEST = 8 * 1024
_WITHIN = 9.0  # seconds; pages take five, Prometheus waits for ten

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """*body* is of the media type *kind*."""

    status: HTTPStatus
    body: bytes
    kind: str = "text/plain; charset=utf-8"


Page = Callable[[], Awaitable[Answer]]


@asynccontextmanager
async def health_server(listen: str, pages: Mapping[str, Page]) -> AsyncGenerator[int]:
    """Answer on *listen* (ADDRESS:PORT) while the context lives; gives the port.

    *pages* are named by their paths, such as `/healthz`. Raises ConfigError where that address
    cannot be listened on.
    """
    address, _, port = listen.rpartition(":")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_WITHIN):
                writer.write(_response(await _respond(reader, pages)))
                await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone, or never meant to ask
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    try:
        server = await asyncio.start_server(answer, address, int(port), limit=_MAX_REQUEST)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"AKBOT_HEALTH_LISTEN: listen on {listen}: {error}",
            hint="Give an address of this machine and a free port, such as 127.0.0.1:9180.",
        ) from error
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def _respond(reader: asyncio.StreamReader, pages: Mapping[str, Page]) -> Answer:
    request = await reader.readuntil(b"\r\n\r\n")
    method, _, rest = request.partition(b" ")
    if method != b"GET":
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET\n")
    path = rest.partition(b" ")[0].partition(b"?")[0].decode("latin-1")
    if path not in pages:
        known = ", ".join(pages)
        return Answer(HTTPStatus.NOT_FOUND, f"there is only {known}\n".encode())
    try:
        return await pages[path]()
    except Exception:  # boundary: a page that fails is an answer, too
        logger.exception("the page %s failed", path)
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"failed; the log says why\n")


def _response(answer: Answer) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\nContent-Type: {answer.kind}\r\n"
        f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + answer.body
