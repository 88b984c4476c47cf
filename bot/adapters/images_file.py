"""The images that akbot knows of: a file in the state folder."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.private_file import replace_private
from bot.adapters.state_folder import StateFolder, state_errors
from bot.adapters.threads import finish
from bot.domain.errors import ConfigError
from bot.domain.known_images import KnownImages, format_images, parse_images

_IMAGES = "images"


@dataclass(frozen=True)
class ImagesFile:
    """Port `KnownImagesMark`."""

    folder: StateFolder

    async def read(self) -> KnownImages | None:
        with state_errors("look which images are known", self.folder.path):
            return await asyncio.to_thread(self._read)

    async def write(self, known: KnownImages) -> None:
        with state_errors("write down which images are known", self.folder.path):
            await finish(asyncio.to_thread(self._write, format_images(known)))

    @property
    def _path(self) -> Path:
        return self.folder.path / _IMAGES

    def _write(self, content: bytes) -> None:
        with self.folder.alone():
            replace_private(self._path, content)

    def _read(self) -> KnownImages | None:
        try:
            return parse_images(self._path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            raise ConfigError(
                f'AKBOT_STATE: "{self._path}" is damaged: {error}',
                hint="Remove it: akbot then knows what runs now.",
            ) from error
