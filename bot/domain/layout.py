"""What Compose would make of a project: the answer of `docker compose config`, as far as it counts.

It is read before anything is made, on a host that has nothing of the stack.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import RefusedError
from bot.domain.outside_database import host_of
from bot.domain.restore import Folder
from bot.domain.stack import Role, is_no_data
from bot.domain.stack_folders import folders_at, planned

_NUMBERS = re.compile(r"\d+(:\d+)?")
_OURS = (Role.POSTGRESQL, Role.REDIS)


@dataclass(frozen=True)
class DataFolder:
    """A folder or a volume that the stack writes to; *owner* as `chown` takes it, "" for root."""

    source: str
    is_volume: bool = False
    owner: str = ""


@dataclass(frozen=True)
class Layout:
    """*services* by role, *images* by service, *containers* the names that are fixed.

    *mounts* are those that become components of a backup: the sources on this host by component.
    *state* is the folder on the host which is the bot's state folder, None where the bot is no
    service of the stack.
    """

    name: str
    services: Mapping[Role, str]
    images: Mapping[str, str]
    containers: tuple[str, ...]
    folders: tuple[DataFolder, ...]
    state: DataFolder | None
    mounts: tuple[Folder, ...] = ()

    @property
    def first(self) -> tuple[str, ...]:
        """The services that come up before anything is restored."""
        return tuple(self.services[role] for role in _OURS if role in self.services)

    @property
    def then(self) -> tuple[str, ...]:
        """Those that serve what was restored."""
        return tuple(name for role, name in self.services.items() if role not in _OURS)


def read_layout(
    config: Mapping[str, Any],
    names: Mapping[Role, Sequence[str]],
    place: str,
    state: str,
    database_host: str = "",
) -> Layout:
    """Read what Compose says; *names* has the names that each role's service may have.

    *place* is the project's folder, *state* the state folder inside the bot's container,
    *database_host* where akbot's own settings have the database, "" where they say nothing.

    Raises:
        RefusedError: there is no Authentik in it, or its database is outside of the project.
    """
    services: Mapping[str, Any] = config.get("services") or {}
    found = {
        role: next(name for name in names[role] if name in services)
        for role in Role
        if any(name in services for name in names[role])
    }
    outside = database_host or _outside(services, found)
    if outside:
        raise RefusedError(
            f'Authentik\'s database is on "{outside}", outside of the project',
            hint="Nothing was changed. That database may live, and hold more than the backup does:"
            ' deploy/RUNBOOK.md, "A PostgreSQL outside of the project", says how files and'
            " settings come back by hand, and how the database, if it is lost as well.",
        )
    for role in (Role.POSTGRESQL, Role.SERVER):
        if role not in found:
            raise RefusedError(
                f'the compose file in the backup has no service "{names[role][0]}"',
                hint="Nothing was changed. Name the service in AKBOT_SERVICE_"
                f"{role.upper()}, or follow deploy/RUNBOOK.md.",
            )
    folders = [
        folder
        for name in found.values()
        for folder in _folders(services[name], config)
        if folder.source != place
    ]
    states = [
        folder
        for service in services.values()
        for folder in _folders(service, config, target=state)
    ]
    return Layout(
        name=str(config.get("name", "")),
        services=found,
        images={name: str(services[name].get("image", "")) for name in found.values()},
        containers=tuple(
            str(service["container_name"])
            for service in services.values()
            if service.get("container_name")
        ),
        folders=tuple({each.source: each for each in [*folders, *states]}.values()),
        state=states[0] if states else None,
        mounts=folders_at(
            [planned(config, found[role]) for role in (Role.SERVER, Role.WORKER) if role in found]
        ),
    )


def _outside(services: Mapping[str, Any], found: Mapping[Role, str]) -> str:
    """The host of a database that no service of the project is; "" where one may be."""
    if Role.POSTGRESQL in found or Role.SERVER not in found:
        return ""
    given = services[found[Role.SERVER]].get("environment") or {}
    host = host_of({name: str(value) for name, value in given.items() if value is not None})
    names = {name for service in services.items() for name in _names(*service)}
    return "" if host in names or "://" in host else host


def _names(name: str, service: Mapping[str, Any]) -> list[str]:
    """Those by which others in the project reach a service."""
    networks = [each or {} for each in (service.get("networks") or {}).values()]
    aliases = [alias for each in networks for alias in each.get("aliases") or ()]
    return [name, *aliases, *(service.get(each) or name for each in ("container_name", "hostname"))]


def _folders(
    service: Mapping[str, Any], config: Mapping[str, Any], target: str = ""
) -> list[DataFolder]:
    """What a service writes to: all, or only what is mounted at *target*."""
    user = str(service.get("user") or "")
    found: list[DataFolder] = []
    for mount in service.get("volumes") or ():
        where, kind = str(mount.get("target", "")), mount.get("type")
        wanted = where == target if target else not is_no_data(where)
        if mount.get("read_only") or not wanted or kind not in {"bind", "volume"}:
            continue
        source = str(mount.get("source") or "")
        if kind == "volume":
            named: Mapping[str, Any] = (config.get("volumes") or {}).get(source) or {}
            source = str(named.get("name") or source)
        if source:
            owner = user if _NUMBERS.fullmatch(user) and not target else ""
            found.append(DataFolder(source, kind == "volume", owner))
    return found
