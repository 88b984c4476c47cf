"""Files of the stack: its mounts through the Engine's archive API, its project folder from disk."""

import asyncio
import io
import tarfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError
from bot.domain.stack import FileSource, Stack
from bot.domain.tar_sieve import TarSieve
from bot.domain.version_file import PATH, VersionFile, read_version_file

_VERSION_FILE_LIMIT = 64 * 1024
_OWN_SETTINGS = "akbot.env"


class EngineFiles:
    """Port `StackFiles`."""

    def __init__(self, engine: EngineApi, stack: Stack) -> None:
        self._engine = engine
        self._stack = stack

    async def archive(self, source: FileSource) -> AsyncGenerator[bytes]:
        download = self._engine.download(
            source.container_id, source.path, doing=f'copy "{source.path}" from a container'
        )
        sieve = TarSieve(strict=False)
        async with aclosing(download) as blocks:
            async for block in blocks:
                if kept := sieve.feed(block):
                    yield kept

    async def config(self) -> AsyncGenerator[bytes]:
        yield await asyncio.to_thread(_pack_project, self._stack)

    async def authentik_version(self) -> str | None:
        download = self._engine.download(
            self._stack.server.id, PATH, doing="read Authentik's version file"
        )
        async with aclosing(download) as blocks:
            return await version_in(blocks)


async def version_in(blocks: AsyncIterator[bytes]) -> str | None:
    """The version in a tar stream of Authentik's version file; None where there is no such file."""
    found = await version_file_in(blocks)
    return found.version if found else None


async def version_file_in(blocks: AsyncIterator[bytes]) -> VersionFile | None:
    """All that the file says; None where there is none."""
    content = b""
    try:
        async for block in blocks:
            content += block
            if len(content) > _VERSION_FILE_LIMIT:
                break
    except PortError as error:
        if error.retryable:
            raise
        return None  # the Engine answers: there is no such file
    return read_version_file(content)


def _pack_project(stack: Stack) -> bytes:
    """A tar archive of compose files, env files and the bot's settings.

    A link is followed: the file that it leads to is what the stack needs. Names are relative to
    the project's folder; a file elsewhere keeps its path without the root.
    """
    folder = Path(stack.working_dir)
    wanted = [*stack.config_files, *stack.env_files, str(folder / ".env")]
    wanted += [str(folder / _OWN_SETTINGS)]
    packed = io.BytesIO()
    with tarfile.open(
        fileobj=packed, mode="w", format=tarfile.PAX_FORMAT, dereference=True
    ) as archive:
        for path in dict.fromkeys(Path(text) for text in wanted):
            required = str(path) in stack.config_files
            _add(archive, path, folder, required=required)
    return packed.getvalue()


def _add(archive: tarfile.TarFile, path: Path, folder: Path, *, required: bool) -> None:
    name = path.relative_to(folder) if path.is_relative_to(folder) else path.relative_to("/")
    try:
        archive.add(path, arcname=str(name), recursive=False)
    except FileNotFoundError as error:
        if path.is_symlink():
            raise PortError(
                f'read "{path}": it is a link to a file that is not there',
                hint="Mend the link, or mount the folder that it leads into.",
            ) from error
        if required:
            raise PortError(
                f'read "{path}": there is no such file here',
                hint=f"Set AKBOT_PROJECT_DIR={folder} in .env, or run akbot on the Docker host.",
            ) from error
    except OSError as error:
        raise PortError(f'read "{path}": {error.strerror}') from error
