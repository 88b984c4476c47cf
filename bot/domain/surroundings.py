"""What stands around the stack's containers, as it was looked at last. Pure values.

A reading is None where nothing is known of it: it could not be looked at, or there is none.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Usage:
    """What a container used: cores since the look before, and bytes, its page cache left out.

    *cpu* is None at the first look; a limit is None where the container has none.
    """

    service: str
    cpu: float | None
    cpu_limit: float | None
    memory: int
    memory_limit: int | None


@dataclass(frozen=True)
class DiskRoom:
    """A file system, in bytes, named by the first folder of the host that lies on it."""

    place: str
    used: int
    free: int

    @property
    def share(self) -> float:
        """How full it is, as `df` counts: what is kept back for root belongs to nobody."""
        return self.used / max(self.used + self.free, 1)


@dataclass(frozen=True)
class Connections:
    """Of PostgreSQL; *used* is at least *most* where it takes none any more."""

    service: str
    used: int
    most: int


@dataclass(frozen=True)
class Heartbeat:
    """For how long the worker has said nothing in the database, its start counted as a word.

    *silence* is None in versions whose worker writes none (before 2025.8).
    """

    service: str
    silence: timedelta | None


@dataclass(frozen=True)
class Page:
    """What a GET was answered; *status* is None where nobody did, *why* says the reason then."""

    place: str
    status: int | None
    why: str = ""


@dataclass(frozen=True)
class Certificate:
    """When what is shown at *place* expires."""

    place: str
    expires: datetime


@dataclass(frozen=True)
class ImageInUse:
    """The image of a container by name and id, and what the next `docker compose up -d` would use.

    *wanted_id* is None where this host has no image of the wanted name.
    """

    service: str
    name: str
    id: str
    wanted: str
    wanted_id: str | None


@dataclass(frozen=True)
class Database:
    """What one session in PostgreSQL showed; *heartbeat* is None where no session was had."""

    connections: Connections
    heartbeat: Heartbeat | None = None


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The newest of all readings; *at* is when the newest of them was made."""

    at: datetime
    usage: tuple[Usage, ...] | None = None
    disks: tuple[DiskRoom, ...] | None = None
    connections: Connections | None = None
    heartbeat: Heartbeat | None = None
    ready: Page | None = None
    public: Page | None = None
    certificate: Certificate | None = None
    images: tuple[ImageInUse, ...] | None = None
