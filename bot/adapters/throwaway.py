"""Containers for one hostile job: no network, no capabilities, little memory, removed always.

Those with one command read its stdin; those with a server are entered with exec.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.raw_stream import STDERR, RawStream, text_tail
from bot.adapters.threads import finish, stop
from bot.services.ports import PREVIEW

LABEL = "akbot.throw-away"
OWNER = "akbot.state"
_MEMORY = 512 * 1024 * 1024
_PIDS = 64
_FEW_WORDS = 500
_BEING_REMOVED = 409
_STARTED_WITHIN = 60  # seconds
_PREVIEWED = 6 * 3600  # seconds
_NANOSECONDS = 10**9
_LOG_SIZE = "16m"
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
                await self._stream.write_until(block, exited)
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


@asynccontextmanager
async def throw_away(
    engine: EngineApi, image_id: str, command: Sequence[str], job_id: str = ""
) -> AsyncGenerator[ThrowAway]:
    """Run *command* in a sealed container of *image_id*, which is there already, never pulled.

    It carries *job_id*, so that one whose job was killed is found again. Its own stdin ends with
    us then, so it does not go on working either.
    """
    doing = f'run "{command[0]}" in a throw-away container'
    settings = {
        "entrypoint": list(command[:1]),
        "command": list(command[1:]),
        "user": "65534:65534",
        "stdin_open": True,
    }
    limits = {"mem_limit": _MEMORY, "memswap_limit": _MEMORY, "pids_limit": _PIDS}
    async with created(engine, doing, image_id, settings, job_id, limits=limits) as name:
        stream = await engine.attach(name)
        try:
            await engine.call(doing, lambda sdk: sdk.start(name))
            yield ThrowAway(engine, name, stream)
        finally:
            await stream.close()


@dataclass(frozen=True)
class Server:
    """A server program that an image's own entrypoint starts.

    *user* is one that the image knows. *scratch* are the folders that it writes to; what an image
    declares as a volume is one of its own, and is removed with it. *memory* is in bytes, and so is
    *shared_memory*, which counts as part of it, 0 for the Engine's default. It is in no network
    unless one is named, in which it is called *alias*; its root is read-only unless it is
    *writable*. *entrypoint* replaces the image's. Docker looks at its health, as the image says,
    every *health_interval* seconds; never without one.
    """

    image_id: str
    user: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    scratch: tuple[str, ...]
    memory: int
    network: str = ""
    alias: str = ""
    writable: bool = False
    pids: int = _PIDS
    shared_memory: int = 0
    entrypoint: tuple[str, ...] = ()
    health_interval: int = 0


@asynccontextmanager
async def throw_away_server(
    engine: EngineApi, server: Server, job_id: str = ""
) -> AsyncGenerator[str]:
    """Start a sealed container of *server*; its name.

    Whether the server answers is for the caller to find out. It carries *job_id* as above, but
    lives on when we are killed: the next start removes it.
    """
    doing = f'run "{server.command[0]}" in a throw-away container'
    settings: dict[str, Any] = {
        "command": list(server.command),
        "environment": dict(server.environment),
        **({"user": server.user} if server.user else {}),
        **({"entrypoint": list(server.entrypoint)} if server.entrypoint else {}),
    }
    if server.health_interval:
        settings["healthcheck"] = {"Interval": server.health_interval * _NANOSECONDS}
    limits: dict[str, Any] = {
        "mem_limit": server.memory,
        "memswap_limit": server.memory,
        "pids_limit": server.pids,
        "read_only": not server.writable,
        "tmpfs": dict.fromkeys(server.scratch, "mode=1777"),
        # what a host's own logging takes away cannot be read here
        "log_config": {"type": "json-file", "config": {"max-size": _LOG_SIZE}},
        **({"shm_size": server.shared_memory} if server.shared_memory else {}),
    }
    place = (server.network, server.alias)
    async with created(
        engine, doing, server.image_id, settings, job_id, limits=limits, place=place
    ) as name:
        await engine.call(doing, lambda sdk: sdk.start(name))
        yield name


@asynccontextmanager
async def throw_away_network(engine: EngineApi, job_id: str) -> AsyncGenerator[str]:
    """A network of its own that leads nowhere; its name. It is removed after the context."""
    name = f"akbot-{secrets.token_hex(8)}"
    doing = "make a throw-away network"
    labels = {LABEL: job_id, OWNER: await engine.owner()}
    try:
        await finish(
            engine.call(
                doing,
                lambda sdk: sdk.create_network(name, driver="bridge", internal=True, labels=labels),
            )
        )
        yield name
    finally:
        removing = partial(_remove_network, name=name)
        await finish(engine.call("remove a throw-away network", removing))


@asynccontextmanager
async def created(  # noqa: PLR0913 - what all have, and what each has
    engine: EngineApi,
    doing: str,
    image_id: str,
    settings: Mapping[str, Any],
    job_id: str,
    *,
    limits: Mapping[str, Any],
    place: tuple[str, str] = ("", ""),
) -> AsyncGenerator[str]:
    """Create a sealed container and remove it after; its name. *host* loosens what it must."""
    name = f"akbot-{secrets.token_hex(8)}"  # known before it exists, so that it is always removed
    network, alias = place
    labels = {LABEL: job_id, OWNER: await engine.owner()}

    def create(sdk: Any) -> None:
        sealed = {
            "network_mode": network or "none",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "read_only": True,
            **limits,
        }
        joined = {network: sdk.create_endpoint_config(aliases=[alias])} if alias else {}
        sdk.create_container(
            image_id,
            name=name,
            network_disabled=not network,
            networking_config=sdk.create_networking_config(joined) if joined else None,
            labels=labels,
            host_config=sdk.create_host_config(**sealed),
            **{"healthcheck": {"Test": ["NONE"]}, **settings},
        )

    try:
        await finish(engine.call(doing, create))
        yield name
    finally:
        await finish(engine.call("remove a throw-away container", lambda sdk: _remove(sdk, name)))


async def remove_throw_aways(engine: EngineApi, job_id: str) -> int:
    """Remove what a killed job left, and what has ended and nobody removed.

    How many containers there were; their networks go with them. Those of another akbot, with
    another state folder, are left to it: it may be about to ask how they ended.
    """
    found: Sequence[Mapping[str, Any]] = await engine.call(
        "list throw-away containers",
        lambda sdk: sdk.containers(all=True, filters={"label": LABEL}),
    )
    own = await engine.owner()
    left = [
        each["Id"]
        for each in found
        if _is_of(own, each) and (_nobody_needs(each) or each["Labels"][LABEL] == (job_id or None))
    ]
    for container_id in left:
        await engine.call("remove a throw-away container", partial(_remove, name=container_id))
    if job_id:
        await _remove_networks(engine, job_id)
    return len(left)


def _is_of(owner: str, made: Mapping[str, Any]) -> bool:
    """Whether it was made by *owner*, or by an akbot so old that it wrote no name on it."""
    return bool(made["Labels"].get(OWNER, owner) == owner)


async def _remove_networks(engine: EngineApi, job_id: str) -> None:
    found: Sequence[Mapping[str, Any]] = await engine.call(
        "list throw-away networks",
        lambda sdk: sdk.networks(filters={"label": f"{LABEL}={job_id}"}),
    )
    own = await engine.owner()
    for each in found:
        if _is_of(own, each):
            removing = partial(_remove_network, name=each["Id"])
            await engine.call("remove a throw-away network", removing)


def _nobody_needs(container: Mapping[str, Any]) -> bool:
    """Whether it has ended, or whoever created it was killed: before it started it, or since."""
    if container["Labels"][LABEL] == PREVIEW and container["Created"] < time.time() - _PREVIEWED:
        return True
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


def _remove_network(sdk: Any, name: str) -> None:
    """Also one that still holds a container: a bot that was killed comes back into it."""
    from docker.errors import NotFound  # noqa: PLC0415 - imported when used

    with suppress(NotFound):  # it could not be created, or somebody else has swept it
        for container_id in sdk.inspect_network(name)["Containers"] or ():
            with suppress(NotFound):
                sdk.disconnect_container_from_network(container_id, name, force=True)
        sdk.remove_network(name)


async def last_words(engine: EngineApi, name: str) -> str:
    """The end of what a container has written."""
    logs: bytes = await engine.call(
        "read the log of a throw-away container", lambda sdk: sdk.logs(name, tail=5)
    )
    return logs.decode(errors="replace").strip()[-_FEW_WORDS:] or "it says nothing"
