"""A dump that a person made: a file of this host, or what comes on stdin."""

import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from bot.adapters.threads import Threads
from bot.domain.errors import ConfigError, PortError
from bot.domain.printable import file_name, printable

_STDIN = "-"
_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class DumpFile:
    """Port `DumpSource`; *path* is "-" for stdin."""

    path: str

    @property
    def name(self) -> str:
        return "from stdin" if self.path == _STDIN else file_name(printable(Path(self.path).name))

    @property
    def total_bytes(self) -> int:
        if self.path == _STDIN:
            return 0
        try:
            return Path(self.path).stat().st_size  # a pipe's is 0
        except OSError:
            return 0  # whoever opens it says why

    def require(self) -> None:
        """Raises ConfigError where it is no file that can be read."""
        with self._naming():
            if self.path == _STDIN or not stat.S_ISFIFO(Path(self.path).stat().st_mode):
                self._open().close()  # a pipe is opened once: who writes would see it closed

    async def blocks(self) -> AsyncIterator[bytes]:
        threads = Threads("akbot-dump", 1)
        try:
            file = await threads.run(self._open)
            try:
                while block := await threads.run(self._read, file):
                    yield block
            finally:
                await threads.run(file.close)
        finally:
            await threads.close()

    def _open(self) -> BufferedReader:
        is_stdin = self.path == _STDIN
        with self._naming():
            return open(0 if is_stdin else self.path, "rb", closefd=not is_stdin)

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except IsADirectoryError as error:
            raise ConfigError(
                f"open --dump {self.name}: it is a folder, and pg_dump's directory format is not"
                " taken",
                hint="Make the dump again with pg_dump -Fc.",
            ) from error
        except OSError as error:
            raise ConfigError(
                f"open --dump {self.name}: {error.strerror}",
                hint="Check the name and who may read it; in a container it is a path inside it.",
            ) from error

    def _read(self, file: BufferedReader) -> bytes:
        try:
            return file.read1(_BLOCK)
        except OSError as error:
            raise PortError(f"read --dump {self.name}: {error.strerror}") from error
