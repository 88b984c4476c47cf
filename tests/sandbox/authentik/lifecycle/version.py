"""Which version this image is, and what changes from release to release.

A table lists (first version, value) in order; `at` gives the value for this image. A new release
is a new row.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

T = TypeVar("T")
Version = tuple[int, int, int]

ROOT = Path(__file__).resolve().parent.parent
VERSION_FILE = ROOT / "authentik" / "__init__.py"

# §0 release line; there is no 2026.10.
FAMILIES = (
    *((2024, 12), (2025, 2), (2025, 4), (2025, 6), (2025, 8), (2025, 10), (2025, 12)),
    *((2026, 2), (2026, 5), (2026, 8), (2026, 11)),
)

# §2: the version's name in `authentik/__init__.py`, and whether the family before stands there.
VERSION_NAME = [((2024, 12, 0), "__version__"), ((2025, 8, 0), "VERSION")]
NAMES_PREVIOUS_FAMILY = [((2024, 12, 0), False), ((2026, 8, 0), True)]
# §2: `ak version` falls through to Django's own.
DJANGO_VERSION = [((2024, 12, 0), "5.0.14"), ((2025, 4, 0), "5.1.11"), ((2025, 10, 0), "5.2.8")]
# §10
SessionStoreName = Literal["redis", "database"]
SESSION_STORE: list[tuple[Version, SessionStoreName]] = [
    ((2024, 12, 0), "redis"),
    ((2025, 4, 0), "database"),
]
NEEDS_REDIS = [((2024, 12, 0), True), ((2025, 10, 0), False)]
CELERY = [((2024, 12, 0), True), ((2025, 8, 0), False)]
# §1.1: what the router answers for `live` without a backend; None says it never asks the backend.
LIVE_WITHOUT_BACKEND: list[tuple[Version, int | None]] = [
    ((2024, 12, 0), None),
    ((2025, 10, 4), 502),
    ((2026, 8, 0), 503),
]
STARTING_STATUS = [((2024, 12, 0), 502), ((2025, 10, 0), 503)]
STARTING_RETRY_AFTER: list[tuple[Version, str | None]] = [
    ((2024, 12, 0), None),
    ((2025, 10, 1), "5"),
]
# §11: PostgreSQL away is a 500 from the backend; from 2026.8 the router asks first (§1.1).
DATABASE_AWAY_STATUS = [((2024, 12, 0), 500), ((2026, 8, 0), 503)]
# §4: from 2026.8 on only the own and the previous family's database is taken.
CHECKS_FAMILY = NAMES_PREVIOUS_FAMILY
# What the stand-in's own migration adds to the users.
USERS_HAVE_LAST_UPDATED = [((2024, 12, 0), False), ((2025, 4, 0), True)]
# §3: one of these must be a mount, else there are no uploads; the later images have a folder more.
MEDIA_MOUNTS: list[tuple[Version, tuple[str, ...]]] = [
    ((2024, 12, 0), ("/media",)),
    ((2025, 12, 0), ("/data", "/data/media")),
]
HAS_DATA_FOLDER = [((2024, 12, 0), False), ((2025, 12, 0), True)]
# §1.1: what the worker's port is; it answers by the database, or always, or as the server's does.
WorkerPort = Literal["none", "database", "always", "health"]
WORKER_PORT: list[tuple[Version, WorkerPort]] = [
    ((2024, 12, 0), "none"),
    ((2025, 8, 0), "database"),
    ((2026, 5, 0), "always"),
    ((2026, 8, 0), "health"),
]
# §1.2: what `ak healthcheck` asks in a worker.
WorkerHealth = Literal["heartbeat", "pid and ready", "pid", "live"]
WORKER_HEALTH: list[tuple[Version, WorkerHealth]] = [
    ((2024, 12, 0), "heartbeat"),
    ((2025, 8, 0), "pid and ready"),
    ((2025, 10, 2), "pid"),
    ((2026, 5, 0), "live"),
]
# §11: whether the heartbeat goes on after its session was ended.
HEARTBEAT_RECOVERS = [((2024, 12, 0), False), ((2025, 12, 0), True)]
# §5.3: what the server does when the backend cannot start.
SERVER_EXITS = [((2024, 12, 0), False), ((2026, 8, 0), True)]


def parse(text: str) -> Version:
    """Turn ``2025.2.1`` into numbers."""
    year, month, patch = (int(part) for part in text.split("."))
    return year, month, patch


def read_version(path: Path = VERSION_FILE) -> str:
    """Return the version that stands in the image's own file (§2)."""
    found = re.search(r'^(?:__version__|VERSION)\s*=\s*"([^"]+)"', path.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"no version in {path}")
    return found[1]


def at(table: Sequence[tuple[Version, T]], version: Version | None = None) -> T:
    """Return *table*'s value for *version*, or for this image."""
    wanted = version or parse(read_version())
    return [value for since, value in table if since <= wanted][-1]


def previous_family(version: Version) -> tuple[int, int]:
    """Return the family before *version*'s (§0)."""
    return FAMILIES[FAMILIES.index(version[:2]) - 1]


def print_django_version(_settings: object) -> None:
    """Print what ``ak version`` prints (§2)."""
    print(at(DJANGO_VERSION))
