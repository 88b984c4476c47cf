"""What a set-up writes: akbot.env, what the bot's compose file is told, and the kit's sheet.

Before the first change of a file it is copied into the state folder, or marked there as one that
did not exist; `take_back` goes by that.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters import keyfiles
from bot.adapters.private_file import replace_private
from bot.domain.errors import ConfigError
from bot.domain.kit import Kit
from bot.domain.setup import with_values

_ASIDE = "setup"
_WAS, _ABSENT = ".was", ".absent"
_OTHERS = 0o077
_SHEET = "akbot-kit.txt"


@dataclass(frozen=True)
class SetupFilesOnDisk:
    """Port `SetupFiles`.

    *place_file* is None where the stack's own compose file has the bot. *read* tells what such a
    file sets, *sheet_text* what is to be printed.
    """

    settings_file: Path
    place_file: Path | None
    state: Path
    read: Callable[[Path], Mapping[str, str]]
    sheet_text: Callable[[Kit], str]

    async def settings(self) -> Mapping[str, str]:
        return await asyncio.to_thread(self.read, self.settings_file)

    async def is_private(self) -> bool:
        status = await asyncio.to_thread(_status, self.settings_file)
        return status is not None and not status.st_mode & _OTHERS

    async def changed_at(self) -> datetime | None:
        status = await asyncio.to_thread(_status, self.settings_file)
        return datetime.fromtimestamp(status.st_mtime, UTC) if status else None

    async def write_settings(self, values: Mapping[str, str]) -> None:
        await asyncio.to_thread(self._write, self.settings_file, values)

    async def place(self) -> Mapping[str, str]:
        return await asyncio.to_thread(self.read, self.place_file) if self.place_file else {}

    async def write_place(self, values: Mapping[str, str]) -> None:
        if self.place_file:
            await asyncio.to_thread(self._write, self.place_file, values)

    def _write(self, path: Path, values: Mapping[str, str]) -> None:
        with _told(path):
            old = path.read_bytes() if path.exists() else b""
            said = self.read(path)
            changed = {name: value for name, value in values.items() if said.get(name) != value}
            text = with_values(old, changed)
            self._keep(path)
            _replace(path, text)

    def _keep(self, path: Path) -> None:
        aside = self.state / _ASIDE
        aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        was, absent = aside / f"{path.name}{_WAS}", aside / f"{path.name}{_ABSENT}"
        if was.exists() or absent.exists():
            return
        if path.exists():
            replace_private(was, path.read_bytes())
        else:
            replace_private(absent, b"")

    async def write_sheet(self, kit: Kit) -> str:
        with _told(self._sheet):
            await asyncio.to_thread(_replace, self._sheet, self.sheet_text(kit).encode())
        return str(self._sheet)

    async def remove_sheet(self) -> None:
        with _told(self._sheet):
            await asyncio.to_thread(self._sheet.unlink, missing_ok=True)

    @property
    def _sheet(self) -> Path:
        return self.settings_file.with_name(_SHEET)

    async def take_back(self) -> Sequence[str]:
        with _told(self.settings_file):
            return await asyncio.to_thread(self._take_back)

    def _take_back(self) -> list[str]:
        told: list[str] = []
        aside = self.state / _ASIDE
        for path in filter(None, (self.settings_file, self.place_file)):
            was, absent = aside / f"{path.name}{_WAS}", aside / f"{path.name}{_ABSENT}"
            if was.exists():
                _replace(path, was.read_bytes())
                told.append(f'"{path}" is as it was before')
            elif absent.exists():
                path.unlink(missing_ok=True)
                told.append(f'"{path}" is removed')
            for mark in (was, absent):
                mark.unlink(missing_ok=True)
        shutil.rmtree(aside, ignore_errors=True)
        return told

    async def remove_keys(self) -> Sequence[str]:
        return await asyncio.to_thread(self._remove_keys)

    def _remove_keys(self) -> list[str]:
        told: list[str] = []
        for name in (keyfiles.IDENTITY, keyfiles.SIGNING_KEY):
            path = self.state / name
            with _told(path), suppress(FileNotFoundError):
                path.unlink()
                told.append(f'"{path}" is deleted')
        return told


def _replace(path: Path, content: bytes) -> None:
    """As the owner of the folder would have written it."""
    folder = path.parent.stat()
    replace_private(path, content, (folder.st_uid, folder.st_gid))


def _status(path: Path) -> os.stat_result | None:
    with _told(path):
        try:
            return path.stat()
        except FileNotFoundError:
            return None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Raise the system's errors as ConfigError about *path*."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f'"{path}": {error.strerror}',
            hint="Look at its folder and its disk; the same command goes on.",
        ) from error
