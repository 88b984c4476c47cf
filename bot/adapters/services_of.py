"""Containers by Compose's project and service, whatever else of the stack is there."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters.container_facts import as_container
from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError
from bot.domain.stack import Container

_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_NOT_ONE_OFF = "com.docker.compose.oneoff=False"


async def ids_of(engine: EngineApi, project: str, service: str) -> list[str]:
    """All containers of a service, running or not."""
    labels = [f"{_PROJECT}={project}", f"{_SERVICE}={service}", _NOT_ONE_OFF]
    found: Sequence[Mapping[str, Any]] = await engine.call(
        "list containers", lambda sdk: sdk.containers(all=True, filters={"label": labels})
    )
    return [each["Id"] for each in found]


async def running_images(engine: EngineApi, project: str) -> dict[str, str]:
    """The image of each service of a project that runs, by its name."""
    labels = [f"{_PROJECT}={project}", _NOT_ONE_OFF]
    found: Sequence[Mapping[str, Any]] = await engine.call(
        "list containers", lambda sdk: sdk.containers(all=True, filters={"label": labels})
    )
    running = [each for each in found if each["State"] == "running"]
    return {each["Labels"].get(_SERVICE, ""): str(each["Image"]) for each in running}


async def details_of(
    engine: EngineApi, project: str, services: Sequence[str]
) -> list[Mapping[str, Any]]:
    """What the Engine says of each container of these services; of one just removed nothing."""
    listed = await asyncio.gather(*(ids_of(engine, project, service) for service in services))
    found = await asyncio.gather(*(_inspect(engine, each) for ids in listed for each in ids))
    return [each for each in found if each is not None]


async def _inspect(engine: EngineApi, container_id: str) -> Mapping[str, Any] | None:
    from docker.errors import NotFound  # noqa: PLC0415 - imported when used

    def inspect(sdk: Any) -> Mapping[str, Any] | None:
        try:
            details: Mapping[str, Any] = sdk.inspect_container(container_id)
        except NotFound:
            return None
        return details

    return await engine.call("inspect a container", inspect)


async def require_running(engine: EngineApi, project: str, service: str) -> Container:
    """The one container of a service. Raises PortError where it does not run."""
    found = await details_of(engine, project, [service])
    if not found or found[0]["State"]["Status"] != "running":
        raise PortError(
            f'service "{service}" does not run',
            hint=f'Start it with "docker compose up -d {service}".',
            retryable=True,
        )
    return as_container(found[0], {})
