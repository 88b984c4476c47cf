"""`/healthz`: whether the daemon lives, and what it would complain about, as JSON over HTTP."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from bot.domain.errors import ConfigError

_MAX_REQUEST = 8 * 1024
_WITHIN = 5.0

logger = logging.getLogger(__name__)

Report = Callable[[], Awaitable[Mapping[str, Any]]]
"""What to answer; its "status" is "ok" or "degraded", and both are answered with 200: it lives."""


@asynccontextmanager
async def health_server(listen: str, report: Report) -> AsyncGenerator[int]:
    """Answer on *listen* (ADDRESS:PORT) while the context lives; gives the port.

    Raises ConfigError where that address cannot be listened on.
    """
    address, _, port = listen.rpartition(":")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_WITHIN):
                writer.write(await _respond(reader, report))
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


async def _respond(reader: asyncio.StreamReader, report: Report) -> bytes:
    request = await reader.readuntil(b"\r\n\r\n")
    method, _, rest = request.partition(b" ")
    if method != b"GET":
        return _response(405, {"error": "only GET"})
    if rest.partition(b" ")[0].partition(b"?")[0] != b"/healthz":
        return _response(404, {"error": "there is only /healthz"})
    try:
        return _response(200, await report())
    except Exception:  # boundary: a report that fails is an answer, too
        logger.exception("the health report failed")
        return _response(500, {"status": "failed"})


_REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 500: "Internal Server Error"}


def _response(status: int, content: Mapping[str, Any]) -> bytes:
    body = json.dumps(content, indent=1, default=str).encode() + b"\n"
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
