"""Containers that live in the network of another one, and lose it with that."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters.container_facts import SERVICE
from bot.adapters.engine_api import EngineApi
from bot.domain.outposts import is_outpost
from bot.domain.stack import Container, Stack

_PROJECT = "com.docker.compose.project"
_OF_A_CONTAINER = "container:"


async def network_guests(api: EngineApi, stack: Stack) -> tuple[str, ...]:
    """Those that run in the network of server or worker, but for what goes and comes with them."""
    listed: Sequence[Mapping[str, Any]] = await api.call(
        "list containers", lambda sdk: sdk.containers()
    )
    return guests_in(listed, stack)


def guests_in(listed: Sequence[Mapping[str, Any]], stack: Stack) -> tuple[str, ...]:
    """The same of what the Engine has *listed*: a service's name, or a container's of others."""
    hosts = [each for each in (stack.server, stack.worker) if each]
    own = {each.id for each in hosts}
    guests = []
    for each in listed:
        mode = str(each.get("HostConfig", {}).get("NetworkMode", ""))
        labels: Mapping[str, str] = each.get("Labels") or {}
        is_ours = labels.get(_PROJECT) == stack.project
        if each["Id"] in own or (is_ours and is_outpost(str(each["Image"]))):
            continue
        if any(_is_in(mode, host) for host in hosts):
            name = str((each.get("Names") or [each["Id"]])[0]).removeprefix("/")
            guests.append(labels.get(SERVICE, name) if is_ours else name)
    return tuple(sorted(guests))


def _is_in(mode: str, host: Container) -> bool:
    """By its id, as Compose writes it, or by its name, as a person may have."""
    of = mode.removeprefix(_OF_A_CONTAINER)
    return mode.startswith(_OF_A_CONTAINER) and of in {host.id, host.name}
