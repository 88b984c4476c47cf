"""What a family wants from a project, judged by what Compose makes of its files.

Compose's own answer (`docker compose config`) has variables, merges and overrides applied; how the
change is then written into the files is another question (`compose_edit`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bot.domain.errors import RefusedError
from bot.domain.versions import Family

REDIS_VARIABLES = "AUTHENTIK_REDIS__"
SHARED_MEMORY = "512mb"
OLD_TARGET, NEW_TARGET = "/media", "/data"
OLD_FOLDER, NEW_FOLDER = "media", "data"
_WITHOUT_REDIS = Family(2025, 10)
_DATA = Family(2025, 12)
_SHARED = Family(2026, 2)
_ENOUGH = 512 * 1024 * 1024
_HOST = f"{REDIS_VARIABLES}HOST"
_OWN = "AKBOT_"
_TOLD_BY = ("entrypoint", "command", "healthcheck", "labels", "post_start", "pre_stop")
_BY_HAND = "Nothing was changed. Move it by hand, as Authentik's notes on 2025.12 tell."


@dataclass(frozen=True)
class FolderMove:
    """A folder of the host that is renamed, owner and mode kept; both absolute.

    *target* is in a folder beside *source*, which is made for it.
    """

    source: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Wants:
    """What is to be changed for *services*, which are server and worker.

    *redis* is the service that goes, "" for none, with the *volumes* that nobody else has. *media*
    are the services whose mount moves, *shared* those that get more shared memory. *left* says what
    is not changed although it might be expected, a sentence each.
    """

    services: tuple[str, ...]
    redis: str = ""
    volumes: frozenset[str] = frozenset()
    media: tuple[str, ...] = ()
    moves: tuple[FolderMove, ...] = ()
    shared: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether the compose files may stay as they are."""
        return not (self.redis or self.media or self.shared)


def read_wants(
    config: Mapping[str, Any], services: Sequence[str], current: Family, target: Family
) -> Wants:
    """What the way from *current* to *target* wants; within a family nothing.

    Raises:
        RefusedError: the mount cannot be moved by renaming a folder.
    """
    ours = {name: config["services"][name] for name in services if name in config["services"]}
    wants = Wants(services=tuple(ours))
    if current >= target:
        return wants
    redis, left = _redis(config, ours) if target >= _WITHOUT_REDIS else ("", "")
    media = [name for name in ours if target >= _DATA and _media_of(name, ours[name])]
    moves = _moves(config, ours, media)
    shared = [n for n in ours if target >= _SHARED and _memory_of(ours[n]) < _ENOUGH]
    return Wants(
        services=tuple(ours),
        redis=redis,
        volumes=_volumes_of(config, redis),
        media=tuple(media),
        moves=moves,
        shared=tuple(shared),
        left=(left,) if left else (),
    )


def _redis(config: Mapping[str, Any], ours: Mapping[str, Any]) -> tuple[str, str]:
    """The service that is Authentik's Redis and nobody else's; why it stays, where it does."""
    hosts = {_environment(each)[_HOST] for each in ours.values() if _HOST in _environment(each)}
    if not hosts:
        return "", ""
    found = {
        name: each
        for name, each in config["services"].items()
        if hosts & _names_of(name, each) and name not in ours
    }
    if not found:
        return "", f"{_HOST} names no service of this project: it is used no more, and stays"
    [name, *others] = found
    if others or not hosts <= _names_of(name, found[name]):
        return "", f"server and worker name different services in {_HOST}: both stay"
    users = [
        other
        for other, each in config["services"].items()
        if other not in {*ours, name}
        and (
            _is_bound(each, name)
            or _is_told(each, config.get("configs") or {}, _names_of(name, found[name]))
        )
    ]
    if users:
        quoted = ", ".join(f'"{user}"' for user in users)
        return "", f'the service "{name}" stays: {quoted} needs it, too'
    return name, ""


def redis_service(config: Mapping[str, Any], services: Sequence[str]) -> str:
    """The service of the project that *services* know as their Redis, "" for none."""
    ours = [config["services"][name] for name in services if name in config["services"]]
    hosts = {_environment(each).get(_HOST) for each in ours}
    names = (
        name
        for name, each in config["services"].items()
        if name not in services and hosts & _names_of(name, each)
    )
    return next(names, "")


def _names_of(name: str, service: Mapping[str, Any]) -> set[str]:
    """What other containers may call it."""
    networks = [each for each in (service.get("networks") or {}).values() if each]
    aliases = [alias for each in networks for alias in each.get("aliases") or ()]
    fixed = (service.get("container_name"), service.get("hostname"))
    return {name, *aliases, *(each for each in fixed if each)}


def _is_bound(service: Mapping[str, Any], redis: str) -> bool:
    """Whether it does not start without it."""
    if redis in (service.get("depends_on") or {}):
        return True
    shared = [str(service.get(key)) for key in ("network_mode", "ipc", "pid")]
    if f"service:{redis}" in shared:
        return True
    lists = [*(service.get("links") or ()), *(service.get("volumes_from") or ())]
    return redis in {str(each).split(":")[0] for each in lists}


def _is_told(service: Mapping[str, Any], configs: Mapping[str, Any], names: set[str]) -> bool:
    """Whether what it is given names it as a host; what its files and image say is not known."""
    host = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, names))})(?![\w.-]|://)")
    given = [
        [v for k, v in _environment(service).items() if not k.startswith(_OWN)],
        [service.get(key) for key in _TOLD_BY],
        (service.get("deploy") or {}).get("labels"),
        [(configs.get(e["source"]) or {}).get("content") for e in service.get("configs") or ()],
    ]
    return any(host.search(text) for text in _texts(given))


def _texts(value: Any) -> Iterable[str]:
    """All that is said in it, the names of what it has left out."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [] if value is None else [str(value)]


def _environment(service: Mapping[str, Any]) -> Mapping[str, str]:
    given: Mapping[str, Any] = service.get("environment") or {}
    return {name: str(value) for name, value in given.items() if value is not None}


def _volumes_of(config: Mapping[str, Any], redis: str) -> frozenset[str]:
    def named(service: Mapping[str, Any]) -> set[str]:
        mounts = service.get("volumes") or ()
        return {str(m.get("source")) for m in mounts if m.get("type") == "volume"}

    if not redis:
        return frozenset()
    others = [named(each) for name, each in config["services"].items() if name != redis]
    return frozenset(named(config["services"][redis]).difference(*others))


def _memory_of(service: Mapping[str, Any]) -> int:
    return int(service.get("shm_size") or 0)


def _media_of(name: str, service: Mapping[str, Any]) -> bool:
    """Whether it has the old mount, and not the new one."""
    targets = [str(each.get("target", "")).rstrip("/") for each in service.get("volumes") or ()]
    if any(_is_within(each, NEW_TARGET) for each in targets):
        return False
    found = [each for each in targets if _is_within(each, OLD_TARGET)]
    if found and found != [OLD_TARGET]:
        raise _unmovable(name, f"it has other mounts inside of {OLD_TARGET}")
    return bool(found)


def _moves(
    config: Mapping[str, Any], ours: Mapping[str, Any], media: Sequence[str]
) -> tuple[FolderMove, ...]:
    moves = {name: _move(name, ours[name]) for name in media}
    for move in moves.values():
        new = str(PurePosixPath(move.target).parent)
        for name, service in config["services"].items():
            for mount in service.get("volumes") or ():
                source, where = str(mount.get("source") or ""), str(mount.get("target"))
                its_own = name in media and where.rstrip("/") == OLD_TARGET
                if mount.get("type") != "bind" or its_own:
                    continue
                if _is_within(source, move.source) or _is_within(source, new):
                    raise _unmovable(name, f'it has "{source}" mounted at {where}')
    return tuple(dict.fromkeys(moves.values()))


def _move(name: str, service: Mapping[str, Any]) -> FolderMove:
    (mount,) = (m for m in service["volumes"] if m["target"].rstrip("/") == OLD_TARGET)
    source = PurePosixPath(str(mount.get("source") or ""))
    if mount.get("type") != "bind":
        raise _unmovable(name, f"what it has at {OLD_TARGET} is a volume, not a folder")
    if source.name != OLD_FOLDER or source.parent == PurePosixPath("/"):
        raise _unmovable(name, f'its folder "{source}" is not called {OLD_FOLDER}')
    return FolderMove(str(source), str(source.parent / NEW_FOLDER / OLD_FOLDER))


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _unmovable(service: str, why: str) -> RefusedError:
    return RefusedError(
        f'the mount at {OLD_TARGET} cannot become one at {NEW_TARGET}: "{service}": {why}',
        hint=_BY_HAND,
    )
