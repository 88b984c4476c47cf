"""What room a restore or an update takes beside what serves, disk by disk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.errors import RefusedError
from bot.domain.restore import UNTOUCHED

SPARE = 1.1  # of what was measured: indexes were smaller, and small files take whole blocks
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
class Need:
    """So many bytes of *disk* for *what*."""

    disk: Disk
    what: str
    size: int


@dataclass(frozen=True)
class Crowd:
    """All *needs* of one disk, which has *free* bytes."""

    needs: Sequence[Need]
    free: int

    @property
    def needed(self) -> int:
        """Bytes, in all."""
        return sum(each.size for each in self.needs)

    @property
    def fits(self) -> bool:
        """Whether there is room."""
        return self.needed <= self.free


def by_disk(needs: Sequence[Need]) -> list[Crowd]:
    """What lies on one disk, together."""
    crowds = []
    for name in dict.fromkeys(each.disk.name for each in needs):
        there = [each for each in needs if each.disk.name == name]
        crowds.append(Crowd(there, min(each.disk.free for each in there)))
    return crowds


def log_of(written: int, most_log: int | None) -> int:
    """How many bytes the server's log takes while so many are *written*.

    A server that has no room for that one ends, and does not start again before somebody has made
    some.
    """
    log = written
    if most_log is not None:
        log = min(written, most_log + max(most_log // 2, _LATE))
    return log + _LOG_AHEAD


def require_room(room: Room, *, database: int, files: Mapping[str, int]) -> None:
    """Raises RefusedError where a disk has no room for all that will lie on it for a while.

    *database* is the size of the one that is loaded, 0 for none or an unknown one; *files* are
    those of what is unpacked, by the source of the mount.
    """
    needs = [*_of_database(room.database, database), *_of_files(room, files)]
    for disk in by_disk(needs):
        if not disk.fits:
            raise RefusedError(
                f"a restore takes about {disk.needed // _MIB:,} MiB for {_listed(disk.needs)};"
                f" the disk for that has {disk.free // _MIB:,} MiB free",
                hint=f"{UNTOUCHED} Make room there.",
            )


def _of_database(there: DatabaseRoom | None, size: int) -> Iterator[Need]:
    """All that is loaded is written twice, the second time into the server's log."""
    if there is None or not size:
        return
    loaded = int(size * SPARE)
    yield Need(there.data, "the database", loaded)
    yield Need(there.log, "the log of its load", log_of(loaded, there.most_log))


def _of_files(room: Room, files: Mapping[str, int]) -> Iterator[Need]:
    """They are unpacked beside those that serve."""
    for source, size in files.items():
        if disk := room.folders.get(source):
            yield Need(disk, "the files", int(size * SPARE))


def _listed(needs: Sequence[Need]) -> str:
    *most, last = dict.fromkeys(each.what for each in needs)
    return f"{', '.join(most)} and {last}" if most else last
