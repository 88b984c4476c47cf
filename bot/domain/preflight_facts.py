"""What a preflight looks at: the stack as it is now, gathered before anything is judged."""

from dataclasses import dataclass

from bot.domain.drift import Drift
from bot.domain.outposts import ProjectOutpost
from bot.domain.restore_room import DatabaseRoom, Disk
from bot.domain.stack import Container


@dataclass(frozen=True, kw_only=True)
class DatabaseState:
    """Authentik's database and its server.

    *server* as PostgreSQL numbers itself, such as 160004; *size* in bytes. *written_version* is the
    newest row of the version history, *workers* are the versions of worker rows of the last two
    minutes, None where there is no such table. *migrating* counts the holders of Authentik's
    advisory lock, *idle* the transactions that were left open for minutes. *room* is that of its
    data and its log, None where nobody can tell.
    """

    server: int
    encoding: str
    size: int
    room: DatabaseRoom | None
    written_version: str | None
    workers: tuple[str, ...] | None
    migrating: int
    idle: int
    connections: int
    max_connections: int
    duplicate_groups: tuple[str, ...]
    outposts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    """A container of Authentik's image.

    *settings* are the names of the variables that it was given and that are not empty; their values
    may be secrets and are not here. *shared_memory* is in bytes.
    """

    container: Container
    version: str | None
    settings: frozenset[str]
    shared_memory: int

    def mounts_at(self, target: str) -> bool:
        """Whether something is mounted there, or below it."""
        return any(
            mount.target == target or mount.target.startswith(f"{target}/")
            for mount in self.container.mounts
        )


@dataclass(frozen=True, kw_only=True)
class ComposeState:
    """The compose files. *drift* are the services whose containers are made from other ones.

    *trouble* says why nobody could tell, *refusal* why what the way wants of the files cannot be
    done for a person, with what to do in *by_hand*; "" for no such thing. *left* is what would stay
    as it is, a sentence each. *applied*: what can be done for a person will be. *outposts* are the
    project's, as they would be with the target's tag.
    """

    drift: tuple[Drift, ...] = ()
    trouble: str = ""
    refusal: str = ""
    by_hand: str = ""
    left: tuple[str, ...] = ()
    applied: bool = False
    outposts: tuple[ProjectOutpost, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StackState:
    """All of it; *image_disk* is where the Engine keeps images, None where nobody can tell.

    It has the name that it has in the database's room where it is the same one.

    *memory* are the bytes that more containers could have, None where nobody can tell. *guests* are
    what lives in the network of server or worker, and neither goes nor comes with them. *ready* is
    the status with which the server says whether it is ready, None where it does not answer.
    *ipv6*: whether anything on the host can listen on [::], None where nobody can tell.
    """

    postgresql: Container | None
    redis: Container | None
    server: ServiceState
    worker: ServiceState | None
    database: DatabaseState
    image_disk: Disk | None
    ready: int | None
    memory: int | None = None
    ipv6: bool | None = None
    guests: tuple[str, ...] = ()
    compose: ComposeState = ComposeState()

    @property
    def services(self) -> tuple[ServiceState, ...]:
        """Server and worker, as far as they are there."""
        return (self.server, self.worker) if self.worker else (self.server,)
