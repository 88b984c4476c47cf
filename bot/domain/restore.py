"""What a restore is about to do: its plan, written down before anything is changed.

The plan knows all that must be known to finish or to undo it while server and worker are away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import TypeAdapter

from bot.domain.backup_id import BackupId
from bot.domain.compose_swap import ComposeSwap
from bot.domain.stack import Stack

PLAN = "restore"
"""Fact of a restore's job: its plan, as JSON."""
FROM_NOTHING = "from_nothing"
"""Fact of a restore's job: that it found no database, so that nothing takes it back."""
DUMP = "dump"
"""Fact of a restore's job: the name of the dump that a person gave."""
PHASE = "phase"
"""Fact of a restore's job: how far it was about to go."""
KEPT = "kept"
"""Fact of a restore's job: what of the state before is kept, "" once that is gone."""
KEPT_SINCE = "kept_since"
"""Fact of it: when that was set aside, in ISO's form, where that was after its end."""
UNDO = "undo"
"""The label of a job that takes the last restore back, where a chat asks for it."""
GOING_AWAY = "stopping and removing server and worker"
"""The step of a restore from which on nobody is served until the gate holds."""

UNTOUCHED = "Nothing was changed."
_LONGEST_NAME = 30  # bytes of a database's name, of 63, which leave room for what is added


class Phase(StrEnum):
    """How far a restore is about to go; each is written before its first act."""

    BESIDE = "beside"  # database and files are made beside those that serve
    SWITCH = "switch"  # server and worker go, and all is swapped
    START = "start"  # the restored state is started, and may be written to
    KEEP = "keep"  # the gate held


class Kept(StrEnum):
    """What the databases and folders that a restore keeps are good for."""

    BEFORE = "before"  # the state before, for an undo
    FAILED = "failed"  # what did not hold, but may have been written to; or its image alone


class SessionsDo(StrEnum):
    """What becomes of Redis."""

    LEAVE = "leave"
    FLUSH = "flush"
    LOAD = "load"


@dataclass(frozen=True)
class Folder:
    """A mount whose content is replaced; *source* is a folder or a volume's name on the host."""

    component: str
    source: str


@dataclass(frozen=True)
class TagChange:
    """A setting of Compose's env *file*; None for a value: it does not stand there."""

    file: str
    name: str
    old: str | None
    new: str | None

    @property
    def back(self) -> "TagChange":
        """The change that undoes this one."""
        return TagChange(self.file, self.name, self.new, self.old)


@dataclass(frozen=True, kw_only=True)
class Site:
    """The stack, as it must be known while its server is away; services by Compose's names.

    *postgresql* is "" where the database is outside of the project. *database* is Authentik's,
    *user* the superuser of the server, or Authentik's own role in one that is outside; *role* is
    Authentik's own in any case, "" where that is not known. *image*,
    *version* and *login_page*, the HTTP status of the login page, are those of what ran before.
    *outposts* are services that go and come with the server; a restore leaves them alone.
    *redis_folder* is what Redis's data lie in, as Docker mounts it, and *redis_image* the name of
    its image; "" where that is not known.
    """

    project: str
    postgresql: str
    server: str
    worker: str | None
    redis: str | None
    working_dir: str
    config_files: tuple[str, ...]
    env_files: tuple[str, ...]
    database: str
    user: str
    image: str
    version: str | None
    login_page: int | None = None
    outposts: tuple[str, ...] = ()
    redis_folder: str = ""
    redis_image: str = ""
    role: str = ""

    @property
    def services(self) -> tuple[str, ...]:
        """Server and worker."""
        return (self.server, self.worker) if self.worker else (self.server,)

    @property
    def rolled(self) -> tuple[str, ...]:
        """What is removed and started again."""
        return (*self.services, *self.outposts)


def compose_site(stack: Stack) -> Site:
    """The stack as far as Compose is told of it; of its database nothing is known here."""
    return Site(
        project=stack.project,
        postgresql=stack.postgresql.service if stack.postgresql else "",
        server=stack.server.service,
        worker=stack.worker.service if stack.worker else None,
        redis=stack.redis.service if stack.redis else None,
        working_dir=stack.working_dir,
        config_files=stack.config_files,
        env_files=stack.env_files,
        database="",
        user="",
        image=stack.server.image,
        version=None,
    )


@dataclass(frozen=True, kw_only=True)
class RestorePlan:
    """What will be done.

    *backup* is the backup's id, "" where a person gave a *dump*, which is its name then; an undo
    has both of what it takes back, and that job in *undoes*.
    *image* and *version* are what will serve. *from_nothing*: Authentik's database is not there, so
    that none goes out. *tag* is None where what runs is that image already,
    *compose* where the compose files stay. *folders* that have nothing in the backup are emptied.
    """

    job: str
    backup: str
    site: Site
    database: bool
    folders: tuple[Folder, ...]
    sessions: SessionsDo
    image: str
    version: str | None
    tag: TagChange | None = None
    undoes: str = ""
    dump: str = ""
    compose: ComposeSwap | None = None
    from_nothing: bool = False

    @property
    def source(self) -> str:
        """What serves, once it does, in words."""
        return f"the dump {self.dump}" if self.dump else f"backup {self.backup}"

    @property
    def incoming(self) -> str:
        """The name of the database that is to serve, until it does."""
        return database_name(self.site.database, "restore", self.job)

    @property
    def outgoing(self) -> str:
        """The name that the database which served before has from then on."""
        return database_name(self.site.database, "before", self.job)

    @property
    def site_with_redis(self) -> Site:
        """The stack once the Redis of the compose files that come runs."""
        comes = self.compose.comes if self.compose else None
        return replace(self.site, redis=comes.name) if comes else self.site

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(folder.source for folder in self.folders)


def database_name(database: str, role: str, job: str) -> str:
    """What the database of a job is called beside *database*; it fits PostgreSQL's 63 bytes."""
    stem = database.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f"{stem}_{role}_{job.lower().replace('-', '_')}"


def undo_plan(
    done: RestorePlan,
    job: BackupId,
    site: Site,
    tag: TagChange | None,
    compose: ComposeSwap | None = None,
) -> RestorePlan:
    """How to take back what *done* did, on the stack as it is now, *site*.

    A Redis that comes or goes with the compose files has what it had: nothing is loaded into it.
    """
    return RestorePlan(
        job=job,
        backup=done.backup,
        site=site,
        database=done.database,
        folders=done.folders,
        sessions=sessions_back(done),
        image=done.site.image,
        version=done.site.version,
        tag=tag,
        undoes=done.job,
        dump=done.dump,
        compose=compose,
    )


def sessions_back(done: RestorePlan) -> SessionsDo:
    """What an undo of *done* does to Redis."""
    moved = done.compose and (done.compose.comes or done.compose.goes)
    if moved or done.sessions is SessionsDo.LEAVE:
        return SessionsDo.LEAVE
    return SessionsDo.LOAD


_ADAPTER = TypeAdapter(RestorePlan)


def encode_plan(plan: RestorePlan) -> str:
    """The plan for the journal."""
    return _ADAPTER.dump_json(plan).decode()


def facts_of(plan: RestorePlan) -> Mapping[str, str]:
    """The plan for the journal, and what others ask of it who do not read plans."""
    return {PLAN: encode_plan(plan)} | ({FROM_NOTHING: "yes"} if plan.from_nothing else {})


def goes_back(facts: Mapping[str, str]) -> bool:
    """Whether there was anything before the restore of these facts that could serve again."""
    return FROM_NOTHING not in facts


def plan_of(facts: Mapping[str, str]) -> RestorePlan | None:
    """The plan in a job's facts; None where it had not come so far as to change anything."""
    return _ADAPTER.validate_json(facts[PLAN]) if PLAN in facts else None


def phase_of(facts: Mapping[str, str]) -> Phase:
    """How far a job with a plan was about to go."""
    return Phase(facts.get(PHASE, Phase.BESIDE))
