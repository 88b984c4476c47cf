"""The mark that holds back what begins by itself: a file in the state folder."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.private_file import replace_private
from bot.adapters.state_folder import StateFolder, state_errors
from bot.adapters.threads import finish
from bot.domain.errors import ConfigError
from bot.domain.pause import PAUSED, Pause, format_pause, parse_pause


@dataclass(frozen=True)
class PauseFile:
    """Port `PauseMark`."""

    folder: StateFolder

    async def read(self) -> Pause | None:
        with state_errors("look whether akbot is paused", self.folder.path):
            return await asyncio.to_thread(self._read)

    async def write(self, pause: Pause) -> None:
        with state_errors("begin the pause", self.folder.path):
            await finish(asyncio.to_thread(self._write, format_pause(pause)))

    async def clear(self) -> None:
        with state_errors("end the pause", self.folder.path):
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    @property
    def _path(self) -> Path:
        return self.folder.path / PAUSED

    def _write(self, content: bytes) -> None:
        with self.folder.alone():
            replace_private(self._path, content)

    def _read(self) -> Pause | None:
        try:
            return parse_pause(self._path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            raise ConfigError(
                f'AKBOT_STATE: "{self._path}" is damaged: {error}',
                hint='"akbot resume" removes it, once the old host is off.',
            ) from error
