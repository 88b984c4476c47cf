"""What incidents of the surroundings are called, and what each depends on.

A service of Compose has no blank in its name, and each of these has one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bot.domain.container_state import DOCKER, STACK
from bot.domain.incident import Rules
from bot.domain.stack import Role

PUBLIC_URL = "the public URL"


def is_around(subject: str) -> bool:
    """Whether *subject* is none of a container, the stack or Docker."""
    return " " in subject and subject != STACK


def ready_check(service: str) -> str:
    """Authentik's own answer to whether it serves."""
    return f"ready check of {service}"


def heartbeat(service: str) -> str:
    """What the worker writes into the database every half minute."""
    return f"heartbeat of {service}"


def memory(service: str) -> str:
    """What a container may use."""
    return f"memory of {service}"


def cpu(service: str) -> str:
    """What a container may use."""
    return f"CPU of {service}"


def connections(service: str) -> str:
    """How many sessions PostgreSQL takes."""
    return f"connection limit of {service}"


def disk(place: str) -> str:
    """The file system that *place* lies on."""
    return f"disk of {place}"


def certificate(place: str) -> str:
    """What is shown to browsers at *place*."""
    return f"certificate of {place}"


def image(service: str) -> str:
    """What a container runs."""
    return f"image of {service}"


def wanted_image(service: str) -> str:
    """What the compose files say that a container runs."""
    return f"configured image of {service}"


def needed_for_login(names: Mapping[Role, Sequence[str]]) -> frozenset[str]:
    """Without any of these nobody logs in; the worker is not needed for it."""
    services = [*names[Role.SERVER], *names[Role.POSTGRESQL], *names[Role.REDIS]]
    return frozenset({STACK, *services, *map(ready_check, names[Role.SERVER])})


def with_surroundings(rules: Rules, names: Mapping[Role, Sequence[str]]) -> Rules:
    """*rules*, with what around the containers cannot work without which of them."""
    depends = {**rules.depends}
    stores = [*names[Role.POSTGRESQL], *names[Role.REDIS]]
    for server in names[Role.SERVER]:
        depends[ready_check(server)] = _on(stores, [server])
    for worker in names[Role.WORKER]:
        depends[heartbeat(worker)] = _on(stores, [worker])
    for database in names[Role.POSTGRESQL]:
        depends[connections(database)] = _on([database])
    servers = names[Role.SERVER]
    depends[PUBLIC_URL] = _on(stores, servers, map(ready_check, servers))
    return replace(rules, depends=depends)


def _on(*services: Iterable[str]) -> frozenset[str]:
    return frozenset({DOCKER, STACK}).union(*services)
