"""The gate of an update, in words: what is looked at, what is wanted, and what may come of it.

`gate_verdict.judge` makes the one into the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.gate_signs import Sign

LOGGED_IN = "xak-flow-redirect"
"""The component in which a login ends that was let in."""
_BROKEN = 500
_NOT_FOUND = 404
_FINE = 400


class Verdict(StrEnum):
    """What to do with the version at the gate."""

    PROMOTE = "promote"
    WAIT = "wait"
    ROLL_BACK = "roll back"
    ASK = "ask"


@dataclass(frozen=True)
class Judgement:
    """*reason* is a sentence to act on, *proof* the log lines that show it, masked.

    *of_the_host*: what failed is around the version, such as a full disk, and says nothing of it.
    """

    verdict: Verdict
    reason: str
    proof: tuple[str, ...] = ()
    of_the_host: bool = False


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds: *stable*, for how long all must hold without interruption, within *timeout*.

    A migration that moves gets more than *timeout*; one that has not moved for *still* hangs. What
    cannot come good by itself is believed once it has lasted for *lasting*.
    """

    stable: float
    timeout: float
    lasting: float = 15

    @property
    def still(self) -> float:
        """For how long a migration may not move, never longer than a third of *timeout*."""
        return min(_HANGS, self.timeout / 3)


_HANGS = 300.0


@dataclass(frozen=True, kw_only=True)
class ContainerSeen:
    """A container; *started* tells one run of it from the next, *restarts* is Docker's count.

    *health* is Docker's, "" where there is no check. *version* is what its version file says now,
    None where that could not be read. *exit_code* is that of its last end, whether it runs again or
    not; None before one, and where nobody tells.
    """

    service: str
    id: str
    running: bool
    started: str
    restarts: int = 0
    exit_code: int | None = None
    health: str = ""
    version: str | None = None
    image_id: str = ""


@dataclass(frozen=True, kw_only=True)
class MigrationSeen:
    """Somebody who holds Authentik's advisory lock.

    *active*: a session of his works at this moment, and waits for no other's lock. *rows* is how
    many rows there are in `django_migrations`, *newest* when his newest statement began: while one
    of them changes, it moves, whatever state the holder's own session is in (facts §11).
    """

    active: bool
    rows: int = 0
    newest: str = ""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """HTTP status of what people use, None where nobody answered or nobody asked.

    *public* is the login page at the public URL, *urls* are the person's own. *login* is the
    component that a test login ended in, with its own words behind a blank; None where none was
    tried at this look.
    """

    login_page: int | None = None
    root_config: int | None = None
    public: int | None = None
    urls: Mapping[str, int | None] = field(default_factory=dict)
    login: str | None = None


@dataclass(frozen=True, kw_only=True)
class Baseline(Answers):
    """What the old version answered: only what held before can fail the gate.

    *public_url* is the address at which people log in, "" where none is known.
    """

    public_url: str = ""

    @property
    def unchecked(self) -> tuple[str, ...]:
        """What cannot be judged, since it did not work before, in words."""
        pages = [
            ("the login page", self.login_page, True),
            ("/api/v3/root/config/", self.root_config, True),
            *((url, status, True) for url, status in self.urls.items()),
            (self.public_url, self.public, bool(self.public_url)),
        ]
        found = [
            f"{name} ({status or 'no answer'})"
            for name, status, wanted in pages
            if wanted and not held(status)
        ]
        if self.login is not None and self.login != LOGGED_IN:
            found.append(f"the test login (it ended in {self.login})")
        return tuple(found)


def held(status: int | None) -> bool:
    """Whether a page answered in a way that a later answer can be held against."""
    return status is not None and status < _BROKEN and status != _NOT_FOUND


def as_before(before: int | None, now: int | None) -> bool:
    """Whether a page that held answers as it did; one that did not hold always does."""
    if not held(before) or now == before:
        return True
    return before is not None and before < _FINE and now is not None and now < _FINE


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One look; *at* is in seconds since the new containers were started, by a monotonic clock.

    *seen* is False where nothing could be seen, since Docker was away, *database* where PostgreSQL
    let nobody in: *workers* and *migration* tell nothing then. *workers* are the versions
    of the workers that have beaten since they were started, None where no table tells. *signs* are
    those that the logs have shown since the look before.
    """

    at: float
    seen: bool = True
    database: bool = True
    containers: tuple[ContainerSeen, ...] = ()
    ready: int | None = None
    answers: Answers = field(default_factory=Answers)
    workers: tuple[str, ...] | None = None
    migration: MigrationSeen | None = None
    signs: tuple[Sign, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What shall hold: *services* run *version*, each from its image in *image_ids* if it is there.

    *server* is among the services, and so is *worker*, None where the stack has none. *others* must
    only run: outposts. *version* None: any, because it could not be read before.
    """

    server: str
    worker: str | None
    version: str | None
    others: tuple[str, ...] = ()
    image_ids: Mapping[str, str] = field(default_factory=dict)
    baseline: Baseline = field(default_factory=Baseline)

    @property
    def services(self) -> tuple[str, ...]:
        return (self.server, self.worker) if self.worker else (self.server,)
