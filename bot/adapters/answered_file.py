"""The pages that have answered akbot at some time: a file in the state folder."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.private_file import replace_private
from bot.adapters.state_folder import StateFolder, state_errors
from bot.adapters.threads import finish
from bot.domain.answered_pages import format_answered, parse_answered
from bot.domain.errors import ConfigError

_ANSWERED = "answered"


@dataclass(frozen=True)
class AnsweredFile:
    """Port `AnsweredMark`."""

    folder: StateFolder

    async def read(self) -> Mapping[str, str]:
        with state_errors("look which pages have answered", self.folder.path):
            return await asyncio.to_thread(self._read)

    async def write(self, pages: Mapping[str, str]) -> None:
        with state_errors("write down which pages have answered", self.folder.path):
            await finish(asyncio.to_thread(self._write, format_answered(pages)))

    @property
    def _path(self) -> Path:
        return self.folder.path / _ANSWERED

    def _write(self, content: bytes) -> None:
        with self.folder.alone():
            replace_private(self._path, content)

    def _read(self) -> Mapping[str, str]:
        try:
            return parse_answered(self._path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except ValueError as error:
            raise ConfigError(
                f'AKBOT_STATE: "{self._path}" is damaged: {error}',
                hint="Remove it: akbot then knows the pages that answer from now on.",
            ) from error
