"""What containers are called where a service has several: as in Compose's own log. Pure."""

from collections.abc import Container


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
