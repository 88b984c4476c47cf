"""That people want to hear of no new incident for a while: a file in the state folder."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.private_file import replace_private
from bot.adapters.state_folder import StateFolder, state_errors
from bot.adapters.threads import finish
from bot.domain.errors import ConfigError
from bot.domain.mute import Mute, format_mute, parse_mute

_MUTED = "muted"


@dataclass(frozen=True)
class MuteFile:
    """Port `MuteMark`."""

    folder: StateFolder

    async def read(self) -> Mute | None:
        with state_errors("look whether incidents are muted", self.folder.path):
            return await asyncio.to_thread(self._read)

    async def write(self, mute: Mute) -> None:
        with state_errors("mute incidents", self.folder.path):
            await finish(asyncio.to_thread(self._write, format_mute(mute)))

    async def clear(self) -> None:
        with state_errors("forget that incidents were muted", self.folder.path):
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    @property
    def _path(self) -> Path:
        return self.folder.path / _MUTED

    def _write(self, content: bytes) -> None:
        with self.folder.alone():
            replace_private(self._path, content)

    def _read(self) -> Mute | None:
        try:
            return parse_mute(self._path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            raise ConfigError(
                f'AKBOT_STATE: "{self._path}" is damaged: {error}',
                hint='Incidents are told; "/mute" in the chat writes it anew.',
            ) from error
