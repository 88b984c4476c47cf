"""The bytes' way out of a container: a connection back to the bot, or the Engine's exec stream.

The Engine's stream tops out near 240 MB/s and costs four times the CPU. So the command opens a TCP
connection back (bash's /dev/tcp, or nc) to an address that only this stream listens on; the first
bytes must be a one-time token, handed over in the command's environment. Where nobody calls, the
exec stream serves. What works is found out once per container, with the very same connection.
"""

import asyncio
import logging
import re
import secrets
import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from bot.adapters.call_back import (
    Source,
    address_of,
    answer_one_call,
    caller,
    listen_for,
    received,
)
from bot.adapters.engine_api import EngineApi
from bot.adapters.raw_stream import STDERR, text_tail
from bot.adapters.threads import stop
from bot.adapters.trailer import Trailer
from bot.domain.errors import PortError

CALL_WITHIN = 4.0  # seconds; a container on this host calls within milliseconds or never
_EXIT_MARK = b"akbot-exit "
_EXITED = re.compile(re.escape(_EXIT_MARK) + rb"(\d+)\n")
_TOKEN_BYTES = 16
_STDERR_KEPT = 64 * 1024
logger = logging.getLogger(__name__)


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
        listener = listen_for(container)
        if listener is None:
            return Way.EXEC
        with listener:
            token = secrets.token_hex(_TOKEN_BYTES)
            call = asyncio.create_task(answer_one_call(listener, token))
            try:
                async with asyncio.timeout(2 * CALL_WITHIN):
                    answer = await self._engine.run(
                        container.id, ["sh", "-c", _PROBE], environment=address_of(listener, token)
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
        listener = listen_for(run.container)
        if listener is None:
            raise PortError(f'run "{run.command[0]}": its container has no address any more')
        token = secrets.token_hex(_TOKEN_BYTES)
        variables = run.variables(address_of(listener, token))
        with listener:
            async with self._engine.exec(
                run.container.id, run.arguments(way), environment=variables
            ) as raw:
                ending = asyncio.create_task(run.ending.read(raw.frames()))
                try:
                    if connection := await _called(listener, token):
                        with connection:
                            ending.add_done_callback(lambda _: _hang_up_on(connection, run))
                            async with aclosing(received(connection, run.trailer)) as blocks:
                                async for block in blocks:
                                    yield block
                        await ending
                        return
                finally:
                    await stop(ending)
        # With nobody listening any more it ends before it runs the command.
        logger.warning('run "%s": its container did not call back in time', run.command[0])
        run.ending = _Ending()
        async with aclosing(self._through_exec(run)) as chunks:
            async for chunk in chunks:
                yield chunk


async def _called(listener: socket.socket, token: str) -> socket.socket | None:
    """The connection back, None where none comes in time: a host may be very busy."""
    try:
        async with asyncio.timeout(CALL_WITHIN):
            return await caller(listener, token)
    except TimeoutError:
        return None


def _hang_up_on(connection: socket.socket, run: _Run) -> None:
    """End a connection whose command failed: some `nc` hold it open after their input ended."""
    if run.ending.code != 0 and connection.fileno() >= 0:
        with suppress(OSError):  # the other side may have been first
            connection.shutdown(socket.SHUT_RDWR)
