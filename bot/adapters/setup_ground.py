"""Where a stack lies that is to get a bot, and the container of the bot that it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError, RefusedError
from bot.domain.restore import Site
from bot.domain.setup import BOT_STATE, BotState, Ground, choose_network
from bot.domain.stack import Stack
from bot.services.ports import Clock

_LABEL = "com.docker.compose"
_BOT = "bot"
_STOP_WITHIN = 120  # seconds, as the compose files give it
_UP_WITHIN = 300.0
_WELL_WITHIN = 180.0
_LOOK_EVERY = 1.0


async def find_ground(api: EngineApi, stack: Stack) -> Ground:
    """Where *stack* lies. Raises RefusedError where its folder or network cannot be told."""
    members = await _containers(api, f"{_LABEL}.project={stack.project}")
    networks = {each["Id"]: [*each["NetworkSettings"]["Networks"]] for each in members}
    database = (
        stack.postgresql or stack.server
    )  # where it is outside, the server's is the way to it
    network = choose_network(networks[database.id], networks[stack.server.id])
    if not stack.working_dir or not network:
        raise RefusedError(
            f'the project "{stack.project}" has no folder or no network of its own that Docker'
            " knows of",
            hint='Start it with "docker compose up -d" in its folder.',
        )
    for each in members:
        for mount in each["Mounts"]:
            if mount["Destination"] == BOT_STATE:
                service = each["Labels"][f"{_LABEL}.service"]
                return Ground(stack.working_dir, network, service, mount["Source"])
    return Ground(stack.working_dir, network)


def require_no_idle_bot(stack: Stack, ground: Ground) -> None:
    """Refuse a second bot where the compose file of the stack has one that has no container."""
    if ground.bot:
        return
    for name in stack.config_files:
        path = Path(name)
        if path.is_file() and BOT_STATE in path.read_text(errors="replace"):
            raise RefusedError(
                f'"{path}" has a bot, and there is no container of it',
                hint='Start it with "docker compose up -d" there, and run this again.'
                " Nothing was changed.",
            )


async def _containers(api: EngineApi, label: str) -> Sequence[Mapping[str, Any]]:
    listed: Sequence[Mapping[str, Any]] = await api.call(
        "list containers",
        lambda sdk: sdk.containers(all=True, filters={"label": label}),
    )
    return [each for each in listed if each["Labels"].get(f"{_LABEL}.oneoff") != "True"]


@dataclass(frozen=True)
class DockerBot:
    """Port `BotContainer`: the service *service* of *project*.

    *file* is the compose file of the bot's own project, which is told *place_file*; None where the
    stack's own has the bot.
    """

    api: EngineApi
    compose: ComposeProgram
    clock: Clock
    project: str
    service: str = _BOT
    file: Path | None = None
    place_file: Path | None = None

    async def look(self) -> BotState:
        details = await self._details()
        if details is None or details["State"]["Status"] != "running":
            return BotState()
        health = details["State"].get("Health", {}).get("Status", "healthy")
        return BotState(_since(details), well=health == "healthy")

    async def start(self) -> None:
        before = await self._details()
        if self.file:
            await self._compose("up", "--detach", "--no-build")
        now = await self._details()
        if now is None:
            raise PortError("start the bot: it has no container", hint=self._hint)
        if before and now["Id"] == before["Id"] and _since(now) == _since(before):
            await self.api.call(
                "restart the bot", lambda sdk: sdk.restart(now["Id"], timeout=_STOP_WITHIN)
            )
        await self._until_well()

    async def _until_well(self) -> None:
        end = self.clock.monotonic() + _WELL_WITHIN
        while not (await self.look()).well:
            details = await self._details()
            status = details["State"]["Status"] if details else "gone"
            if status != "running" or self.clock.monotonic() > end:
                raise PortError(f"start the bot: it is {status}, and not well", hint=self._hint)
            await self.clock.sleep(_LOOK_EVERY)

    @property
    def _hint(self) -> str:
        which = f"--file {self.file} --env-file {self.place_file} " if self.file else ""
        return f'"docker compose {which}logs {self.service}" tells why; then run this again.'

    async def remove(self) -> bool:
        if self.file is None or await self._details() is None:
            return False
        await self._compose("down", "--timeout", str(_STOP_WITHIN))
        return True

    async def _details(self) -> Mapping[str, Any] | None:
        found = [
            each["Id"]
            for each in await _containers(self.api, f"{_LABEL}.project={self.project}")
            if each["Labels"].get(f"{_LABEL}.service") == self.service
        ]
        if not found:
            return None
        details: Mapping[str, Any] = await self.api.call(
            "inspect the bot", lambda sdk: sdk.inspect_container(found[0])
        )
        return details

    async def _compose(self, *arguments: str) -> None:
        site = Site(
            project="",
            postgresql="",
            server="",
            worker=None,
            redis=None,
            working_dir=str(self.file.parent) if self.file else "",
            config_files=(str(self.file),),
            env_files=(str(self.place_file),),
            database="",
            user="",
            image="",
            version=None,
        )
        await self.compose.run(site, *arguments, within=_UP_WITHIN)


def _since(details: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(details["State"]["StartedAt"])
