"""Authentik's own word about its newest release, and why it was made."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.domain.errors import IntegrityError
from bot.domain.versions import Version, read_tag


class Reason(StrEnum):
    """Why a release was made, in the feed's own words."""

    SECURITY = "security"
    BUGFIX = "bugfix"
    FEATURE = "feature"
    OTHER = "other"


@dataclass(frozen=True)
class NewestRelease:
    """The one release that the feed tells of."""

    version: Version
    reason: Reason


def parse_feed(body: bytes) -> NewestRelease:
    """Read `version.json`. Raises IntegrityError where it is something else."""
    try:
        answer: Any = json.loads(body)
        stable = answer["stable"]
        version, reason = stable["version"], stable["reason"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError("the feed of releases names none") from error
    release = read_tag(version) if isinstance(version, str) else None
    if release is None:
        raise IntegrityError("the feed of releases names no version")
    return NewestRelease(release, Reason(reason) if reason in [*Reason] else Reason.OTHER)
