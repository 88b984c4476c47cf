"""The compose files against the containers that run: Compose's own hash, or else what it says."""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.adapters.compose_program import CONFIG_WITHIN, ComposeProgram
from bot.adapters.container_facts import environment_of
from bot.adapters.engine_api import EngineApi
from bot.adapters.services_of import running_images
from bot.domain.drift import TAG, Drift, Made, judge_drift, with_tags_as_made
from bot.domain.outposts import ProjectOutpost, is_outpost
from bot.domain.restore import Site, compose_site
from bot.domain.stack import Stack

_VERSION, _HASH = "com.docker.compose.version", "com.docker.compose.config-hash"
_OF_THE_HOST = ("/run/desktop/mnt/host", "/host_mnt")  # how Docker Desktop names what is ours


class DockerDrift:
    """Port `ComposeDrift`."""

    def __init__(self, engine: EngineApi, compose: ComposeProgram) -> None:
        self._engine = engine
        self._compose = compose

    async def drift(self, stack: Stack) -> Sequence[Drift]:
        site = compose_site(stack)
        said = await self._ask(site, "config", "--format", "json")
        config: Mapping[str, Any] = json.loads(said)
        version = (await self._ask(site, "version", "--short")).decode().strip()
        # A Redis that was left over when its service went is in nobody's way.
        redis = stack.redis if stack.redis and stack.redis.service in config["services"] else None
        containers = replace(stack, redis=redis).containers
        made = await asyncio.gather(*(self._made(each.id) for each in containers))
        earlier = with_tags_as_made(config, made)
        texts = (said, json.dumps(earlier).encode()) if earlier else (said,)
        hashes = await self._hashes(site, texts)
        known = {each.service for each in made} <= config["services"].keys()
        profiles = {} if known else await self._profiles(site)
        return judge_drift(made, config, hashes, version, profiles)

    async def _profiles(self, site: Site) -> Mapping[str, Sequence[str]]:
        """Those of each service that has some, whether or not one of them is turned on."""
        services = await self._services(site, COMPOSE_PROFILES="*")
        return {name: tuple(each.get("profiles") or ()) for name, each in services.items()}

    async def _services(self, site: Site, **variables: str) -> Mapping[str, Mapping[str, Any]]:
        """The services by these *variables*, which beat `.env`: nothing is written for that."""
        given = {**self._compose.environment, **variables}
        compose = replace(self._compose, environment=given)
        said = await compose.run(site, "config", "--format", "json", within=CONFIG_WITHIN)
        services: Mapping[str, Mapping[str, Any]] = json.loads(said)["services"]
        return services

    async def outposts(self, stack: Stack, tag: str) -> Sequence[ProjectOutpost]:
        images = await running_images(self._engine, stack.project)
        names = sorted(name for name, image in images.items() if is_outpost(image))
        if not names:
            return []
        services = await self._services(compose_site(stack), **{TAG: tag})
        return [ProjectOutpost(name, services.get(name, {}).get("image", "")) for name in names]

    async def _hashes(self, site: Site, configs: Sequence[bytes]) -> Mapping[str, Collection[str]]:
        """By service; of what Compose made of the files, too, which *configs* are.

        With an `env_file` it hashes the files otherwise than it did when it made the container,
        where the variables stood in place of the file already.
        """
        found: dict[str, set[str]] = {}
        for texts in ((), *((each,) for each in configs)):
            said = await self._ask(site, "config", "--hash", "*", texts=texts)
            for line in said.decode().splitlines():
                service, _, hashed = line.partition(" ")
                found.setdefault(service, set()).add(hashed.strip())
        return found

    async def _ask(self, site: Site, *words: str, texts: Sequence[bytes] = ()) -> bytes:
        return await self._compose.run(site, *words, texts=texts, within=CONFIG_WITHIN)

    async def _made(self, container_id: str) -> Made:
        details: Mapping[str, Any] = await self._engine.call(
            "inspect a container", lambda sdk: sdk.inspect_container(container_id)
        )
        image: Mapping[str, Any] = await self._engine.call(
            "inspect an image",
            lambda sdk: sdk.inspect_image(details["Image"]),  # type: ignore[no-untyped-call]
        )
        return made_of(details, image)


def made_of(details: Mapping[str, Any], image: Mapping[str, Any]) -> Made:
    """What the Engine says of a container and its image."""
    labels: Mapping[str, str] = details["Config"]["Labels"]
    of_image = {each.partition("=")[0] for each in image["Config"].get("Env") or ()}
    given = environment_of(details)
    mounts: Sequence[Mapping[str, Any]] = details["Mounts"]
    ports: Mapping[str, Any] = details["HostConfig"].get("PortBindings") or {}
    return Made(
        service=labels["com.docker.compose.service"],
        container=details["Name"].lstrip("/"),
        version=labels.get(_VERSION, "").removeprefix("v"),
        config_hash=labels.get(_HASH, ""),
        image=details["Config"]["Image"],
        variables=given,
        of_image=frozenset(of_image),
        binds={
            each["Destination"]: _on_host(each["Source"])
            for each in mounts
            if each["Type"] == "bind"
        },
        volumes={each["Destination"]: each["Name"] for each in mounts if each["Type"] == "volume"},
        ports=frozenset(
            (binding["HostPort"], inside)
            for inside, bound in ports.items()
            for binding in bound or ()
        ),
    )


def _on_host(source: str) -> str:
    for prefix in _OF_THE_HOST:
        source = source.removeprefix(prefix)
    return source
