"""Docker Compose as a program, with next to nothing in its environment: that goes before `.env`."""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import PortError
from bot.domain.restore import Site

AS_IT_IS: Mapping[Path, bytes] = {}
CONFIG_WITHIN = 60.0  # seconds
_LEFT_WITHIN = 660.0
_AGAIN = 0.1
_LAST_WORDS = 600


@dataclass(frozen=True)
class ComposeProgram:
    """How `docker` is run: *environment* is all that it is told.

    A run outlives an akbot that is killed in it. So it holds a lock of the kernel's on *lock*, a
    file, which ends with it, and whoever comes after waits for that.
    """

    environment: Mapping[str, str]
    lock: Path

    async def run(
        self,
        site: Site,
        *arguments: str,
        texts: Sequence[bytes] = (),
        env_texts: Mapping[Path, bytes] = AS_IT_IS,
        within: float,
    ) -> bytes:
        """What it prints; with no project in *site* Compose finds its name, as for a person.

        *texts* are read instead of the site's compose files, *env_texts* instead of those of its
        env files; where it has none, instead of `.env`. Raises PortError with its last words.
        """
        async with _in_memory(texts) as held, _in_memory([*env_texts.values()]) as held_envs:
            files = [word for file in held or site.config_files for word in ("--file", file)]
            instead = dict(zip(env_texts, held_envs, strict=True))
            env_files = [instead.get(Path(each), each) for each in site.env_files]
            envs = [word for file in env_files or held_envs for word in ("--env-file", file)]
            command = [
                *("docker", "compose"),
                *(("--project-name", site.project) if site.project else ()),
                *("--project-directory", site.working_dir, *files, *envs, *arguments),
            ]
            async with self.alone() as lock:
                return await self._run(f"docker compose {arguments[0]}", command, lock, within)

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[int]:
        """Wait until no run is left of an earlier process; a handle on the lock."""
        number = await asyncio.to_thread(_open, self.lock)
        try:
            async with asyncio.timeout(_LEFT_WITHIN):
                while not _taken(number):  # noqa: ASYNC110 - another process's event
                    await asyncio.sleep(_AGAIN)
            yield number
        except TimeoutError as error:
            raise PortError("docker compose: an earlier run does not end") from error
        finally:
            os.close(number)

    async def _run(self, doing: str, command: Sequence[str], lock: int, within: float) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=dict(self.environment),
                pass_fds=[lock],
            )
        except OSError as error:
            raise PortError(
                f"{doing}: {error.strerror}",
                hint="Install the Docker client with Compose where akbot runs.",
            ) from error
        try:
            async with asyncio.timeout(within):
                out, words = await process.communicate()
        except TimeoutError as error:
            raise PortError(f"{doing}: not done after {within:g} s", retryable=True) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            said = words.decode(errors="replace").strip()[-_LAST_WORDS:]
            raise PortError(f"{doing}: {said or f'exit code {process.returncode}'}")
        return out

    async def variable(self, site: Site, service: str, name: str) -> str | None:
        """A variable that the service's container would be made with."""
        out = await self.run(site, "config", "--format", "json", within=CONFIG_WITHIN)
        given = json.loads(out)["services"].get(service, {}).get("environment") or {}
        value = given.get(name)
        return None if value is None else str(value)


@asynccontextmanager
async def _in_memory(texts: Sequence[bytes]) -> AsyncGenerator[tuple[str, ...]]:
    """Paths of files that are on no disk, since secrets stand in them; gone with the context."""
    with ExitStack() as files:
        held = [await asyncio.to_thread(_held, files, text) for text in texts]
        yield tuple(f"/proc/{os.getpid()}/fd/{handle}" for handle in held)


def _held(files: ExitStack, text: bytes) -> int:
    file = files.enter_context(os.fdopen(os.memfd_create("akbot-compose"), "wb"))
    file.write(text)
    file.flush()
    return file.fileno()


def _open(lock: Path) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise PortError(f'open "{lock}": {error.strerror}') from error


def _taken(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
