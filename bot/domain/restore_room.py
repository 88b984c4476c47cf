"""What room a restore takes beside what serves, disk by disk, and whether there is as much."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.domain.errors import RefusedError
from bot.domain.restore import UNTOUCHED

_SPARE = 1.1  # of what was measured: indexes were smaller, and small files take whole blocks
_LATE = 2**29  # bytes; the log goes on while the server still writes down what is to be recycled
_LOG_AHEAD = 3 * 2**24  # bytes; files of it that are made before they are needed
_MIB = 2**20


@dataclass(frozen=True)
class Disk:
    """A file system of the host: those of one *name* share the *free* bytes."""

    name: str
    free: int


@dataclass(frozen=True)
class Place:
    """What is mounted, a folder or a single file, and where it lies; None where nobody can tell."""

    is_folder: bool
    disk: Disk | None = None


@dataclass(frozen=True, kw_only=True)
class DatabaseRoom:
    """Where PostgreSQL has its *data* and its *log*.

    From about *most_log* bytes on (`max_wal_size`) the log is recycled; None where the server keeps
    all of it for somebody, an archive or a standby.
    """

    data: Disk
    log: Disk
    most_log: int | None


@dataclass(frozen=True, kw_only=True)
class Room:
    """What could be told of it; *folders* are the disks of the mounts, by their sources."""

    database: DatabaseRoom | None = None
    folders: Mapping[str, Disk] = field(default_factory=dict)


@dataclass(frozen=True)
class _Need:
    disk: Disk
    what: str
    size: int


def require_room(room: Room, *, database: int, files: Mapping[str, int]) -> None:
    """Raises RefusedError where a disk has no room for all that will lie on it for a while.

    *database* is the size of the one that is loaded, 0 for none or an unknown one; *files* are
    those of what is unpacked, by the source of the mount.
    """
    needs = [*_of_database(room.database, database), *_of_files(room, files)]
    for name in dict.fromkeys(each.disk.name for each in needs):
        there = [each for each in needs if each.disk.name == name]
        needed, free = sum(each.size for each in there), min(each.disk.free for each in there)
        if free < needed:
            raise RefusedError(
                f"a restore takes about {needed // _MIB:,} MiB for {_listed(there)};"
                f" the disk for that has {free // _MIB:,} MiB free",
                hint=f"{UNTOUCHED} Make room there.",
            )


def _of_database(there: DatabaseRoom | None, size: int) -> Iterator[_Need]:
    """All that is loaded is written twice, the second time into the server's log.

    A server that has no room for that one ends, and does not start again before somebody has made
    some.
    """
    if there is None or not size:
        return
    loaded = int(size * _SPARE)
    log = loaded
    if there.most_log is not None:
        log = min(loaded, there.most_log + max(there.most_log // 2, _LATE))
    yield _Need(there.data, "the database", loaded)
    yield _Need(there.log, "the log of its load", log + _LOG_AHEAD)


def _of_files(room: Room, files: Mapping[str, int]) -> Iterator[_Need]:
    """They are unpacked beside those that serve."""
    for source, size in files.items():
        if disk := room.folders.get(source):
            yield _Need(disk, "the files", int(size * _SPARE))


def _listed(needs: list[_Need]) -> str:
    *most, last = dict.fromkeys(each.what for each in needs)
    return f"{', '.join(most)} and {last}" if most else last
