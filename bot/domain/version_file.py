"""Authentik's version file, which every image has (facts §2)."""

import re
from dataclasses import dataclass

from bot.domain.versions import Family, read_family

PATH = "/authentik/__init__.py"
# Up to 2025.6 it is `__version__`, then `VERSION`; anchored, since later files name more versions.
_VERSION = re.compile(rb'^(?:__version__|VERSION)\s*=\s*"([^"]+)"', re.MULTILINE)
_PREVIOUS = re.compile(rb'^VERSION_FAMILY_PREVIOUS\s*=\s*"([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class VersionFile:
    """What it says: the version, and from 2026.8 on the family whose database the image takes."""

    version: str | None = None
    previous: Family | None = None


def read_version_file(content: bytes) -> VersionFile:
    """Read the file, also as it stands in a tar stream."""
    version, previous = _VERSION.search(content), _PREVIOUS.search(content)
    return VersionFile(
        version[1].decode(errors="replace") if version else None,
        read_family(previous[1].decode(errors="replace")) if previous else None,
    )
