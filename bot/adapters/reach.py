"""This process and throw-away networks: the host reaches them, a container has to join."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.threads import finish
from bot.domain.errors import PortError

_MOUNTS = Path("/proc/self/mountinfo")
# The Engine mounts a few files of its own over those of each container.
_OWN_FILE = re.compile(r"/containers/([0-9a-f]{64})/(?:hostname|hosts|resolv\.conf) /etc/")
_REACHED_WITHIN = 5.0


@asynccontextmanager
async def joined(engine: EngineApi, network: str) -> AsyncGenerator[None]:
    """Be in *network* as well, where this process is a container of that Engine."""
    own = await _own_container(engine)
    if not own:
        yield
        return
    try:
        await finish(
            engine.call(
                "join a throw-away network",
                lambda sdk: sdk.connect_container_to_network(own, network),
            )
        )
        yield
    finally:
        await finish(
            engine.call("leave a throw-away network", lambda sdk: _leave(sdk, own, network))
        )


async def _own_container(engine: EngineApi) -> str:
    """The id of the container that this process is in; "" where the Engine knows of none."""
    found = _OWN_FILE.search(await asyncio.to_thread(_MOUNTS.read_text))
    if not found:
        return ""
    return await engine.call("look for our own container", lambda sdk: _known(sdk, found[1]))


def _known(sdk: Any, container_id: str) -> str:
    from docker.errors import NotFound  # noqa: PLC0415 - imported when used

    try:
        return str(sdk.inspect_container(container_id)["Id"])
    except NotFound:
        return ""


def _leave(sdk: Any, container_id: str, network: str) -> None:
    """What was never joined, or is gone, is left."""
    from docker.errors import NotFound  # noqa: PLC0415 - imported when used

    try:
        members = sdk.inspect_network(network)["Containers"] or ()
    except NotFound:
        return
    if container_id in members:
        sdk.disconnect_container_from_network(container_id, network, force=True)


async def address_in(engine: EngineApi, name: str, network: str) -> str:
    """A container's address in *network*; "" while it does not run."""
    details: Mapping[str, Any] = await engine.call(
        "look at a throw-away container", lambda sdk: sdk.inspect_container(name)
    )
    return str(details["NetworkSettings"]["Networks"][network]["IPAddress"] or "")


async def require_reachable(address: str, port: int) -> None:
    """Raises PortError where nobody answers there: then no silence says anything of a server."""
    try:
        async with asyncio.timeout(_REACHED_WITHIN):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError) as error:
        raise PortError(
            f"reach a throw-away container at {address or 'no address'}:"
            f" {str(error) or 'no answer'}",
            hint="akbot must run on the Engine's own host, or in a container of it.",
        ) from error
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        return  # the other side was first
