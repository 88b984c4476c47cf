"""A connection back from a container: awaited, known by its token, and received from."""

import asyncio
import hmac
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Protocol

from bot.adapters.threads import Threads, stop
from bot.adapters.trailer import Trailer
from bot.domain.errors import PortError

RECEIVE = 1024 * 1024
_TOKEN_WITHIN = 1.0
_MOMENT = struct.pack("ll", 0, 250_000)  # seconds and microseconds


class Source(Protocol):
    """A container, as far as bytes are concerned; *address* is "" where none reaches it."""

    @property
    def id(self) -> str:
        """By which the Engine knows it."""

    @property
    def address(self) -> str:
        """Its IP address on a network that this host is in."""


def listen_for(container: Source) -> socket.socket | None:
    """A listener on the one address from which this host reaches *container*.

    On the host that is the bridge's, in a container the bot's own on the shared network; the kernel
    knows which.
    """
    if not container.address:
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.settimeout(0)
        try:
            route.connect((container.address, 9))
            own = route.getsockname()[0]
            listener = socket.create_server((own, 0), backlog=64)
        except OSError:
            return None
    listener.settimeout(0)
    return listener


def address_of(listener: socket.socket, token: str) -> dict[str, str]:
    """What a script in the container needs to call: its environment."""
    host, port = listener.getsockname()[:2]
    return {"AKBOT_HOST": host, "AKBOT_PORT": str(port), "AKBOT_TOKEN": token}


async def caller(listener: socket.socket, token: str) -> socket.socket:
    """The first connection that shows the token; any other is hung up on and delays nobody.

    Raises PortError where nobody can be listened for any more; it waits for as long as it is let.
    """
    found: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
    accepting = asyncio.create_task(_accept(listener, token, found))
    try:
        return await found
    except asyncio.CancelledError:
        if not found.cancelled():
            found.result().close()
        raise
    finally:
        await stop(accepting)


async def _accept(
    listener: socket.socket, token: str, found: asyncio.Future[socket.socket]
) -> None:
    loop = asyncio.get_running_loop()
    callers: dict[socket.socket, asyncio.Task[None]] = {}
    try:
        while not found.done():
            connection, _ = await loop.sock_accept(listener)
            connection.settimeout(0)
            callers[connection] = asyncio.create_task(_examine(connection, token, found))
    except OSError as error:
        if not found.done():
            found.set_exception(PortError(f"listen for a container: {error}", retryable=True))
    finally:
        for connection, caller in callers.items():
            await stop(caller)
            if found.cancelled() or found.exception() or found.result() is not connection:
                connection.close()


async def _examine(
    connection: socket.socket, token: str, found: asyncio.Future[socket.socket]
) -> None:
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(_TOKEN_WITHIN):
            shown = await _read_exactly(connection, len(token))
        if hmac.compare_digest(shown, token.encode()) and not found.done():
            found.set_result(connection)
            return
    connection.close()


async def answer_one_call(listener: socket.socket, token: str) -> None:
    """Answer one call; BusyBox's `nc` ends only when we hang up."""
    (await caller(listener, token)).close()


async def _read_exactly(connection: socket.socket, length: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < length:
        piece = await loop.sock_recv(connection, length - len(data))
        if not piece:
            break
        data += piece
    return data


async def received(connection: socket.socket, trailer: Trailer) -> AsyncGenerator[memoryview]:
    """What comes over *connection* until the trailer or the end; each view is valid until the next.

    A thread waits in the kernel for a whole block: one call where the event loop would take twenty,
    which is a third of the CPU that all else costs. Some `nc` never close: so it waits for a moment
    only, and looks for the trailer.
    """
    connection.setblocking(True)  # noqa: FBT003 - the library's signature
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _MOMENT)
    threads = Threads("akbot-receive", 1)
    view = memoryview(bytearray(RECEIVE))
    try:
        while not trailer.seen:
            try:
                size = await threads.run(connection.recv_into, view, RECEIVE, socket.MSG_WAITALL)
            except BlockingIOError:
                continue  # nothing came in that moment
            except ConnectionResetError:
                return  # how the command ended says why
            except OSError as error:
                raise PortError(f"receive from a container: {error}", retryable=True) from error
            if not size:
                return
            yield view[:size]
    finally:
        await threads.close()
