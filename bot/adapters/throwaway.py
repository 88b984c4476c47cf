"""Containers for one hostile job: no network, no capabilities, little memory, removed always."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from bot.adapters.engine_api import STDERR, EngineApi, RawStream, stop, text_tail
from bot.adapters.threads import finish

LABEL = "akbot.throw-away"
_MEMORY = 512 * 1024 * 1024
_PIDS = 64
_BEING_REMOVED = 409
_STARTED_WITHIN = 60  # seconds
_LAST_WORDS = 2.0  # seconds for what the Engine still has of its output


class ThrowAway:
    """A started container whose stdin is open."""

    def __init__(self, engine: EngineApi, container_id: str, stream: RawStream) -> None:
        self._engine = engine
        self._id = container_id
        self._stream = stream

    async def feed(self, data: AsyncIterator[bytes]) -> tuple[int, str]:
        """Send *data* to stdin; the exit code, and the first words on stderr.

        A command that ends early, because it did not like what it read, is answered by its exit
        code; *data* is read to its end all the same, so that the reader's own checks run.
        """
        stderr = bytearray()
        listening = asyncio.create_task(self._listen(stderr))
        exited = asyncio.create_task(self._exit_code())
        try:
            async for block in data:
                await self._send(block, exited)
            if not exited.done():
                self._stream.close_stdin()
            code = await exited
            await asyncio.wait({listening}, timeout=_LAST_WORDS)
        finally:
            await stop(listening)
            await stop(exited)
        return code, text_tail(stderr)

    async def _listen(self, stderr: bytearray) -> None:
        async for kind, data in self._stream.frames():
            if kind == STDERR:
                stderr.extend(data)

    async def _exit_code(self) -> int:
        result = await self._engine.call(
            "wait for a throw-away container", lambda sdk: sdk.wait(self._id, timeout=None)
        )
        return int(result["StatusCode"])

    async def _send(self, block: bytes, exited: asyncio.Task[int]) -> None:
        """Send unless the command has ended: the Engine then takes nothing more, nor says so."""
        if exited.done():
            return
        sending = asyncio.ensure_future(self._stream.write(block))
        await asyncio.wait({sending, exited}, return_when=asyncio.FIRST_COMPLETED)
        with suppress(ConnectionError):  # its exit code says why
            await (sending if sending.done() else stop(sending))


@asynccontextmanager
async def throw_away(
    engine: EngineApi, image_id: str, command: Sequence[str], job_id: str = ""
) -> AsyncGenerator[ThrowAway]:
    """Run *command* in a sealed container of *image_id*, which is there already, never pulled.

    It carries *job_id*, so that one whose job was killed is found again. Its own stdin ends with
    us then, so it does not go on working either.
    """
    doing = f'run "{command[0]}" in a throw-away container'

    name = f"akbot-{secrets.token_hex(8)}"  # known before it exists, so that it is always removed

    def create(sdk: Any) -> None:
        limits = sdk.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
            mem_limit=_MEMORY,
            pids_limit=_PIDS,
        )
        sdk.create_container(
            image_id,
            name=name,
            entrypoint=list(command[:1]),
            command=list(command[1:]),
            user="65534:65534",
            stdin_open=True,
            network_disabled=True,
            labels={LABEL: job_id},
            healthcheck={"Test": ["NONE"]},
            host_config=limits,
        )

    try:
        await finish(engine.call(doing, create))
        stream = await engine.attach(name)
        try:
            await engine.call(doing, lambda sdk: sdk.start(name))
            yield ThrowAway(engine, name, stream)
        finally:
            await stream.close()
    finally:
        await finish(engine.call("remove a throw-away container", lambda sdk: _remove(sdk, name)))


async def remove_throw_aways(engine: EngineApi, job_id: str) -> int:
    """Remove what a killed job left, and what has ended and nobody removed; how many there were."""
    found: Sequence[Mapping[str, Any]] = await engine.call(
        "list throw-away containers",
        lambda sdk: sdk.containers(all=True, filters={"label": LABEL}),
    )
    left = [
        each["Id"]
        for each in found
        if _nobody_needs(each) or (job_id and each["Labels"][LABEL] == job_id)
    ]
    for container_id in left:
        await engine.call("remove a throw-away container", partial(_remove, name=container_id))
    return len(left)


def _nobody_needs(container: Mapping[str, Any]) -> bool:
    """Whether it has ended, or whoever created it was killed before it could start it."""
    if container["State"] == "created":
        return bool(container["Created"] < time.time() - _STARTED_WITHIN)
    return container["State"] in {"exited", "dead"}


def _remove(sdk: Any, name: str) -> None:
    from docker.errors import APIError, NotFound  # noqa: PLC0415 - imported when used

    try:
        sdk.remove_container(name, force=True, v=True)
    except NotFound:
        return  # it could not be created, or somebody else has swept it
    except APIError as error:
        if error.status_code != _BEING_REMOVED:
            raise
