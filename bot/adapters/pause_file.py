"""What holds back what begins by itself: a file in the state folder, or beside akbot.env."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.private_file import replace_private
from bot.adapters.state_folder import StateFolder, state_errors
from bot.adapters.threads import finish
from bot.domain.errors import ConfigError, PortError
from bot.domain.pause import PAUSED, RESTORED, Pause, format_pause, parse_pause


@dataclass(frozen=True)
class PauseFile:
    """Port `PauseMark`; *settings* is the folder of akbot.env.

    A restore on an empty host lays that folder, and does not know where a bot beside the stack will
    have its state. What it leaves there goes before a pause that was planned.
    """

    folder: StateFolder
    settings: Path

    async def read(self) -> Pause | None:
        doing = "look whether akbot is paused"
        with _errors(doing, self._restored):
            restored = await asyncio.to_thread(_read, self._restored)
        with state_errors(doing, self.folder.path):
            return restored or await asyncio.to_thread(_read, self._path)

    async def write(self, pause: Pause) -> None:
        with state_errors("begin the pause", self.folder.path):
            await finish(asyncio.to_thread(self._write, format_pause(pause)))

    async def clear(self) -> None:
        with _errors("end the pause", self._restored):
            await asyncio.to_thread(self._restored.unlink, missing_ok=True)
        with state_errors("end the pause", self.folder.path):
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    @property
    def _restored(self) -> Path:
        return self.settings / RESTORED

    @property
    def _path(self) -> Path:
        return self.folder.path / PAUSED

    def _write(self, content: bytes) -> None:
        with self.folder.alone():
            replace_private(self._path, content)


def _read(path: Path) -> Pause | None:
    try:
        return parse_pause(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ConfigError(
            f'"{path}" is damaged: {error}',
            hint='"akbot resume" removes it, once the old host is off.',
        ) from error


@contextmanager
def _errors(doing: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PortError(
            f'{doing}: "{path}": {error.strerror}',
            hint="Once the old host is off, remove that file.",
        ) from error
