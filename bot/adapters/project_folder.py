"""The project's folder on an empty host: what is in it, and what is written into it.

Also where a project lies for the moment while Compose is asked what it makes of it.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.domain.env_text import without_value
from bot.domain.errors import PortError
from bot.domain.pause import RESTORED
from bot.domain.project import ProjectFile
from bot.domain.tar_sieve import OWN

WORKSHOP = f"{OWN}bootstrap"
"""The folder in the project's that a bootstrap keeps its state in until it is done."""
_NEW = f"{OWN}new"
_TAG = "AUTHENTIK_TAG"
_DRAFT = "draft"


@dataclass(frozen=True)
class ProjectFolder:
    """Port `ProjectPlace`; *identity* may lie in it, too."""

    folder: Path
    identity: Path | None = None

    @property
    def path(self) -> str:
        return str(self.folder)

    async def fingerprints(self) -> Mapping[str, str]:
        with _errors(self.folder):
            return await asyncio.to_thread(lambda: dict(self._files()))

    async def lay(self, files: Sequence[ProjectFile]) -> None:
        with _errors(self.folder):
            await asyncio.to_thread(_lay, self.folder, files)

    @asynccontextmanager
    async def drafted(self, files: Sequence[ProjectFile]) -> AsyncIterator[Path]:
        """The files in a folder of the same name, whose content only its owner sees."""
        draft = self.folder / WORKSHOP / _DRAFT / self.folder.name
        with _errors(self.folder):
            await asyncio.to_thread(_lay_anew, draft, files)
        try:
            yield draft
        finally:
            await asyncio.to_thread(shutil.rmtree, draft.parent, ignore_errors=True)

    def strange(self) -> str:
        """What is in it beside a bootstrap's workshop and the identity; "" for nothing (blocks)."""
        with _errors(self.folder):
            return next((name for name, _ in self._files()), "")

    @property
    def has_workshop(self) -> bool:
        """Whether a bootstrap was begun in it (blocks)."""
        return (self.folder / WORKSHOP).is_dir()

    def _files(self) -> Iterator[tuple[str, str]]:
        for root, folders, names in os.walk(self.folder):
            place = Path(root)
            if place == self.folder:
                folders[:] = [name for name in folders if name != WORKSHOP]
                names[:] = [name for name in names if name != RESTORED]
            links = [name for name in folders if (place / name).is_symlink()]
            for name in sorted([*names, *links]):
                path = place / name
                if path != self.identity and not name.endswith(_NEW):
                    yield str(path.relative_to(self.folder)), _fingerprint(path)


def _fingerprint(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    return hashlib.sha256(without_value(path.read_bytes(), _TAG)).hexdigest()


def _lay_anew(folder: Path, files: Sequence[ProjectFile]) -> None:
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    _lay(folder, files)


def _lay(folder: Path, files: Sequence[ProjectFile]) -> None:
    for file in files:
        path = folder / file.name
        if not path.parent.resolve().is_relative_to(folder.resolve()):
            raise PortError(f'write "{path}": a link leads out of the folder')
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, file)
    for place in {folder, *((folder / file.name).parent for file in files)}:
        number = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _write(path: Path, file: ProjectFile) -> None:
    """By a rename, so that no crash leaves half a file."""
    new = path.with_name(f"{path.name}{_NEW}")
    new.unlink(missing_ok=True)
    number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as target:
        target.write(file.content)
        if os.geteuid() == 0:
            os.fchown(number, file.owner, file.group)
        os.fchmod(number, file.mode)
        target.flush()
        os.fsync(number)
    new.replace(path)


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PortError(
            f'work in "{folder}": {error.filename or ""}: {error.strerror}',
            hint="Name a folder that can be written to in --project-dir.",
        ) from error
