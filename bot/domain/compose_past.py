"""Whether a backup's compose files may take the place of today's, and what changes with them.

Judged by what Compose makes of both: variables, merges and overrides are applied by then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bot.domain.compose_edit import FileChange, digest
from bot.domain.compose_swap import ComposeSwap, Service
from bot.domain.compose_wants import NEW_TARGET, OLD_TARGET, redis_service
from bot.domain.errors import RefusedError
from bot.domain.restore import UNTOUCHED, Folder, Site
from bot.domain.stack_folders import folders_at, inside_of, planned

_BY_HAND = f"{UNTOUCHED} Change the compose files by hand to what they were, and restore then."
_COMPOSE = (".yml", ".yaml")

Config = Mapping[str, Any]
"""What `docker compose config` says."""


@dataclass(frozen=True)
class Past:
    """The stack as the backup's files lay it out."""

    swap: ComposeSwap
    folders: tuple[Folder, ...]
    has_redis: bool
    warnings: tuple[str, ...]


def texts_of_then(site: Site, then: Mapping[str, bytes]) -> dict[str, bytes]:
    """The backup's compose files by the paths of today's; *then* is by the names in the backup.

    Raises:
        RefusedError: Compose was given other files then.
    """
    paths = {_name(path, site.working_dir): path for path in site.config_files}
    was = {name for name in then if name.endswith(_COMPOSE)}
    if odd := sorted(was ^ paths.keys()):
        when = "was given to Compose then, and is not now" if odd[0] in was else "is new since"
        raise RefusedError(f'the compose file "{odd[0]}" {when}', hint=_BY_HAND)
    return {path: then[name] for name, path in paths.items()}


def _name(path: str, folder: str) -> str:
    """As `config` has it: relative to the project's folder, or without the root."""
    pure = PurePosixPath(path)
    return str(pure.relative_to(folder if pure.is_relative_to(folder) else "/"))


def file_changes(now: Mapping[str, bytes], then: Mapping[str, bytes]) -> tuple[FileChange, ...]:
    """Those of the files, by path, that differ."""
    return tuple(
        FileChange(path, digest(now[path]), digest(text))
        for path, text in then.items()
        if now[path] != text
    )


def judge_past(site: Site, files: tuple[FileChange, ...], now: Config, then: Config) -> Past:
    """What changes once *files* are swapped.

    Raises:
        RefusedError: another service than server, worker and Redis would have to change.
    """
    for name in site.services:
        if name not in then["services"]:
            raise RefusedError(f'the backup\'s files have no service "{name}"', hint=_BY_HAND)
    if _with_volumes(now, site.postgresql) != _with_volumes(then, site.postgresql):
        raise RefusedError(
            f'the backup\'s files have another service "{site.postgresql}": PostgreSQL would not be'
            " the one that has your data any more",
            hint=_BY_HAND,
        )
    if not site.postgresql and _database(now, site.server) != _database(then, site.server):
        raise RefusedError(
            "the backup's files lead to another database than the one that has your data",
            hint=_BY_HAND,
        )
    redis_then, redis_now = (redis_service(each, site.services) for each in (then, now))
    comes = redis_then if redis_then not in now["services"] else ""
    goes = redis_now if redis_now not in then["services"] else ""
    folders, before = _folders(then, site), _folders(now, site)
    sources = [each.source for each in folders]
    emptied = _emptied(site, now, then, sources)
    _require_apart([*sources, *emptied], [*_all_mounted(now), *_all_mounted(then)])
    made = tuple(each for each in sources if each not in {one.source for one in before})
    return Past(
        ComposeSwap(
            files=files,
            comes=_service(then, comes),
            goes=_service(now, goes),
            emptied=emptied,
            made=made,
        ),
        folders,
        bool(redis_then),
        _warnings(now, then, {*site.services, comes, goes}),
    )


def _with_volumes(config: Config, name: str) -> tuple[Any, Any]:
    service = config["services"].get(name)
    volumes = config.get("volumes") or {}
    mounts = (service or {}).get("volumes") or ()
    return service, [volumes.get(each.get("source")) for each in mounts]


def _database(config: Config, server: str) -> dict[str, Any]:
    """Where a server looks for it."""
    given = config["services"][server].get("environment") or {}
    return {name: given.get(f"AUTHENTIK_POSTGRESQL__{name}") for name in ("HOST", "PORT", "NAME")}


def _service(config: Config, name: str) -> Service | None:
    return Service(name, str(config["services"][name].get("image", ""))) if name else None


def _folders(config: Config, site: Site) -> tuple[Folder, ...]:
    return folders_at([planned(config, name) for name in site.services])


def _emptied(site: Site, now: Config, then: Config, sources: Sequence[str]) -> tuple[str, ...]:
    """Where the media lie now, if they lie elsewhere then: an update would find them in its way."""

    def at(config: Config, target: str) -> list[str]:
        mounts = (each for name in site.services for each in planned(config, name).mounts)
        return [each.source for each in mounts if each.target == target]

    found = [
        source
        for here, there in ((OLD_TARGET, NEW_TARGET), (NEW_TARGET, OLD_TARGET))
        for source in at(now, here)
        if at(then, there) and source not in sources
    ]
    return tuple(dict.fromkeys(found))


def _all_mounted(config: Config) -> list[str]:
    """What the services of the project have mounted, PostgreSQL's and strangers' included."""
    mounts = (each for one in config["services"].values() for each in one.get("volumes") or ())
    return [str(each["source"]) for each in mounts if each.get("source")]


def _require_apart(moved: Sequence[str], mounted: Sequence[str]) -> None:
    for one in moved:
        if inner := inside_of(one, [*moved, *mounted]):
            raise RefusedError(f'"{inner}" lies inside of "{one}"', hint=_BY_HAND)


def _warnings(now: Config, then: Config, ours: set[str]) -> tuple[str, ...]:
    """What else is another one in the files of then; nothing of it is done to containers."""
    found: list[str] = []
    for name in sorted({*now["services"], *then["services"]} - ours):
        was, is_now = then["services"].get(name), now["services"].get(name)
        if was is None:
            found.append(
                f'the service "{name}" is not in the backup\'s files: its container stays, and'
                ' "docker compose up --remove-orphans" would remove it'
            )
        elif is_now is None:
            found.append(f'the service "{name}" is in the backup\'s files, and is not started')
        elif was != is_now:
            found.append(
                f'the service "{name}" is another one in the backup\'s files: its container stays'
                ' as it is until the next "docker compose up -d"'
            )
    return tuple(found)
