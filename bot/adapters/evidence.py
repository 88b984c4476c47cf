"""What removed containers said last, kept in the state folder for whoever asks why."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.adapters.container_facts import as_container
from bot.adapters.engine_api import EngineApi
from bot.adapters.services_of import details_of
from bot.domain.backup_id import BackupId
from bot.domain.errors import BotError, PortError
from bot.domain.log_masking import mask_lines
from bot.domain.restore import Site

FOLDER = "evidence"
_LINES = 2000
_MOST_BYTES = 4 * 1024 * 1024
_KEPT = 10  # files of as many containers
_STATE = ("Status", "Running", "ExitCode", "OOMKilled", "Error", "StartedAt", "FinishedAt")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LogFolder:
    """Port `Evidence`: a file for each container, in the *state* folder, for its owner alone."""

    engine: EngineApi
    state: Path

    async def keep(self, job: str, site: Site) -> str:
        folder = self.state / FOLDER
        try:
            found = await details_of(self.engine, site.project, site.services)
            for details in found:
                words = await self._last_words(details)
                name = f"{job}-{as_container(details, {}).service}.log"
                await asyncio.to_thread(_write, folder, name, words)
        except (BotError, OSError) as error:
            logger.warning("keep what the containers of %s said: %s", job, error)
            return ""
        return str(folder) if found else ""

    async def read(self, job: BackupId) -> str:
        """All that is kept of *job*, "" for nothing. Raises PortError where it cannot be read."""
        try:
            return await asyncio.to_thread(_read, self.state / FOLDER, job)
        except OSError as error:
            raise PortError(f"read what the containers of {job} said: {error.strerror}") from error

    async def _last_words(self, details: Mapping[str, Any]) -> str:
        text: bytes = await self.engine.call(
            "read a container's log",
            lambda sdk: sdk.logs(details["Id"], tail=_LINES, timestamps=True),
        )
        state = ", ".join(f"{name} {details['State'].get(name)}" for name in _STATE)
        head = f"{details['Config']['Image']}: {state}, restarted {details['RestartCount']} times"
        words = text[-_MOST_BYTES:].decode(errors="replace")
        return "\n".join([head, *await asyncio.to_thread(mask_lines, words), ""])


def _write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(text)
    files = sorted(folder.glob("*.log"), key=lambda each: each.stat().st_mtime)
    for old in files[:-_KEPT]:
        old.unlink(missing_ok=True)


def _read(folder: Path, job: BackupId) -> str:
    files = {
        path.stem.removeprefix(f"{job}-"): path.read_text(errors="replace")
        for path in sorted(folder.glob(f"{job}-*.log"))
    }
    return "\n".join(f"--- {service}\n{text}" for service, text in files.items())
