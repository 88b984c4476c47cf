"""The bytes' way out of a container: a connection back to the bot, or the Engine's exec stream.

The Engine's stream tops out near 240 MB/s and costs four times the CPU. So the command opens a TCP
connection back (bash's /dev/tcp, or nc) to an address that only this stream listens on; the first
bytes must be a one-time token, handed over in the command's environment. Where nobody calls, the
exec stream serves. What works is found out once per container, with the very same connection.
"""

import asyncio
import hmac
import re
import secrets
import socket
import struct
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.adapters.engine_api import STDERR, EngineApi, stop, text_tail
from bot.adapters.threads import Threads
from bot.adapters.trailer import Trailer
from bot.domain.errors import PortError

RECEIVE = 1024 * 1024
CALL_WITHIN = 4.0  # seconds; a container on this host calls within milliseconds or never
_TOKEN_WITHIN = 1.0
_EXIT_MARK = b"akbot-exit "
_EXITED = re.compile(re.escape(_EXIT_MARK) + rb"(\d+)\n")
_TOKEN_BYTES = 16
_STDERR_KEPT = 64 * 1024
_MOMENT = struct.pack("ll", 0, 250_000)  # seconds and microseconds


class Source(Protocol):
    """A container, as far as bytes are concerned; *address* is "" where none reaches it."""

    @property
    def id(self) -> str:
        """By which the Engine knows it."""

    @property
    def address(self) -> str:
        """Its IP address on a network that this host is in."""


@dataclass(frozen=True)
class Unreachable:
    """A container in no network, by its name."""

    id: str
    address: str = ""


class Way(StrEnum):
    """How bytes leave a container."""

    BASH = "connection back (bash)"
    NC = "connection back (nc)"
    EXEC = "exec stream"


_PROBE = """
if command -v bash >/dev/null 2>&1 && timeout 3 bash -c \
'exec 3<>"/dev/tcp/$AKBOT_HOST/$AKBOT_PORT" && printf %s "$AKBOT_TOKEN" >&3' 2>/dev/null
then echo bash
elif command -v nc >/dev/null 2>&1 &&
printf %s "$AKBOT_TOKEN" | timeout 3 nc "$AKBOT_HOST" "$AKBOT_PORT" >/dev/null 2>&1
then echo nc
fi
"""
_RUN = f"""
run() {{
  "$@"; code=$?
  [ $code = 0 ] && printf %s "$AKBOT_TRAILER"
  echo "{_EXIT_MARK.decode()}$code" >&2
}}
"""
_SCRIPTS = {
    Way.BASH: (
        "bash",
        f"""exec 3<>"/dev/tcp/$AKBOT_HOST/$AKBOT_PORT" || exit 96
{_RUN}
printf %s "$AKBOT_TOKEN" >&3
run "$@" >&3 3>&-
""",
    ),
    Way.NC: (
        "sh",
        f'{_RUN}{{ printf %s "$AKBOT_TOKEN"; run "$@"; }} | nc "$AKBOT_HOST" "$AKBOT_PORT"',
    ),
    Way.EXEC: ("sh", f'{_RUN}run "$@"'),
}


@dataclass
class _Ending:
    """What the command said on stderr; *code* is None until its shell has reported one."""

    stderr: bytearray = field(default_factory=bytearray)
    code: int | None = None

    async def read(self, frames: AsyncGenerator[tuple[int, bytes]]) -> None:
        """Collect stderr until the shell has said how the command ended."""
        async with aclosing(frames):
            async for kind, data in frames:
                if kind == STDERR:
                    self.add(data)
                if self.code is not None:
                    return

    def add(self, data: bytes) -> None:
        self.stderr += data
        del self.stderr[:-_STDERR_KEPT]
        for found in _EXITED.finditer(self.stderr):  # the last; `nc` may say something after it
            self.code = int(found.group(1))

    @property
    def words(self) -> str:
        return text_tail(_EXITED.sub(b"", self.stderr))


@dataclass
class _Run:
    """One command in a container, and what is known of its end."""

    container: Source
    command: Sequence[str]
    environment: Mapping[str, str]
    trailer: Trailer = field(default_factory=Trailer)
    ending: _Ending = field(default_factory=_Ending)

    def arguments(self, way: Way) -> list[str]:
        shell, script = _SCRIPTS[way]
        return [shell, "-c", script, "akbot", *self.command]

    def variables(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**self.environment, "AKBOT_TRAILER": self.trailer.text, **more}

    def require_end(self) -> None:
        if self.ending.code == 0 and self.trailer.seen:
            return
        program, words = self.command[0], self.ending.words
        if self.ending.code:
            raise PortError(f'"{program}" failed with exit code {self.ending.code}: {words}')
        away = "" if self.ending.code == 0 else ": nothing more came from its container"
        raise PortError(f'the output of "{program}" was cut off before its end{away}', hint=words)


class Transport:
    """Streams what commands in containers write; *engine* runs them."""

    def __init__(self, engine: EngineApi) -> None:
        self._engine = engine
        self._ways: dict[str, Way] = {}
        self._probing = asyncio.Lock()

    async def way(self, container: Source) -> Way:
        """How bytes leave *container*, found out by one small connection."""
        async with self._probing:
            if container.id not in self._ways:
                self._ways[container.id] = await self._probe(container)
        return self._ways[container.id]

    async def stream(
        self, container: Source, command: Sequence[str], environment: Mapping[str, str]
    ) -> AsyncGenerator[bytes]:
        """What *command* writes to stdout.

        Raises PortError at the end unless the command exited 0 *and* its trailer came: then what
        was given out before is not whole.
        """
        run = _Run(container, command, environment)
        way = await self.way(container)
        chunks = self._through_exec(run) if way is Way.EXEC else self._through_connection(run, way)
        async with aclosing(chunks):
            async for chunk in chunks:
                if block := run.trailer.feed(chunk):
                    yield block
        run.require_end()

    async def _probe(self, container: Source) -> Way:
        listener = _listen_for(container)
        if listener is None:
            return Way.EXEC
        with listener:
            token = secrets.token_hex(_TOKEN_BYTES)
            call = asyncio.create_task(_called_and_hung_up(listener, token))
            try:
                async with asyncio.timeout(2 * CALL_WITHIN):
                    answer = await self._engine.run(
                        container.id, ["sh", "-c", _PROBE], environment=_address(listener, token)
                    )
                    if not answer.stdout:
                        return Way.EXEC
                    await call
            except TimeoutError:
                return Way.EXEC
            finally:
                await stop(call)
        return Way.BASH if answer.stdout.strip() == b"bash" else Way.NC

    async def _through_exec(self, run: _Run) -> AsyncGenerator[bytes | memoryview]:
        arguments, variables = run.arguments(Way.EXEC), run.variables({})
        async with self._engine.exec(run.container.id, arguments, environment=variables) as raw:
            async for kind, data in raw.frames():
                if kind == STDERR:
                    run.ending.add(data)
                else:
                    yield data

    async def _through_connection(self, run: _Run, way: Way) -> AsyncGenerator[bytes | memoryview]:
        listener = _listen_for(run.container)
        if listener is None:
            raise PortError(f'run "{run.command[0]}": its container has no address any more')
        token = secrets.token_hex(_TOKEN_BYTES)
        variables = run.variables(_address(listener, token))
        with listener:
            async with self._engine.exec(
                run.container.id, run.arguments(way), environment=variables
            ) as raw:
                ending = asyncio.create_task(run.ending.read(raw.frames()))
                try:
                    async with asyncio.timeout(CALL_WITHIN):
                        connection = await _called(listener, token)
                    with connection:
                        ending.add_done_callback(lambda _: _hang_up_on(connection, run))
                        async with aclosing(_received(connection, run.trailer)) as blocks:
                            async for block in blocks:
                                yield block
                    await ending
                except TimeoutError as error:
                    raise PortError(
                        f'run "{run.command[0]}": the container did not call back',
                        hint=run.ending.words,
                        retryable=True,
                    ) from error
                finally:
                    await stop(ending)


def _hang_up_on(connection: socket.socket, run: _Run) -> None:
    """End a connection whose command failed: some `nc` hold it open after their input ended."""
    if run.ending.code != 0 and connection.fileno() >= 0:
        with suppress(OSError):  # the other side may have been first
            connection.shutdown(socket.SHUT_RDWR)


def _listen_for(container: Source) -> socket.socket | None:
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


def _address(listener: socket.socket, token: str) -> dict[str, str]:
    host, port = listener.getsockname()[:2]
    return {"AKBOT_HOST": host, "AKBOT_PORT": str(port), "AKBOT_TOKEN": token}


async def _called(listener: socket.socket, token: str) -> socket.socket:
    """The first connection that shows the token; any other is hung up on and delays nobody."""
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


async def _called_and_hung_up(listener: socket.socket, token: str) -> None:
    """Answer one call; BusyBox's `nc` ends only when we hang up."""
    (await _called(listener, token)).close()


async def _read_exactly(connection: socket.socket, length: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < length:
        piece = await loop.sock_recv(connection, length - len(data))
        if not piece:
            break
        data += piece
    return data


async def _received(connection: socket.socket, trailer: Trailer) -> AsyncGenerator[memoryview]:
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
