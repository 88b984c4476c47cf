"""What a registry answers, read with distrust: a mirror or a thief may have written any of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from bot.domain.errors import IntegrityError
from bot.domain.image_name import DIGEST

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9_-]*)="([^"]*)"')
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')
_USUAL_WAIT = timedelta(minutes=1)
_TOKEN = re.compile(r"[!-~]+")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Platform:
    """What a machine runs, by the registry's words: linux, amd64."""

    system: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.system}/{self.architecture}"


@dataclass(frozen=True)
class RegistryImage:
    """An image as the registry describes it.

    *digest* is that of the tag itself, which a pull by digest asks for. *size* are the bytes that a
    pull loads. *made* is what its builder says, None where it says nothing.
    """

    digest: str
    size: int
    made: datetime | None
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Challenge:
    """What a 401 asks for: a token of *realm*, or, without one, name and password."""

    realm: str
    service: str = ""
    scope: str = ""


@dataclass(frozen=True)
class Manifest:
    """One platform's image: the digest of its configuration, and the size of all its parts."""

    config: str
    size: int


@dataclass(frozen=True)
class ImageFacts:
    """What an image says of itself; *made* None where it does not say when."""

    platform: Platform
    made: datetime | None
    labels: Mapping[str, str]


def parse_challenge(header: str) -> Challenge | None:
    """What a `WWW-Authenticate` header asks for, None where nobody can tell."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        return Challenge("")
    parameters = dict(_PARAMETER.findall(rest))
    if scheme.lower() != "bearer" or not parameters.get("realm"):
        return None
    return Challenge(
        parameters["realm"], parameters.get("service", ""), parameters.get("scope", "")
    )


def may_be_asked(realm: str, registry_url: str) -> bool:
    """Whether a token, and with it perhaps a password, may be asked for at *realm*."""
    wanted, own = urlsplit(realm), urlsplit(registry_url)
    if wanted.username or wanted.password or not wanted.hostname:
        return False
    same = (wanted.scheme, wanted.netloc) == (own.scheme, own.netloc)
    return wanted.scheme == "https" or same


def parse_token(body: bytes) -> str:
    """The token in a token server's answer."""
    answer = _object(body, "the answer of the token server")
    token = answer.get("token") or answer.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise IntegrityError("the answer of the token server holds no token")
    return token


def parse_tags(body: bytes) -> list[str]:
    """The tags on one page; what could not be one is left out."""
    tags = _object(body, "the list of tags").get("tags")
    if tags is None:  # a repository whose last tag was deleted
        return []
    if not isinstance(tags, list):
        raise IntegrityError("the list of tags is none")
    return [tag for tag in tags if isinstance(tag, str) and _TAG.fullmatch(tag)]


def next_page(link: str, url: str) -> str | None:
    """Where the list goes on, None at its end.

    Raises IntegrityError where that is another server.
    """
    found = _NEXT.search(link)
    if not found:
        return None
    target: str = urljoin(url, str(found[1]))
    if urlsplit(target)[:2] != urlsplit(url)[:2]:
        raise IntegrityError("the list of tags goes on at another server")
    return target


def choose_manifest(body: bytes, platform: Platform) -> str | None:
    """The digest of *platform*'s manifest in an index, None where the index has none for it."""
    for each in _list(_object(body, "the image's index"), "manifests"):
        found = each.get("platform")
        if not isinstance(found, dict):
            continue
        fits = (found.get("os"), found.get("architecture"))
        if fits == (platform.system, platform.architecture):
            return _digest(each, "the image's index")
    return None


def is_index(body: bytes) -> bool:
    """Whether this is an index of several platforms rather than one image's manifest."""
    answer = _object(body, "the image's manifest")
    return "manifests" in answer


def parse_manifest(body: bytes) -> Manifest:
    """One image's manifest."""
    answer = _object(body, "the image's manifest")
    config = answer.get("config")
    if not isinstance(config, dict):
        raise IntegrityError("the image's manifest names no configuration")
    sizes = [each.get("size") for each in (config, *_list(answer, "layers"))]
    known = [size for size in sizes if isinstance(size, int) and size >= 0]
    return Manifest(_digest(config, "the image's manifest"), sum(known))


def parse_config(body: bytes) -> ImageFacts:
    """What an image says of itself."""
    answer = _object(body, "the image's configuration")
    inner = answer.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    texts = labels.items() if isinstance(labels, dict) else ()
    return ImageFacts(
        Platform(str(answer.get("os")), str(answer.get("architecture"))),
        _moment(answer.get("created")),
        {name: value for name, value in texts if isinstance(value, str)},
    )


def parse_retry_after(header: str, now: datetime) -> timedelta:
    """How long to wait: the header's seconds or date, a minute where it says nothing."""
    if header.isascii() and header.isdecimal():
        return timedelta(seconds=min(int(header[:9]), 10**6))
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return _USUAL_WAIT
    return max(moment - now, timedelta(0)) if moment.tzinfo else _USUAL_WAIT


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _digest(answer: Mapping[str, Any], what: str) -> str:
    digest = answer.get("digest")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise IntegrityError(f"{what} holds no digest")
    return digest


def _list(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = answer.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _object(body: bytes, what: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{what} is not JSON") from error
    if not isinstance(answer, dict):
        raise IntegrityError(f"{what} is not a JSON object")
    return answer
