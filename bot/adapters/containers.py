"""The stack's containers as they are, and the Engine's stream of what happens to them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from bot.adapters.database_whereabouts import is_outside
from bot.adapters.engine_api import EngineApi
from bot.domain.container_state import ContainerState, Happened
from bot.domain.discovery import Found, StackWanted, lasting, recalled, watched_services
from bot.domain.stack import Role
from bot.domain.watched import Watched, recalled_several, watched_containers

_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_NUMBER = "com.docker.compose.container-number"
_ONE_OFF = "com.docker.compose.oneoff"
_HEALTH = "health_status"
_STOP_WITHIN = 10  # seconds, Docker's own where the container names none
_ACTIONS = (
    *("create", "start", "restart", "die", "kill", "oom", "pause", "unpause", "destroy", "rename"),
    _HEALTH,
)


class EngineContainers:
    """Ports `Containers` and `Ward`."""

    def __init__(self, api: EngineApi, wanted: StackWanted) -> None:
        self._api = api
        self._wanted = wanted
        self._project = ""
        self._services: dict[Role, str] = {}
        self._watched = Watched()
        self._since = ""

    async def look(self) -> Mapping[str, ContainerState | None]:
        listed: Sequence[Mapping[str, Any]] = await self._api.call(
            "list containers",
            lambda sdk: sdk.containers(all=True, filters={"label": _PROJECT}),
        )
        found = [
            Found(
                each["Id"],
                label[_PROJECT],
                label[_SERVICE],
                label.get(_NUMBER, ""),
                each["Image"],
            )
            for each in listed
            if (label := each["Labels"]).get(_ONE_OFF) != "True" and _SERVICE in label
        ]
        self._project, self._services = watched_services(
            found,
            self._wanted,
            self._project,
            self._services,
            has_database=await self._has_database(found),
        )
        members = [each for each in found if each.project == self._project]
        watched = watched_containers(members, set(self._services.values()), self._watched)
        self._watched = watched
        states = await asyncio.gather(*(self._inspect(*each) for each in watched.ids.items()))
        return {
            **dict.fromkeys(watched.containers),
            **{each.service: each for each in states if each},
        }

    async def _has_database(self, found: Sequence[Found]) -> bool:
        """Whether PostgreSQL is one of the containers, or was: else it is not missed."""
        if self._wanted.database_host:
            return False
        names = self._wanted.services[Role.POSTGRESQL]
        project = self._project or self._wanted.project
        if any(each.service in names for each in found if project in {"", each.project}):
            return True
        if await is_outside(self._api, found, self._wanted):
            return False
        return not self._services or Role.POSTGRESQL in self._services

    def remember(self, services: Collection[str]) -> None:
        self._services = recalled(self._wanted, services)
        self._watched = recalled_several(services, self._services.values())

    def forget_missing(self) -> Collection[str]:
        self._services = lasting(self._services, self._watched.services)
        return self._watched.without_gone(self._services.values())

    async def _inspect(self, service: str, container_id: str) -> ContainerState | None:
        details = await self._details(container_id)
        if details is None:
            return None
        state = details["State"]
        return ContainerState(
            service=service,
            status=state["Status"],
            health=state.get("Health", {}).get("Status", ""),
            exit_code=int(state["ExitCode"]),
            out_of_memory=bool(state["OOMKilled"]),
            image=details["Config"]["Image"],
            passed=_passed(state.get("Health", {}).get("Log") or []),
            started=datetime.fromisoformat(state["StartedAt"]),
            restarts=details["RestartCount"],
        )

    async def _details(self, container_id: str) -> Mapping[str, Any] | None:
        from docker.errors import NotFound  # noqa: PLC0415 - imported when used

        def inspect(sdk: Any) -> Mapping[str, Any] | None:
            try:
                return sdk.inspect_container(container_id)  # type: ignore[no-any-return]
            except NotFound:  # it was there a moment ago; an event tells what became of it
                return None

        return await self._api.call("inspect a container", inspect)

    async def restart_unhealthy(self, service: str) -> bool:
        container_id = self._watched.ids.get(service, "")
        details = await self._details(container_id) if container_id else None
        if details is None or not _is_unhealthy(details["State"]):
            return False
        configured: int | None = details["Config"].get("StopTimeout")
        stop_within = _STOP_WITHIN if configured is None else configured
        await self._api.call(
            f"restart {service}", lambda sdk: sdk.restart(container_id, timeout=stop_within)
        )
        return True

    async def events(self) -> AsyncGenerator[Happened]:
        filters = {"type": ["container"], "event": list(_ACTIONS), "label": [_PROJECT]}
        since = f"&since={self._since}" if self._since else ""
        path = f"/events?filters={quote(json.dumps(filters))}{since}"
        stream = await self._api.read("follow the Engine's events", path)
        try:
            async with aclosing(stream.lines()) as lines:
                async for line in lines:
                    event = json.loads(line)
                    nanos = int(event["timeNano"])
                    self._since = f"{(nanos + 1) // 10**9}.{(nanos + 1) % 10**9:09}"
                    attributes = event["Actor"]["Attributes"]
                    if attributes.get(_PROJECT) == self._project and self._is_ours(attributes):
                        number = attributes.get(_NUMBER, "")
                        name = self._watched.name_of(attributes[_SERVICE], number)
                        yield _happened(name, event, nanos)
        finally:
            await stream.close()

    def _is_ours(self, attributes: Mapping[str, str]) -> bool:
        return (
            attributes.get(_ONE_OFF) != "True"
            and attributes.get(_SERVICE) in self._services.values()
        )


def _is_unhealthy(state: Mapping[str, Any]) -> bool:
    """One that is paused or was stopped keeps the words of its last check."""
    is_running: bool = state["Status"] == "running"
    return is_running and state.get("Health", {}).get("Status") == "unhealthy"


def _passed(checks: Sequence[Mapping[str, Any]]) -> datetime | None:
    """When the newest of them began, if it passed."""
    if not checks or checks[-1]["ExitCode"] != 0:
        return None
    return datetime.fromisoformat(checks[-1]["Start"])


def _happened(name: str, event: Mapping[str, Any], nanos: int) -> Happened:
    attributes: Mapping[str, str] = event["Actor"]["Attributes"]
    return Happened(
        service=name,
        at=datetime.fromtimestamp(nanos / 1e9, UTC),
        action=event["Action"].partition(":")[0],
        image=attributes.get("image", ""),
        exit_code=int(attributes.get("exitCode", "0")),
        signal=attributes.get("signal", ""),
    )
