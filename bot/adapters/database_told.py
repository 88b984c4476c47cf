"""What Authentik's server is told of a database outside of the project, and where it sits.

By its container, or, while a job has removed that, by Compose, which would make it anew.
"""

import asyncio
import io
import json
import tarfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.adapters.compose_program import CONFIG_WITHIN, ComposeProgram
from bot.adapters.container_facts import environment_of
from bot.adapters.engine_api import EngineApi
from bot.adapters.images import image_id_of
from bot.adapters.services_of import details_of
from bot.adapters.throwaway import created
from bot.domain.errors import PortError
from bot.domain.restore import Site
from bot.domain.stack import Mount

_MOST = 1024 * 1024
_OPTIONS = {"ExtraHosts": "extra_hosts", "Dns": "dns", "DnsSearch": "dns_search"}


@dataclass(frozen=True)
class Seat:
    """Where a container is: its network mode, further networks, and how it finds names there."""

    mode: str
    networks: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """The server's *environment*; *read* gives a small file of it. Another *key*: told anew."""

    key: str
    environment: Mapping[str, str] = field(repr=False)
    seat: Seat
    read: Callable[[str], Awaitable[bytes]] = field(repr=False)


Ask = Callable[[], Awaitable[Told]]


async def told_by_container(api: EngineApi, container_id: str) -> Told:
    """By the container that has that id, running or not."""
    details: Mapping[str, Any] = await api.call(
        "inspect a container", lambda sdk: sdk.inspect_container(container_id)
    )
    return _by_details(api, details)


async def told_at(api: EngineApi, compose: ComposeProgram, site: Site) -> Told:
    """By the server of *site*, its container there or not."""
    found = await details_of(api, site.project, [site.server])
    if found:
        return _by_details(api, found[0])
    said = await compose.run(site, "config", "--format", "json", within=CONFIG_WITHIN)
    config: Mapping[str, Any] = json.loads(said)
    service = config["services"][site.server]
    given = service.get("environment") or {}
    environment = {name: str(value) for name, value in given.items() if value is not None}
    reading = partial(_read_planned, api, config, service)
    return Told("compose", environment, seat_planned(config, service), reading)


def _by_details(api: EngineApi, details: Mapping[str, Any]) -> Told:
    container_id = str(details["Id"])
    reading = partial(_read, api, container_id)
    return Told(container_id, environment_of(details), seat_of(details), reading)


def seat_of(server: Mapping[str, Any]) -> Seat:
    """By what the Engine says of a container."""
    host, networks = server["HostConfig"], [*server["NetworkSettings"]["Networks"]]
    mode = str(host["NetworkMode"])
    if not networks or mode == "host" or mode.startswith("container:"):
        return Seat(mode, (), {})
    first = mode if mode in networks else networks[0]
    options = {ours: host[theirs] for theirs, ours in _OPTIONS.items() if host.get(theirs)}
    return Seat(first, tuple(each for each in networks if each != first), options)


def seat_planned(config: Mapping[str, Any], service: Mapping[str, Any]) -> Seat:
    """By what Compose makes of a *service* of *config*."""
    mode = str(service.get("network_mode") or "")
    if mode.startswith("service:"):
        raise PortError(f'Authentik\'s server has network_mode "{mode}", and is not there')
    if mode:
        return Seat(mode, (), {})
    names = [config["networks"][each]["name"] for each in service.get("networks") or ()]
    options: dict[str, Any] = {
        name: service[name] for name in ("dns", "dns_search") if service.get(name)
    }
    if hosts := service.get("extra_hosts"):
        options["extra_hosts"] = [each.replace("=", ":", 1) for each in hosts]
    return Seat(names[0] if names else "bridge", tuple(names[1:]), options)


async def _read_planned(
    api: EngineApi, config: Mapping[str, Any], service: Mapping[str, Any], path: str
) -> bytes:
    """As the service's container would have it: one that never runs has the same mount."""
    holder = holder_of(config, service, path)
    limits = {"binds": [f"{holder.source}:{holder.target}:ro"] if holder else []}
    image_id = await image_id_of(api, str(service["image"]))
    doing = f'read "{path}" as Authentik\'s server would have it'
    settings = {"entrypoint": ["true"], "command": []}
    async with created(api, doing, image_id, settings, "", limits=limits) as name:
        return await _read(api, name, path)


def holder_of(config: Mapping[str, Any], service: Mapping[str, Any], path: str) -> Mount | None:
    """What a *service* of *config* mounts that has *path*; None where its image has it."""
    mounts = [*_volumes(config, service), *_files(config, service, "secrets", "/run/secrets/")]
    mounts += _files(config, service, "configs", "/")
    fitting = [each for each in mounts if f"{path}/".startswith(f"{each.target.rstrip('/')}/")]
    return max(fitting, key=lambda each: len(each.target), default=None)


def _volumes(config: Mapping[str, Any], service: Mapping[str, Any]) -> Iterator[Mount]:
    named: Mapping[str, Any] = config.get("volumes") or {}
    for each in service.get("volumes") or ():
        source = str(each.get("source") or "")
        if each.get("type") == "volume":
            source = str((named.get(source) or {}).get("name") or source)
        if source:
            yield Mount(source, str(each["target"]))


def _files(
    config: Mapping[str, Any], service: Mapping[str, Any], kind: str, folder: str
) -> Iterator[Mount]:
    """Secrets and configs of Compose that are files of the host."""
    named: Mapping[str, Any] = config.get(kind) or {}
    for each in service.get(kind) or ():
        target = str(each.get("target") or each["source"])
        file = (named.get(each["source"]) or {}).get("file")
        if file:
            yield Mount(str(file), target if target.startswith("/") else f"{folder}{target}")


async def _read(api: EngineApi, container_id: str, path: str) -> bytes:
    doing = f'read "{path}" in the container of Authentik\'s server'
    archive = bytearray()
    async for block in api.download(container_id, path, doing=doing):
        archive += block
        if len(archive) > _MOST:
            raise PortError(f"{doing}: it is too large for a password or a certificate")
    content = await asyncio.to_thread(_only_file, bytes(archive))
    if content is None:
        raise PortError(f"{doing}: it is no plain file")
    return content


def _only_file(archive: bytes) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            file = members.extractfile(member) if member.isfile() else None
            if file:
                return file.read()
    return None
