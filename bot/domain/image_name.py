"""An image's name, taken apart as Docker does: registry, repository, tag, digest."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from bot.domain.errors import ConfigError
from bot.domain.printable import one_line

DOCKER_HUB = "docker.io"
_HUB = "https://registry-1.docker.io"
_LONGEST = 512
_HOST = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?|\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?"
)
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class ImageName:
    """Where an image comes from; *tag* and *digest* are "" where the name has none."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def place(self) -> str:
        """Registry and repository: what all its tags share."""
        return f"{self.registry}/{self.repository}"


def parse_image_name(text: str) -> ImageName:
    """Take *text* apart; without a registry it is Docker Hub's.

    Raises:
        ConfigError: it is no image's name.
    """
    rest, _, digest = text[:_LONGEST].partition("@")
    first, slash, path = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, rest = first, path
    else:
        registry = DOCKER_HUB
    repository, _, tag = rest.partition(":")
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    fits = (
        _HOST.fullmatch(registry)
        and _REPOSITORY.fullmatch(repository)
        and (not tag or _TAG.fullmatch(tag))
        and (not digest or DIGEST.fullmatch(digest))
    )
    if not fits or len(text) > _LONGEST:
        raise ConfigError(
            f'"{one_line(text, 80)}" is not the name of an image',
            hint="Look at the image of Authentik's server in your compose file.",
        )
    return ImageName(registry, repository, tag, digest)


def registry_url(registry: str) -> str:
    """Where *registry* is asked: over TLS, but for one on this machine, as the Engine has it."""
    if registry == DOCKER_HUB:
        return _HUB
    is_here = _is_loopback(urlsplit(f"//{registry}").hostname or "")
    return f"{'http' if is_here else 'https'}://{registry}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
