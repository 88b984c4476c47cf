"""What the picture of a stack shows: its backups, its memory, and when it served nobody. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from pydantic import TypeAdapter

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.outages import Away, away_in_jobs, outages

FEWEST_BACKUPS = 2
"""One alone shows no course."""
MOST_BACKUPS = 60
"""The newest ones: more dots than that are a smear on a phone."""
MOST_OUTAGES = 3
_NEARLY_FULL = 0.9


@dataclass(frozen=True)
class BackupDot:
    """A good backup; *seconds* is how long its job took, None where this host knows none."""

    at: datetime
    size: int
    seconds: float | None = None


@dataclass(frozen=True)
class MemorySample:
    """Bytes that a container used, its page cache left out."""

    at: datetime
    used: int


@dataclass(frozen=True)
class MemoryUse:
    """A container's memory, the oldest sample first; *limit* in bytes, None where it has none."""

    service: str
    samples: tuple[MemorySample, ...]
    limit: int | None = None
    restarts: int = 0

    @property
    def now(self) -> int:
        return self.samples[-1].used

    @property
    def peak(self) -> int:
        """The most of all samples."""
        return max(each.used for each in self.samples)

    @property
    def is_nearly_full(self) -> bool:
        """Whether so little is left that the kernel may soon kill something in it."""
        return self.limit is not None and self.now > _NEARLY_FULL * self.limit


@dataclass(frozen=True)
class Outage:
    """For *seconds* nobody could log in; *bad* unless a job did it that went well."""

    at: datetime
    cause: str
    seconds: float
    bad: bool = False


@dataclass(frozen=True)
class Figures:
    """All of the picture; backups and outages with the oldest first."""

    backups: tuple[BackupDot, ...] = ()
    memory: tuple[MemoryUse, ...] = ()
    outages: tuple[Outage, ...] = ()

    @property
    def are_worth_drawing(self) -> bool:
        """Whether there is a course to see."""
        return len(self.backups) >= FEWEST_BACKUPS


def figures_of(
    records: Sequence[BackupRecord],
    jobs: Sequence[Job],
    memory: Sequence[MemoryUse],
    *,
    zone: tzinfo,
    in_incidents: Sequence[Away] = (),
) -> Figures:
    """The picture's figures, their moments as on a clock in *zone*; all come newest first.

    *in_incidents* is when nobody could log in because of them.
    """
    ran = {job.id: job for job in jobs if job.kind is JobKind.BACKUP and job.state is JobState.DONE}
    good = [each for each in records if each.state is BackupState.GOOD][:MOST_BACKUPS]
    newest = outages([*away_in_jobs(jobs), *in_incidents])[-MOST_OUTAGES:]
    return Figures(
        tuple(_dot(each, ran, zone) for each in reversed(good)),
        tuple(memory),
        tuple(_outage(each, zone) for each in newest),
    )


def _dot(record: BackupRecord, ran: Mapping[BackupId, Job], zone: tzinfo) -> BackupDot:
    job = ran.get(record.id)
    took = (job.ended - job.started).total_seconds() if job and job.ended else None
    return BackupDot(record.created.astimezone(zone), record.stored_size, took)


def _outage(away: Away, zone: tzinfo) -> Outage:
    seconds = (away.end - away.begin).total_seconds()
    return Outage(away.begin.astimezone(zone), away.cause, seconds, away.bad)


_ADAPTER = TypeAdapter(Figures)


def encode_figures(figures: Figures) -> bytes:
    """As they travel to the process that draws them."""
    return _ADAPTER.dump_json(figures)


def decode_figures(data: bytes) -> Figures:
    """Read what `encode_figures` wrote. Raises ValueError where it is something else."""
    return _ADAPTER.validate_json(data)
