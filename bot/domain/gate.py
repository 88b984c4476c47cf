"""The gate: what a version must hold, without interruption, before it counts as served."""

from collections.abc import Sequence
from dataclasses import dataclass

_OK = range(200, 300)


@dataclass(frozen=True)
class Seen:
    """One container at one moment; *started* tells one run of it from the next."""

    service: str
    running: bool
    started: str
    version: str | None


@dataclass(frozen=True)
class Observation:
    """One look: HTTP statuses, None where nobody answered."""

    containers: tuple[Seen, ...]
    ready: int | None
    login_page: int | None

    @property
    def is_ready(self) -> bool:
        """Whether Authentik says of itself that it serves."""
        return self.ready in _OK


@dataclass(frozen=True)
class Expected:
    """*version* None: any; *login_page*: what it must answer, None where it was no use before."""

    services: tuple[str, ...]
    version: str | None
    login_page: int | None


def faults(seen: Observation, expected: Expected) -> list[str]:
    """What is not as it must be, in sentences."""
    by_service = {each.service: each for each in seen.containers}
    found = [
        fault
        for service in expected.services
        if (fault := _fault_of(by_service.get(service), service, expected.version))
    ]
    if not seen.is_ready:
        found.append(f"/-/health/ready/ answers {seen.ready or 'nothing'}")
    if expected.login_page is not None and seen.login_page != expected.login_page:
        before = expected.login_page
        found.append(f"the login page answers {seen.login_page or 'nothing'}, {before} before")
    return found


def _fault_of(seen: Seen | None, service: str, version: str | None) -> str:
    if seen is None:
        return f'there is no container of "{service}"'
    if not seen.running:
        return f'"{service}" does not run'
    if version is not None and seen.version != version:
        return f'"{service}" is version {seen.version or "unknown"}, not {version}'
    return ""


def restarted(seen: Observation, before: Observation) -> bool:
    """Whether a container is another one than *before*, or another run of it."""
    return _runs(seen) != _runs(before)


def _runs(seen: Observation) -> Sequence[tuple[str, str]]:
    return sorted((each.service, each.started) for each in seen.containers)
