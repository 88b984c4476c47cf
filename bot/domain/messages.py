"""Commands, imperative, and events, in the past tense."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import LATEST
from bot.domain.jobs import Job, JobKind, Trigger
from bot.domain.manifest import Component, Manifest
from bot.domain.signature import PublicKey


@dataclass(frozen=True, kw_only=True)
class Command:
    """What a job is begun with.

    *origin* is where the outcome is told, *slot* the planned moment of a scheduled job.
    """

    kind: ClassVar[JobKind]

    trigger: Trigger
    actor: str
    origin: str = ""
    slot: datetime | None = None
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class RunBackup(Command):
    """Back the stack up."""

    kind: ClassVar[JobKind] = JobKind.BACKUP

    pin: bool = False
    components: frozenset[str] = frozenset()  # empty: all


@dataclass(frozen=True, kw_only=True)
class RunPrune(Command):
    """Delete what has outlived its use; after a backup it has no slot, which is the backup's."""

    kind: ClassVar[JobKind] = JobKind.PRUNE


@dataclass(frozen=True, kw_only=True)
class RunDelete(Command):
    """Delete *backup*, an id or its beginning, from that *store*, or with "" from all.

    *force*: also if it is the newest good one.
    """

    kind: ClassVar[JobKind] = JobKind.DELETE

    backup: str
    store: str = ""
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class RunCopy(Command):
    """Copy to each store the backups that it lacks."""

    kind: ClassVar[JobKind] = JobKind.COPY


@dataclass(frozen=True, kw_only=True)
class RunRekey(Command):
    """Seal *backup*, an id, its beginning, `latest` or `all`, anew for today's keys."""

    kind: ClassVar[JobKind] = JobKind.REKEY

    backup: str = "all"


@dataclass(frozen=True, kw_only=True)
class RunDrill(Command):
    """Restore *backup*, an id, its beginning or `latest`, into throw-away containers.

    *boot*: start its Authentik on the copy as well.
    """

    kind: ClassVar[JobKind] = JobKind.DRILL

    backup: str = LATEST
    boot: bool = False


@dataclass(frozen=True, kw_only=True)
class RunRestore(Command):
    """Let the stack serve *backup* again, an id, its beginning or `latest`.

    *components* empty: all but Redis. *trust* is one more key whose signature counts.
    *keep_queue*: tasks that waited when it was made are done. *undo*: take the last restore back
    instead, all else then counts for nothing. *apply_compose*: where its layout is another one its
    compose files come with it. *dump*: the path of a dump that a person made, to
    serve instead of a backup, "-" for what comes on stdin. *agreed*: the hash of the plan that a
    person has agreed to, where nobody is asked once it has begun.
    """

    kind: ClassVar[JobKind] = JobKind.RESTORE

    backup: str = LATEST
    components: frozenset[str] = frozenset()
    trust: PublicKey | None = None
    allow_unsigned: bool = False
    with_redis: bool = False
    keep_queue: bool = False
    apply_compose: bool = False
    safety_backup: bool = True
    undo: bool = False
    dump: str = ""
    agreed: str = ""


@dataclass(frozen=True, kw_only=True)
class RunUpdate(Command):
    """Update to the version *tag*, by default to the newest that did not fail here.

    *apply_compose*: change the compose files where the way wants it. *agreed*: the hash of the plan
    that a person has agreed to, where nobody is asked once it has begun.
    """

    kind: ClassVar[JobKind] = JobKind.UPDATE

    tag: str = ""
    rehearse: bool = True
    apply_compose: bool = False
    agreed: str = ""


@dataclass(frozen=True, kw_only=True)
class RunRollback(Command):
    """Take the last update back; *agreed* as for an update."""

    kind: ClassVar[JobKind] = JobKind.ROLLBACK

    safety_backup: bool = True
    agreed: str = ""


@dataclass(frozen=True)
class BackupStarted:
    """A backup has its name.

    *expected_dump* is about how many bytes the dump will have, for a progress bar; both are 0 when
    no database is part of it.
    """

    backup_id: BackupId
    database_size: int
    expected_dump: int


@dataclass(frozen=True)
class ComponentProgressed:
    """So many bytes of a component were read so far, before they were compressed or sealed."""

    component: str
    read_bytes: int
    stored_bytes: int


@dataclass(frozen=True)
class BytesPassed:
    """So many bytes of what a job reads or fetches now have passed.

    *total_bytes* is 0 where nobody knows how many there are.
    """

    passed_bytes: int
    total_bytes: int = 0


@dataclass(frozen=True)
class LayersPulled:
    """Of an image's *layers* so many are *here*; *passed_bytes* of it have come so far."""

    here: int
    layers: int
    passed_bytes: int


@dataclass(frozen=True)
class ComponentStored:
    """A component lies in the store, complete."""

    component: Component


@dataclass(frozen=True)
class ComponentVerified:
    """A stored component was read back and is what was sent."""

    component: Component


@dataclass(frozen=True)
class BackupFinished:
    """The manifest is written: the backup exists; *missing* says of the stores without it why."""

    manifest: Manifest
    seconds: float
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeletionBegan:
    """The *number*-th of *total* sets is about to be deleted."""

    backup_id: BackupId
    number: int
    total: int


@dataclass(frozen=True)
class StepBegan:
    """A job does something else now; *words* say what, for people."""

    words: str


@dataclass(frozen=True)
class JobBegan:
    """A job holds the lock and is in the journal."""

    job: Job


@dataclass(frozen=True)
class JobEnded:
    """The journal says how it ended."""

    job: Job


BackupEvent = (
    BackupStarted | ComponentProgressed | ComponentStored | ComponentVerified | BackupFinished
)
Event = BackupEvent | BytesPassed | LayersPulled | DeletionBegan | StepBegan | JobBegan | JobEnded
