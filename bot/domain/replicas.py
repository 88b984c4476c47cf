"""What containers are called where a service has several: as in Compose's own log. Pure."""

from collections.abc import Collection, Container, Mapping


def replica(service: str, number: str) -> str:
    """The one with Compose's *number* among those of *service*."""
    return f"{service}-{number}"


def number_of(name: str, services: Container[str]) -> str:
    """Which one it is of its service; "" for one that is called like its service."""
    return "" if name in services else name.removeprefix(service_of(name, services)).lstrip("-")


def service_of(name: str, services: Container[str]) -> str:
    """Whose replica *name* is among *services*, or else *name* itself."""
    service, _, number = name.rpartition("-")
    is_replica = name not in services and number.isdecimal() and service in services
    return service if is_replica else name


def called_anew(names: Collection[str], before: Collection[str]) -> Mapping[str, str]:
    """What of *before* has become one of several, and what it is called among *names*.

    Another one that Compose starts beside it has a higher number.
    """
    found: dict[str, str] = {}
    for service in set(before) - set(names):
        several = [each for each in names if service_of(each, {service}) == service]
        several.sort(key=lambda name: int(number_of(name, {service})))
        if several and several[0] not in before:
            found[service] = several[0]
    return found
