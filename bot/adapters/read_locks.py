"""Who reads a backup keeps it from being deleted: a kernel lock for each, in the state folder."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.adapters.state_folder import StateFolder, state_errors
from bot.adapters.threads import finish
from bot.domain.backup_id import BackupId
from bot.domain.errors import BusyError

_FOLDER = "reading"


class ReadLocks:
    """Port `ReadLocks`; holds across all processes and containers that share the state folder.

    A lock's file stays until its backup is deleted, so that nobody waits on a file that is gone.
    """

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder

    @asynccontextmanager
    async def reading(self, backup_id: BackupId) -> AsyncGenerator[None]:
        async with self._held(backup_id, fcntl.LOCK_SH, "is being deleted"):
            yield

    @asynccontextmanager
    async def deleting(self, backup_id: BackupId) -> AsyncGenerator[None]:
        async with self._held(backup_id, fcntl.LOCK_EX, "is being read") as file:
            yield
            with state_errors("free a backup", self._folder.path):
                await finish(asyncio.to_thread(file.unlink, missing_ok=True))

    @asynccontextmanager
    async def _held(self, backup_id: BackupId, kind: int, otherwise: str) -> AsyncGenerator[Path]:
        lock = _Lock(self._folder, backup_id)
        try:
            with state_errors("hold a backup", self._folder.path):
                taken = await finish(asyncio.to_thread(lock.take, kind))
            if not taken:
                raise BusyError(f'backup "{backup_id}" {otherwise}', hint="Try again later.")
            yield lock.path
        finally:
            lock.free()


class _Lock:
    def __init__(self, folder: StateFolder, backup_id: BackupId) -> None:
        self.path = folder.path / _FOLDER / backup_id
        self._folder = folder
        self._file = -1

    def take(self, kind: int) -> bool:
        """Take it, *kind* being shared or exclusive; False at once where that cannot be."""
        self._folder.make()
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def free(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
