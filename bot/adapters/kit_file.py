"""What the host remembers of its recovery kit: `kit.json` in the state folder."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.private_file import replace_private
from bot.adapters.state_folder import StateFolder, state_errors
from bot.domain.errors import ConfigError
from bot.domain.kit_record import KitRecord, format_record, parse_record

KIT_FILE = "kit.json"


@dataclass(frozen=True)
class KitFile:
    """Port `KitLog`."""

    folder: StateFolder

    async def read(self) -> KitRecord:
        with state_errors("read what is known of the kit", self.folder.path):
            return await asyncio.to_thread(self._read)

    async def update(self, change: Callable[[KitRecord], KitRecord]) -> None:
        with state_errors("write down what is known of the kit", self.folder.path):
            await asyncio.to_thread(self._update, change)

    @property
    def _path(self) -> Path:
        return self.folder.path / KIT_FILE

    def _update(self, change: Callable[[KitRecord], KitRecord]) -> None:
        with self.folder.alone():
            replace_private(self._path, format_record(change(self._read())))

    def _read(self) -> KitRecord:
        try:
            return parse_record(self._path.read_bytes())
        except FileNotFoundError:
            return KitRecord()
        except ValueError as error:
            raise ConfigError(
                f'AKBOT_STATE: "{self._path}" is damaged: {error}',
                hint="Remove it, and confirm the kit once more.",
            ) from error
