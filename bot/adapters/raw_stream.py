"""A hijacked connection to the Docker Engine, on the event loop.

The SDK's own exec streams can lose bytes that arrive together with the response's headers, and
block a thread each; here they are read with asyncio instead.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from bot.adapters.threads import stop
from bot.domain.errors import PortError

STDOUT, STDERR = 1, 2
_FRAME_HEADER = 8
_TAIL = 16 * 1024


class RawStream:
    """A hijacked connection: frames of stdout and stderr out, bytes of stdin in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def frames(self) -> AsyncGenerator[tuple[int, bytes]]:
        """(STDOUT or STDERR, bytes) until the command closes both."""
        while True:
            header = await self._read(_FRAME_HEADER)
            if not header:
                return
            size = int.from_bytes(header[4:], "big")
            data = await self._read(size)
            if len(header) < _FRAME_HEADER or len(data) < size:
                raise PortError("read from a container: the stream broke off", retryable=True)
            yield header[0], data

    async def _read(self, size: int) -> bytes:
        try:
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            return error.partial
        except OSError as error:
            raise PortError(f"read from a container: {error}", retryable=True) from error

    async def output(self) -> tuple[bytes, bytes]:
        """All of stdout and stderr of a command that writes little."""
        stdout, stderr = bytearray(), bytearray()
        async for kind, data in self.frames():
            (stderr if kind == STDERR else stdout).extend(data)
        return bytes(stdout), bytes(stderr)

    async def rest(self, limit: int) -> bytes:
        """What comes until the other side closes, as it comes: for a connection without frames."""
        read = bytearray()
        try:
            while block := await self._reader.read(limit):
                read += block[: limit - len(read)]
        except OSError as error:
            raise PortError(f"read from the Engine: {error}", retryable=True) from error
        return bytes(read)

    async def lines(self) -> AsyncGenerator[bytes]:
        """Line by line as they come, until the other side closes; one that is cut is left out."""
        try:
            while (line := await self._reader.readline()).endswith(b"\n"):
                yield line
        except (OSError, ValueError) as error:  # ValueError: a line longer than any of the Engine's
            raise PortError(f"read from the Engine: {error}", retryable=True) from error

    async def write(self, data: bytes) -> None:
        """Send to stdin, waiting while the other side is slower."""
        self._writer.write(data)
        await self._writer.drain()

    async def write_until(self, data: bytes, ended: asyncio.Task[Any]) -> None:
        """Send unless the command has *ended*: the Engine then takes nothing more, nor says so."""
        if ended.done():
            return
        sending = asyncio.ensure_future(self.write(data))
        await asyncio.wait({sending, ended}, return_when=asyncio.FIRST_COMPLETED)
        with suppress(ConnectionError):  # its exit code says why
            await (sending if sending.done() else stop(sending))

    def close_stdin(self) -> None:
        """Say that no more is coming."""
        self._writer.write_eof()

    async def close(self) -> None:
        """Hang up at once; a command that reads stdin sees its end.

        What it has not read yet is dropped: one that has stopped reading must not hold us.
        """
        self._writer.transport.abort()
        try:
            await self._writer.wait_closed()
        except OSError:
            return  # the other side was first


def text_tail(data: bytes | bytearray) -> str:
    """The last words of a program, as text for a message."""
    return bytes(data[-_TAIL:]).decode(errors="replace").strip()
