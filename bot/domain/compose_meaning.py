"""What a compose file must say after the change, told from what it said before.

It knows nothing of text, so it is the proof of what `compose_edit` has made of that.
"""

import re
from collections.abc import Mapping
from typing import Any

from bot.domain.compose_wants import (
    NEW_FOLDER,
    NEW_TARGET,
    OLD_FOLDER,
    OLD_TARGET,
    REDIS_VARIABLES,
    SHARED_MEMORY,
    Wants,
)

_SHORT = re.compile(
    rf"(?P<source>(?:.*/)?){OLD_FOLDER}:(?P<target>{OLD_TARGET})/?(?P<mode>(?::[a-zA-Z,]+)?)"
)
_MAY_BE_EMPTY = ("environment", "depends_on", "links", "volumes")


def moved_mount(text: str) -> str | None:
    """The short form of a mount after the move; None where it is not the mount that moves."""
    found = _SHORT.fullmatch(text)
    return f"{found['source']}{NEW_FOLDER}:{NEW_TARGET}{found['mode']}" if found else None


def moved_source(text: str) -> str | None:
    """The source of the long form likewise."""
    head, slash, name = text.rpartition("/")
    return f"{head}{slash}{NEW_FOLDER}" if name == OLD_FOLDER else None


def is_of_redis(item: str, redis: str) -> bool:
    """Whether an item of a list of services means it."""
    return item == redis or item.startswith(f"{redis}:")


def wanted_meaning(said: Mapping[str, Any], wants: Wants, adds: frozenset[str]) -> Any:
    """What the file says then; *adds* are the services that get their shared memory in it."""
    services: Mapping[str, Any] = said.get("services") or {}
    then = {
        name: _service(name, each, wants, adds) if name in wants.services else each
        for name, each in services.items()
        if name != wants.redis
    }
    volumes: Any = said.get("volumes") or {}
    return tidy(
        {
            **said,
            "services": then,
            "volumes": {name: each for name, each in volumes.items() if name not in wants.volumes},
        }
    )


def tidy(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what says nothing, and without what counts only where it is merged in."""
    services: Mapping[str, Any] = said.get("services") or {}
    found = {
        name: {
            key: value
            for key, value in each.items()
            if value not in ([], {}, "") or key not in _MAY_BE_EMPTY
        }
        if isinstance(each, dict)
        else each
        for name, each in services.items()
    }
    rest = {
        key: value
        for key, value in said.items()
        if not key.startswith("x-") and (key != "volumes" or value)
    }
    return {**rest, "services": found}


def _service(name: str, said: Any, wants: Wants, adds: frozenset[str]) -> Any:
    if not isinstance(said, dict):
        return said
    then: dict[str, Any] = dict(said)
    if wants.redis:
        for key, gone in (
            ("environment", lambda item: item.startswith(REDIS_VARIABLES)),
            ("depends_on", lambda item: item == wants.redis),
            ("links", lambda item: is_of_redis(item, wants.redis)),
        ):
            if key in then:
                then[key] = _without(then[key], gone)
    if name in wants.media and isinstance(then.get("volumes"), list):
        then["volumes"] = [_mount(each) for each in then["volumes"]]
    if name in adds:
        then["shm_size"] = SHARED_MEMORY
    return then


def _without(said: Any, gone: Any) -> Any:
    if isinstance(said, dict):
        return {key: value for key, value in said.items() if not gone(key)}
    return [item for item in said if not (isinstance(item, str) and gone(item))]


def _mount(said: Any) -> Any:
    if isinstance(said, str):
        return moved_mount(said) or said
    if isinstance(said, dict) and said.get("target", "").rstrip("/") == OLD_TARGET:
        source = moved_source(str(said.get("source", "")))
        return said if source is None else {**said, "source": source, "target": NEW_TARGET}
    return said
