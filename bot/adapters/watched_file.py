"""The names of what was watched last: a file in the state folder, one a line."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.private_file import replace_private
from bot.adapters.state_folder import StateFolder, state_errors
from bot.adapters.threads import finish
from bot.domain.errors import ConfigError

_WATCHED = "watched"


@dataclass(frozen=True)
class WatchedFile:
    """Port `WatchedMark`."""

    folder: StateFolder

    async def read(self) -> frozenset[str]:
        with state_errors("look what was watched", self.folder.path):
            return await asyncio.to_thread(self._read)

    async def write(self, names: Collection[str]) -> None:
        content = "".join(f"{name}\n" for name in sorted(names)).encode()
        with state_errors("note what is watched", self.folder.path):
            await finish(asyncio.to_thread(self._write, content))

    @property
    def _path(self) -> Path:
        return self.folder.path / _WATCHED

    def _write(self, content: bytes) -> None:
        with self.folder.alone():
            replace_private(self._path, content)

    def _read(self) -> frozenset[str]:
        try:
            return frozenset(self._path.read_bytes().decode().split())
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()
        except ValueError as error:
            raise ConfigError(
                f'AKBOT_STATE: "{self._path}" is damaged: {error}',
                hint="It is written anew with the next look at the containers.",
            ) from error
