"""Single files of the host that are mounted into a container: laid before it is created.

Where such a file is missing, Docker makes a folder of its name, and the container does not start.
"""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from bot.domain.config_diff import MOST_BYTES
from bot.domain.errors import IntegrityError
from bot.domain.layout import Layout
from bot.domain.project import Project, ProjectFile
from bot.domain.tar_sieve import OWN

MOST_STORED = MOST_BYTES
"""Bytes of a component that may be a single file; a larger one is taken for a folder."""


@dataclass(frozen=True)
class SingleFile:
    """What a component holds that is no folder; *content* is None where it is too large to lay."""

    content: bytes | None = field(repr=False)
    mode: int
    owner: int
    group: int


def single_file_in(packed: bytes) -> SingleFile | None:
    """The file in a component's archive, of which the end may be missing; None: it is a folder.

    Raises:
        IntegrityError: it is no archive.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
            member = archive.next()
            if member is None or not member.isreg() or member.issparse() or "/" in member.name:
                return None
            packed_file = archive.extractfile(member)
            content = packed_file.read() if packed_file and member.size <= MOST_BYTES else None
    except tarfile.TarError as error:
        raise IntegrityError(f"read a mounted file in the backup: {error}") from error
    return SingleFile(content, member.mode & 0o777, member.uid, member.gid)


def lay_single_files(
    project: Project, layout: Layout, found: Mapping[str, SingleFile]
) -> tuple[Project, Layout, tuple[str, ...]]:
    """Let those below the project's folder come with it; none of them is a folder to be made.

    *found* are the files by the source of their mounts. Also returned is a warning for each that a
    person must put in its place.
    """
    files: list[ProjectFile] = []
    by_hand: list[str] = []
    names = {each.name for each in project.files}
    for source, each in found.items():
        name = _name_in(project.place, source)
        if name in names:
            continue  # a compose file or the like, which is mounted as well
        if name is None or each.content is None:
            by_hand.append(
                f'the single file "{source}" is mounted, and not restored: put it there first, or'
                " Docker makes a folder of that name"
            )
            continue
        files.append(ProjectFile(name, each.content, each.mode, each.owner, each.group))
    folders = tuple(each for each in layout.folders if each.source not in found)
    return (
        replace(project, files=(*project.files, *files)),
        replace(layout, folders=folders),
        tuple(by_hand),
    )


def _name_in(place: str, source: str) -> str | None:
    path = PurePosixPath(source)
    if not path.is_relative_to(place):
        return None
    parts = path.relative_to(place).parts
    if not parts or ".." in parts or any(part.startswith(OWN) for part in parts):
        return None
    return "/".join(parts)
