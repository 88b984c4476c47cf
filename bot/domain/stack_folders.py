"""The stack's mounts as a restore names them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bot.domain.errors import RefusedError
from bot.domain.restore import UNTOUCHED, Folder
from bot.domain.stack import Holder, Mount, Stack, file_sources


def folders_of(stack: Stack) -> tuple[Folder, ...]:
    """Each mount of server and worker that holds data, once, by its component's name."""
    return folders_at([each for each in (stack.server, stack.worker) if each])


@dataclass(frozen=True)
class Planned:
    """A service that has no container yet."""

    service: str
    mounts: tuple[Mount, ...]

    @property
    def id(self) -> str:
        return self.service


def planned(config: Mapping[str, Any], name: str) -> Planned:
    """The service *name* as `docker compose config` tells of it, its mounts as the Engine would."""
    volumes = config.get("volumes") or {}
    return Planned(
        name,
        tuple(
            Mount(
                str((volumes.get(each["source"]) or {}).get("name") or each["source"])
                if each["type"] == "volume"
                else str(each["source"]),
                str(each["target"]).rstrip("/"),
            )
            for each in config["services"][name].get("volumes") or ()
            if each.get("type") in {"bind", "volume"} and each.get("source")
        ),
    )


def folders_at(holders: Sequence[Holder]) -> tuple[Folder, ...]:
    """Likewise of services, whether they have containers or not."""
    by_place = {(each.id, mount.target): mount.source for each in holders for mount in each.mounts}
    return tuple(
        Folder(each.component, by_place[each.container_id, each.path])
        for each in file_sources(holders)
    )


def inside_of(source: str, others: Iterable[str]) -> str:
    """The first of the mounts *others* that lies below the folder *source*, "" for none.

    Whoever moves the content of that folder moves it along, under the feet of who has it mounted.
    """
    inner = (
        each for each in sorted(others) if PurePosixPath(source) in PurePosixPath(each).parents
    )
    return next(inner, "") if PurePosixPath(source).is_absolute() else ""


def require_apart(folders: Iterable[Folder], mounted: Iterable[str]) -> None:
    """Raises RefusedError where one of *folders*, which are to be replaced, holds another mount."""
    others = frozenset(mounted)
    for folder in folders:
        if inner := inside_of(folder.source, others):
            raise RefusedError(
                f'"{folder.component}" cannot be replaced: inside of its folder "{folder.source}"'
                f' lies "{inner}", which is mounted, too, and would be moved away with it',
                hint=f"{UNTOUCHED} Mount one beside the other, or name other parts with"
                " --component.",
            )
