"""What was asked of registries before, in one file of the state folder.

Only to ask less: whatever is wrong with the file, the registry is asked as if for the first time.
"""

import json
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.adapters.keyfiles import create_private
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import ConfigError

logger = logging.getLogger(__name__)

_FILE = "registry.json"
_MOST_BYTES = 16 << 20
_MOST_ENTRIES = 200
_PAGES, _CONFIGS, _WAITS = "pages", "configs", "waits"


@dataclass(frozen=True)
class Page:
    """A page of a list of tags, as it was when the registry called it *etag*."""

    etag: str
    tags: tuple[str, ...]
    following: str


class RegistryCache:
    """Its calls block; a change is made alone among processes."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder

    def page(self, url: str) -> Page | None:
        """A page that was read before."""
        match self._read(_PAGES).get(url):
            case [str(etag), list(tags), str(following)] if all(isinstance(t, str) for t in tags):
                return Page(etag, tuple(tags), following)
            case _:
                return None

    def keep_page(self, url: str, page: Page) -> None:
        """Remember a page."""
        self._write(_PAGES, url, [page.etag, list(page.tags), page.following])

    def config(self, digest: str) -> bytes | None:
        """An image's configuration; never changes, since it is named by what it holds."""
        found = self._read(_CONFIGS).get(digest)
        return found.encode() if isinstance(found, str) else None

    def keep_config(self, digest: str, body: bytes) -> None:
        """Remember a configuration."""
        self._write(_CONFIGS, digest, body.decode(errors="replace"))

    def wait_until(self, host: str) -> datetime | None:
        """Until when *host* has asked to be left alone."""
        found = self._read(_WAITS).get(host)
        try:
            return datetime.fromisoformat(found) if isinstance(found, str) else None
        except ValueError:
            return None

    def keep_wait(self, host: str, until: datetime) -> None:
        """Remember that *host* wants to be left alone."""
        self._write(_WAITS, host, until.isoformat())

    def _read(self, part: str) -> dict[str, Any]:
        found = self._whole().get(part)
        return found if isinstance(found, dict) else {}

    def _whole(self) -> dict[str, Any]:
        try:
            with (self._folder.path / _FILE).open("rb") as file:
                found = json.loads(file.read(_MOST_BYTES))
        except (FileNotFoundError, ValueError, RecursionError):
            return {}
        except OSError as error:
            logger.warning("the registry's cache cannot be read: %s", error.strerror)
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, part: str, name: str, value: Any) -> None:
        try:
            with self._folder.alone() as folder:
                whole = self._whole()
                entries = whole.get(part) if isinstance(whole.get(part), dict) else {}
                kept = {**{k: v for k, v in (entries or {}).items() if k != name}, name: value}
                newest = dict([*kept.items()][-_MOST_ENTRIES:])
                beside = folder / f".{_FILE}.{secrets.token_hex(4)}"
                try:
                    create_private(beside, json.dumps({**whole, part: newest}).encode())
                    beside.replace(folder / _FILE)
                finally:
                    beside.unlink(missing_ok=True)
        except (OSError, ConfigError) as error:
            logger.warning("the registry's cache cannot be written: %s", error)
