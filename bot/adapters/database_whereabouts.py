"""Where the database of a stack is that has no PostgreSQL by a name that it may have."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bot.adapters.container_facts import SERVICE, environment_of
from bot.adapters.engine_api import EngineApi
from bot.domain.discovery import (
    Found,
    Headless,
    Neighbour,
    StackWanted,
    is_postgresql,
    judge_database_host,
    without_database,
)
from bot.domain.errors import ConfigError

_DATABASE_HOST = "AUTHENTIK_POSTGRESQL__HOST"


async def wanted_outside(
    api: EngineApi, found: Sequence[Found], wanted: StackWanted, error: ConfigError
) -> StackWanted:
    """What is wanted, with the database where the server of such a stack has it.

    Raises *error*, or what the server's settings add to it, where it is not outside of the project.
    """
    headless = without_database(found, wanted)
    if headless is None:
        raise error
    server, *others = await asyncio.gather(
        *(_inspect(api, each) for each in (headless.server, *headless.others))
    )
    host = environment_of(server).get(_DATABASE_HOST, "")
    ours = [_neighbour(each) for each in others]
    there = [each for each in ours if host in each.names]
    neighbours = ours if there or not host else [*ours, *await _foreign(api, headless, server)]
    host = judge_database_host(headless, host, neighbours, wanted, error)
    return replace(wanted, project=headless.project, database_host=host)


async def is_outside(api: EngineApi, found: Sequence[Found], wanted: StackWanted) -> bool:
    """Whether the server of such a stack looks for the database outside of the project."""
    try:
        await wanted_outside(api, found, wanted, ConfigError("there is no PostgreSQL"))
    except ConfigError:
        return False
    return True


async def _foreign(
    api: EngineApi, headless: Headless, server: Mapping[str, Any]
) -> Sequence[Neighbour]:
    """The containers of others in the server's networks."""
    ours = {headless.server, *headless.others}
    ids: set[str] = set()
    for name in server["NetworkSettings"]["Networks"]:
        ids |= await api.call("look at a network", partial(_members, network=name))
    found = await asyncio.gather(*(_inspect(api, each) for each in ids - ours))
    return [replace(_neighbour(each), is_foreign=True) for each in found]


def _members(sdk: Any, *, network: str) -> set[str]:
    from docker.errors import NotFound  # noqa: PLC0415 - imported when used

    try:
        return set(sdk.inspect_network(network)["Containers"] or ())
    except NotFound:
        return set()


async def _inspect(api: EngineApi, container_id: str) -> Mapping[str, Any]:
    details: Mapping[str, Any] = await api.call(
        "inspect a container", lambda sdk: sdk.inspect_container(container_id)
    )
    return details


def _neighbour(details: Mapping[str, Any]) -> Neighbour:
    config = details["Config"]
    service = (config["Labels"] or {}).get(SERVICE, "")
    names = {service, details["Name"].lstrip("/")} - {""}
    for network in details["NetworkSettings"]["Networks"].values():
        names.update(network.get("Aliases") or ())
    postgresql = is_postgresql(config["Image"], environment_of(details))
    return Neighbour(service, frozenset(names), postgresql)
