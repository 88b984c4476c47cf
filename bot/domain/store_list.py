"""The stores that a setting names: one or several, each with a name and what it keeps.

    NAME=s3://BUCKET/PREFIX?…&keep_daily=30  NAME=file:///ABSOLUTE/PATH?keep_last=2

They stand apart by blanks, line ends or commas. A path may hold these too, so that a new store
begins only where another URL does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.errors import ConfigError
from bot.domain.retention import Policy
from bot.domain.store_url import SETTING, DirectoryLocation, S3Location, parse_store_url

MOST_KEPT = 100_000

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}"
_BETWEEN = re.compile(rf"[,\s]+(?=(?:{_NAME}=)?[A-Za-z][A-Za-z0-9+.-]*://)")
_NAMED = re.compile(rf"(?:(?P<name>{_NAME})=)?(?P<url>[A-Za-z][A-Za-z0-9+.-]*://.*)", re.DOTALL)
_LEAST = {"keep_last": 1, "keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0}
_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class NamedStore:
    """One store; *keeps* has what its own retention says otherwise than the settings do."""

    name: str
    location: S3Location | DirectoryLocation
    keeps: Mapping[str, int] = field(default_factory=dict)

    def policy(self, default: Policy) -> Policy:
        """Which backups stay in this store."""
        return Policy(
            last=self.keeps.get("last", default.last),
            daily=self.keeps.get("daily", default.daily),
            weekly=self.keeps.get("weekly", default.weekly),
            monthly=self.keeps.get("monthly", default.monthly),
            zone=default.zone,
        )


def parse_stores(text: str) -> tuple[NamedStore, ...]:
    """Read the value of `AKBOT_STORE`, which is not empty.

    Raises:
        ConfigError: one of them is no such URL, or two could not be told apart.
    """
    stores = [_parse(each) for each in _BETWEEN.split(text)]
    for number, store in enumerate(stores):
        for other in stores[:number]:
            _require_apart(other, store)
    return tuple(stores)


def require_from(text: str) -> None:
    """Raises ConfigError, which names `--from`, where *text* is no single store."""
    try:
        stores = parse_stores(text)
    except ConfigError as error:
        raise ConfigError(f"--from{str(error).removeprefix(SETTING)}", hint=error.hint) from error
    if len(stores) > 1:
        raise ConfigError("--from: it names several stores", hint="Give one of them.")


def derived_name(location: S3Location | DirectoryLocation) -> str:
    """What a store is called that has no name of its own."""
    if isinstance(location, DirectoryLocation):
        return f"file:{location.path}"
    return f"s3:{location.bucket}/{location.prefix}".rstrip("/")


def _parse(text: str) -> NamedStore:
    match = _NAMED.fullmatch(text)
    url, keeps = _take_keeps(match["url"] if match else text)
    location = parse_store_url(url)
    return NamedStore((match and match["name"]) or derived_name(location), location, keeps)


def _take_keeps(url: str) -> tuple[str, dict[str, int]]:
    """The URL without the options that say what the store keeps, and those."""
    address, mark, query = url.partition("?")
    if not mark:
        return url, {}
    keeps: dict[str, int] = {}
    others: list[str] = []
    for option in query.split("&"):
        name, _, value = option.partition("=")
        if name not in _LEAST:
            others.append(option)
            continue
        if name.removeprefix("keep_") in keeps:
            raise ConfigError(
                f'{SETTING}: option "{name}" is given twice', hint="Leave one of them out."
            )
        if not _NUMBER.fullmatch(value) or not _LEAST[name] <= int(value) <= MOST_KEPT:
            raise ConfigError(
                f"{SETTING}: {name} is no such number",
                hint=f"Give a whole number from {_LEAST[name]} to {MOST_KEPT}.",
            )
        keeps[name.removeprefix("keep_")] = int(value)
    return (f"{address}?{'&'.join(others)}" if others else address), keeps


def _require_apart(first: NamedStore, second: NamedStore) -> None:
    if _place(first) == _place(second):
        raise ConfigError(
            f'{SETTING}: "{second.name}" is named twice', hint="Name each store once."
        )
    if first.name == second.name:
        raise ConfigError(
            f'{SETTING}: two stores are called "{second.name}"',
            hint="Give each a name of its own: NAME=URL.",
        )


def _place(store: NamedStore) -> object:
    where = store.location
    if isinstance(where, DirectoryLocation):
        return where.path
    return where.bucket, where.prefix, where.endpoint
