"""What `docker compose config` would say of simple files, for tests of what is judged by it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.compose_tree import read_tree, said_by

VALUES = {"MOUNT_PATH_DOCKER_ROOT": "/volume1/docker", "PG_PASS": "pg", "X": "/x"}
_VARIABLE = re.compile(r"\$\{(\w+)(?::?([-?])([^}]*))?\}")


def rendered(*texts: str, folder: str = "/srv/authentik") -> dict[str, Any]:
    """Variables filled in, short forms written out, later files over earlier ones."""
    config: dict[str, Any] = {"name": "authentik", "services": {}, "volumes": {}, "configs": {}}
    for text in texts:
        said = _filled(said_by(read_tree(text, "compose.yml").root))
        for name, service in (said.get("services") or {}).items():
            known = config["services"].setdefault(name, {})
            for key, value in _service(service or {}, folder).items():
                _merge(known, key, value)
        for key in ("volumes", "configs"):
            config[key] |= said.get(key) or {}
    return config


def _filled(said: Any) -> Any:
    if isinstance(said, dict):
        return {key: _filled(value) for key, value in said.items()}
    if isinstance(said, list):
        return [_filled(each) for each in said]
    return _VARIABLE.sub(lambda found: VALUES.get(found[1], found[3] or ""), said)


def _merge(known: dict[str, Any], key: str, value: Any) -> None:
    if isinstance(known.get(key), dict):
        known[key] |= value
    elif isinstance(known.get(key), list) and key == "volumes":
        at = {each["target"] for each in value}
        known[key] = [each for each in known[key] if each["target"] not in at] + value
    else:
        known[key] = value


def _service(said: Mapping[str, Any], folder: str) -> dict[str, Any]:
    found = dict(said)
    if isinstance(said.get("environment"), list):
        found["environment"] = dict(each.partition("=")[::2] for each in said["environment"])
    if isinstance(said.get("depends_on"), list):
        found["depends_on"] = {each: {} for each in said["depends_on"]}
    if "volumes" in said:
        found["volumes"] = [_mount(each, folder) for each in said["volumes"] or ()]
    if "shm_size" in said:
        units = {"b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
        number, unit = re.fullmatch(r"(\d+)(\w?)b?", said["shm_size"]).groups()  # type: ignore[union-attr]
        found["shm_size"] = str(int(number) * units[unit or "b"])
    if "configs" in said:
        found["configs"] = [
            {"source": each} if isinstance(each, str) else each for each in said["configs"]
        ]
    networks: Any = said.get("networks")
    if isinstance(networks, list):
        found["networks"] = dict.fromkeys(networks)
    return found


def _mount(said: Any, folder: str) -> Mapping[str, Any]:
    if isinstance(said, dict):
        return {**said, "source": _absolute(said.get("source", ""), folder)}
    parts: Sequence[str] = said.split(":")
    kind = "bind" if parts[0][:1] in {".", "/"} else "volume"
    source = _absolute(parts[0], folder) if kind == "bind" else parts[0]
    return {"type": kind, "source": source, "target": parts[1]}


def _absolute(source: str, folder: str) -> str:
    return f"{folder}/{source[2:]}" if source.startswith("./") else source
