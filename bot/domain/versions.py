"""Authentik's calendar versions: YEAR.MONTH.PATCH, and the family that YEAR.MONTH is.

Tags come from a registry or from a chat: nothing but such a version gets past `read_tag`.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from bot.domain.errors import ConfigError
from bot.domain.printable import one_line

_VERSION = re.compile(r"(20[0-9]{2})\.([1-9]|1[0-2])\.(0|[1-9][0-9]{0,3})")
_FAMILY = re.compile(r"20[0-9]{2}\.([1-9]|1[0-2])")
_PRERELEASE = re.compile(_VERSION.pattern + r"-?(rc|alpha|beta)\.?[0-9]+")
_SHOWN = 40
_NOTES = "https://github.com/goauthentik/authentik/releases/tag/version%2F"


class Family(NamedTuple):
    """A release family, such as 2025.10, which comes after 2025.8."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year}.{self.month}"


class Version(NamedTuple):
    """A release, such as 2025.10.4."""

    year: int
    month: int
    patch: int

    @property
    def family(self) -> Family:
        return Family(self.year, self.month)

    @property
    def notes(self) -> str:
        """Where its release notes stand."""
        return f"{_NOTES}{self}"

    def __str__(self) -> str:
        return f"{self.year}.{self.month}.{self.patch}"


def read_tag(tag: str) -> Version | None:
    """The release that *tag* names; None for a candidate, a moving tag or dross."""
    found = _VERSION.fullmatch(tag)
    return Version(*map(int, found.groups())) if found else None


def read_family(text: str) -> Family | None:
    """The family that *text* names, None where it is none."""
    return Family(*map(int, text.split("."))) if _FAMILY.fullmatch(text) else None


def releases(tags: Iterable[str]) -> list[Version]:
    """The releases among *tags*, the oldest first."""
    return sorted({version for tag in tags if (version := read_tag(tag))})


def parse_target(text: str) -> Version:
    """The version that a person asks for.

    Raises:
        ConfigError: it is not a whole version; the text is shown only as far as a line goes.
    """
    version = read_tag(text)
    if version:
        return version
    raise ConfigError(
        f'"{one_line(text, _SHOWN)}" {_what_is_wrong(text)}',
        hint="Name a release, such as 2025.4.4.",
    )


def _what_is_wrong(text: str) -> str:
    if not text.strip():
        return "names no version; without any word it would be the newest"
    if read_tag(text.strip()):
        return "is a version with blanks around it, which its tag does not have"
    if text == "latest":
        return "is no version: that tag moves, and Authentik's was left behind at 2025.2.4"
    if _FAMILY.fullmatch(text):
        return "is a family, whose tag moves from patch to patch"
    if _PRERELEASE.fullmatch(text):
        return "is a release candidate, and not for a stack that people log in to"
    return "is no version of Authentik"
