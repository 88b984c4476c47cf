"""Whether a container is the one that the compose file asks for now.

Compose writes a hash of a service's configuration on its container. Another version of Compose
hashes otherwise; then only what is plainly another is told, since a false alarm holds an update up.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

TAG = "AUTHENTIK_TAG"
"""What an update changes in `.env`: a service that is handed all of it has it as a variable."""
_AUTHENTIK = "AUTHENTIK_"
_IMAGE = "image"


@dataclass(frozen=True)
class Drift:
    """A service whose container was made from another file; *what* differs, as far as is known.

    *profiles* are those of which one was named when it was made, and which no file turns on.
    """

    service: str
    container: str
    what: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()

    @property
    def has_another_image(self) -> bool:
        """Whether `docker compose up -d` would start another image."""
        return _IMAGE in self.what


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a container was made with: by Compose of *version*, whose hash was *config_hash*.

    *of_image* are the names of those *variables* that its image sets as well. *binds* are folders
    of the host and *volumes* names, both by the place in the container. *ports* are published: host
    port and port.
    """

    service: str
    container: str
    version: str
    config_hash: str
    image: str
    variables: Mapping[str, str]
    of_image: frozenset[str]
    binds: Mapping[str, str]
    volumes: Mapping[str, str]
    ports: frozenset[tuple[str, str]]


def with_tags_as_made(config: Mapping[str, Any], made: Iterable[Made]) -> Mapping[str, Any] | None:
    """The configuration, were the tag among variables as each container has it; None for the same.

    PostgreSQL is handed the tag by the `env_file` of Authentik's own compose file, and does not
    read it. Where an image is chosen by it, that is another one still.
    """
    services: dict[str, Any] = dict(config["services"])
    for each in made:
        given = services.get(each.service, {}).get("environment") or {}
        have = each.variables.get(TAG)
        if have is not None and given.get(TAG) not in {None, have}:
            service = services[each.service]
            services[each.service] = {**service, "environment": {**given, TAG: have}}
    return None if services == config["services"] else {**config, "services": services}


def judge_drift(
    made: Iterable[Made],
    config: Mapping[str, Any],
    hashes: Mapping[str, Collection[str]],
    version: str,
    profiles: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Sequence[Drift]:
    """What is in step with *config* and its *hashes*, both by Compose of *version*, is not told.

    A service may have several hashes: Compose is not always of one mind. *profiles* are those of
    services that are in the files, and not in *config*.
    """
    found: list[Drift] = []
    for each in made:
        service = config["services"].get(each.service)
        if service is None:
            turned_off = tuple(profiles.get(each.service, ()))
            gone = () if turned_off else ("the service is gone",)
            found.append(Drift(each.service, each.container, gone, turned_off))
            continue
        what = tuple(_differences(each, service, config))
        comparable = _is_same_compose(each.version, version) and each.service in hashes
        differs = each.config_hash not in hashes[each.service] if comparable else bool(what)
        if differs:
            found.append(Drift(each.service, each.container, what))
    return found


def _differences(made: Made, service: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Names only: a value may be a secret."""
    found: list[str] = []
    if service.get("image") and service["image"] != made.image:
        found.append(_IMAGE)
    given: Mapping[str, Any] = service.get("environment") or {}
    for name, value in given.items():
        differs = value is not None and made.variables.get(name) not in _readings(str(value))
        if differs and name != TAG:
            found.append(name)
    gone = sorted(made.variables.keys() - given.keys() - made.of_image)
    found += [name for name in gone if name.startswith(_AUTHENTIK)]
    wanted = _mounts(service, config)
    have = {**made.binds, **made.volumes}
    found += [f"the mount at {at}" for at, source in wanted.items() if have.get(at) != source]
    if not (service.get("secrets") or service.get("configs")):  # which are mounted, too
        found += [f"the mount at {at}" for at in made.binds if at not in wanted]
    ports = _ports(service)
    if ports is not None and ports != made.ports:
        found.append("ports")
    return found


def _is_same_compose(label: str, version: str) -> bool:
    """A distribution's own number comes after the version, but not into the label."""
    return label in {version, re.split(r"[-+]", version)[0]}


def _readings(value: str) -> tuple[str, str]:
    """Newer ones of Compose write a dollar sign twice."""
    return value, value.replace("$$", "$")


def _mounts(service: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for mount in service.get("volumes") or ():
        source, at = str(mount.get("source") or ""), str(mount.get("target")).rstrip("/")
        if mount.get("type") == "volume" and source:
            named: Mapping[str, Any] = (config.get("volumes") or {}).get(source) or {}
            found[at] = str(named.get("name") or source)
        elif mount.get("type") == "bind":
            found[at] = source
    return found


def _ports(service: Mapping[str, Any]) -> frozenset[tuple[str, str]] | None:
    """None where ranges or chance are in it, which cannot be compared."""
    if service.get("network_mode"):
        return None
    found: set[tuple[str, str]] = set()
    for port in service.get("ports") or ():
        published = str(port.get("published") or "")
        if not re.fullmatch(r"\d+", published):
            return None
        found.add((published, f"{port['target']}/{port.get('protocol', 'tcp')}"))
    return frozenset(found)
