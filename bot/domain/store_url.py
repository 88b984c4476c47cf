"""Where backups are kept, as one URL.

    s3://BUCKET/PREFIX?endpoint=https://…&region=…&profile=…&path_style=true|false&ca=/FILE.pem
    file:///ABSOLUTE/PATH

Credentials have no place in it: the URL is shown in messages and logs.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from bot.domain.errors import ConfigError

SETTING = "AKBOT_STORE"

_S3_FORM = "s3://BUCKET/PREFIX?endpoint=https://HOST"
_FILE_FORM = "file:///ABSOLUTE/PATH"
_SHOWN_LENGTH = 80

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}")
_VISIBLE = re.compile(r"[!-~]+")
_USERINFO = re.compile(r".*@", re.DOTALL)
_SECRET = re.compile(r":(?!//|\d+(/|$)).*", re.DOTALL)  # KEY:SECRET, but neither :// nor :PORT
_QUERY = re.compile(r"[?#].*", re.DOTALL)


@dataclass(frozen=True)
class S3Location:
    """A bucket, or all below *prefix* in it; *prefix* has no slash at either end."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    path_style: bool = False
    ca_file: Path | None = None

    def __str__(self) -> str:
        address = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        return f"{address} at {self.endpoint}" if self.endpoint else address


@dataclass(frozen=True)
class DirectoryLocation:
    """A folder of this host."""

    path: Path

    def __str__(self) -> str:
        return f"file://{self.path}"


def parse_store_url(text: str) -> S3Location | DirectoryLocation:
    """Read the value of `AKBOT_STORE`.

    Path style is the default where an endpoint is given, since few services but AWS have a name
    for each bucket.

    Raises:
        ConfigError: it is not such a URL, or holds credentials; they are not repeated.
    """
    if not text.isprintable() or text != text.strip():
        raise _wrong("has blanks around it, or control characters", _S3_FORM, shown=text)
    try:
        url = urlsplit(text)
    except ValueError:
        raise _wrong("is not a URL", _S3_FORM, shown=text) from None
    if "@" in (url.netloc if url.scheme == "file" else text.partition("?")[0]):  # "/" in a secret
        raise ConfigError(
            f"{SETTING}: the URL must not hold credentials",
            hint="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or profile=NAME in the URL.",
        )
    if url.fragment:
        raise _wrong('holds a "#"', _S3_FORM, shown=text)
    if url.scheme == "s3":
        return _s3(text, url)
    if url.scheme == "file":
        return _directory(text, url)
    named = f'"{_shown(text)}"' if "://" in text else "its value"  # which may be a secret
    raise ConfigError(
        f"{SETTING}: {named} is neither an s3:// nor a file:// URL",
        hint=f"Write it as {_S3_FORM} or {_FILE_FORM}.",
    )


def _s3(text: str, url: SplitResult) -> S3Location:
    prefix = url.path.strip("/")
    if not url.netloc:
        raise _wrong("names no bucket", _S3_FORM, shown=text)
    if not _BUCKET.fullmatch(url.netloc) or ".." in url.netloc:
        raise ConfigError(
            f'{SETTING}: "{_shown(url.netloc)}" cannot be the name of a bucket',
            hint=f"Give the bucket first and the service's address last: {_S3_FORM}.",
        )
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ConfigError(
            f'{SETTING}: "{_shown(prefix)}" cannot be a prefix',
            hint="Use letters, digits, dots, hyphens and underscores, in parts separated by /.",
        )
    options = _options(url.query)
    for name, value in options.items():
        _CHECKS[name](name, value)
    endpoint = options.get("endpoint")
    path_style = options.get("path_style", "true" if endpoint else "false")
    return S3Location(
        bucket=url.netloc,
        prefix=prefix,
        endpoint=endpoint,
        region=options.get("region"),
        profile=options.get("profile"),
        path_style=path_style == "true",
        ca_file=Path(options["ca"]) if "ca" in options else None,
    )


def _directory(text: str, url: SplitResult) -> DirectoryLocation:
    path = unquote(url.path)
    if url.netloc not in {"", "localhost"} or not path.startswith("/") or url.query:
        raise _wrong("is not an absolute path", _FILE_FORM, shown=text)
    if not path.isprintable() or ".." in path.split("/") or not path.strip("/"):
        raise _wrong("does not name a folder for backups", _FILE_FORM, shown=text)
    return DirectoryLocation(Path("/" + path.strip("/")))


def _options(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise ConfigError(
            f"{SETTING}: what follows the ? is not NAME=VALUE&NAME=VALUE",
            hint=f"Write it as {_S3_FORM}.",
        ) from None
    options: dict[str, str] = {}
    for name, value in pairs:
        if name not in _CHECKS:
            raise ConfigError(
                f'{SETTING}: there is no option "{_shown(name)}"',
                hint=f"Use {', '.join(_CHECKS)}; keys go into AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY.",
            )
        if name in options:
            raise ConfigError(
                f'{SETTING}: option "{name}" is given twice', hint="Leave one of them out."
            )
        options[name] = value
    return options


def _check_endpoint(name: str, value: str) -> None:
    try:
        url = urlsplit(value)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        raise _wrong_option(name, value, "https://HOST or https://HOST:PORT") from None
    if "@" in value:
        raise ConfigError(
            f"{SETTING}: the endpoint must not hold credentials",
            hint="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    if not usable or url.query or url.fragment or not _VISIBLE.fullmatch(value):
        raise _wrong_option(name, value, "https://HOST or https://HOST:PORT")


def _check_region(name: str, value: str) -> None:
    if not _REGION.fullmatch(value):
        raise _wrong_option(name, value, "a region such as eu-central-1")


def _check_profile(name: str, value: str) -> None:
    if not value or not value.isprintable():
        raise _wrong_option(name, value, "the name of a profile in the AWS configuration")


def _check_flag(name: str, value: str) -> None:
    if value not in {"true", "false"}:
        raise _wrong_option(name, value, "true or false")


def _check_file(name: str, value: str) -> None:
    if not value.startswith("/") or not value.isprintable():
        raise _wrong_option(name, value, "the absolute path of a PEM file")


_CHECKS: dict[str, Callable[[str, str], None]] = {
    "endpoint": _check_endpoint,
    "region": _check_region,
    "profile": _check_profile,
    "path_style": _check_flag,
    "ca": _check_file,
}


def _wrong_option(name: str, value: str, form: str) -> ConfigError:
    return ConfigError(f'{SETTING}: {name} is "{_shown(value)}"', hint=f"Give {form}.")


def _wrong(what: str, form: str, *, shown: str) -> ConfigError:
    return ConfigError(f'{SETTING}: "{_shown(shown)}" {what}', hint=f"Write it as {form}.")


def _shown(text: str) -> str:
    """*text* as it may stand in a message: one short line, no credentials, no query."""
    text = _SECRET.sub(":…", _QUERY.sub("?…", _USERINFO.sub("***@", text)))
    text = "".join(character if character.isprintable() else "�" for character in text)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"
