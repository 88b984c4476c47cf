"""What a stack consists of, as it was found."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """What a service is to Authentik, whatever it is called in the compose file."""

    POSTGRESQL = "postgresql"
    REDIS = "redis"
    SERVER = "server"
    WORKER = "worker"


@dataclass(frozen=True)
class Mount:
    """A mount of a container; *source* is the folder or the volume's name on the host."""

    source: str
    target: str


@dataclass(frozen=True)
class Container:
    """A container of the stack.

    *health* is Docker's own, "" where the image has no check; Docker's health alone is no verdict
    (authentik-facts section 1). *address* is its IP address on the stack's network, "" when it does
    not run. *image_digest* is the registry's, None for an image that was only built here.
    """

    id: str
    service: str
    name: str
    image: str
    image_id: str
    image_digest: str | None
    state: str
    health: str
    restarts: int
    address: str
    mounts: tuple[Mount, ...] = ()

    @property
    def running(self) -> bool:
        return self.state == "running"


@dataclass(frozen=True)
class Stack:
    """One Compose project that holds Authentik.

    *redis* is None in a stack without it (Authentik needs none from 2025.10 on). *postgresql* is
    None where the database is outside of the project; then *database_host* is where. *config_files*
    and *env_files* are absolute paths on the host, in the order that Compose was given.
    """

    project: str
    postgresql: Container | None
    server: Container
    worker: Container | None
    redis: Container | None
    working_dir: str
    config_files: tuple[str, ...]
    env_files: tuple[str, ...] = ()
    database_host: str = ""

    @property
    def may_be_asked(self) -> bool:
        """Whether PostgreSQL runs, as far as can be seen: of one that is outside nothing is."""
        return self.postgresql is None or self.postgresql.running

    @property
    def containers(self) -> tuple[Container, ...]:
        """All that exist, in the order in which they start."""
        present = (self.postgresql, self.redis, self.server, self.worker)
        return tuple(container for container in present if container is not None)


@dataclass(frozen=True)
class FileSource:
    """A folder that becomes a component: *path* inside the container *container_id*."""

    component: str
    container_id: str
    path: str


def is_no_data(target: str) -> bool:
    """Whether what is mounted there is the host's own, and nothing of the stack's."""
    return _NOT_DATA.fullmatch(target) is not None


_NOT_DATA = re.compile(r".*\.sock|/etc/(localtime|timezone)|/(dev|proc|sys)/.*")


class Holder(Protocol):
    """Whatever has mounts: a container, or a service that will have one."""

    @property
    def id(self) -> str:
        """What it is told apart by."""

    @property
    def service(self) -> str:
        """Its name in the compose file."""

    @property
    def mounts(self) -> Sequence[Mount]:
        """What it has mounted."""


def file_sources(containers: Iterable[Holder]) -> tuple[FileSource, ...]:
    """The mounts of server and worker that hold data, each source once.

    In the order of their places: Docker tells the mounts of a container in another one each time,
    and what a person has agreed to must not look like another plan for that.
    A component is called after the place inside the container: `/media` becomes `media`,
    `/data/certs` becomes `data-certs`.
    """
    sources: dict[str, FileSource] = {}
    taken: set[str] = set()
    for container in containers:
        for mount in sorted(container.mounts, key=lambda each: each.target):
            if mount.source in sources or is_no_data(mount.target):
                continue
            name = _component_name(mount.target)
            if name in taken:
                name = f"{name}-{container.service}"
            taken.add(name)
            sources[mount.source] = FileSource(name, container.id, mount.target)
    return tuple(sources.values())


def _component_name(target: str) -> str:
    name = re.sub(r"[^a-z0-9._-]+", "-", target.lower()).strip("-.") or "root"
    return f"files-{name}" if name in _RESERVED else name


_RESERVED = frozenset({"postgres", "globals", "redis", "config"})
