"""What can be wrong with or around a container, and what people hear of it; see `incidents`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.replicas import service_of


class Trouble(StrEnum):
    """What is wrong, as it stands after "is"."""

    MISSING = "missing"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out of memory"
    RESTARTING = "restarting over and over"
    STOPPED = "stopped"
    PAUSED = "paused"
    UNHEALTHY = "unhealthy"
    STARTING = "still starting"
    UNREACHABLE = "unreachable"
    NOT_READY = "failing"
    SILENT = "overdue"
    DISK = "nearly full"
    MEMORY = "nearly used up"
    CPU = "used up"
    CONNECTIONS = "nearly reached"
    CERTIFICATE = "about to expire"
    IMAGE = "another one"
    DRIFT = "not the one that runs"


WARNINGS = frozenset(
    {
        *(Trouble.DISK, Trouble.MEMORY, Trouble.CPU, Trouble.CONNECTIONS),
        *(Trouble.CERTIFICATE, Trouble.IMAGE, Trouble.DRIFT),
    }
)
"""All works still, and somebody should see to it before it does not."""
MOMENTARY = frozenset({Trouble.CRASHED, Trouble.OUT_OF_MEMORY, Trouble.PAUSED})
"""What somebody or something did at one moment; all else is how it has been since then."""
AROUND = WARNINGS | {Trouble.UNREACHABLE, Trouble.NOT_READY, Trouble.SILENT}
"""What is wrong around the containers, and not with one of them."""


@dataclass(frozen=True)
class Seen:
    """What is known of a service's container, or of one of several; no *trouble*: it serves."""

    service: str
    at: datetime
    trouble: Trouble | None = None
    detail: str = ""
    image: str = ""


AT_ONCE = timedelta()
_PATIENCE = {
    Trouble.MISSING: timedelta(seconds=15),
    Trouble.STOPPED: timedelta(seconds=15),  # a restart by hand takes the 10 s that Docker grants
    Trouble.STARTING: timedelta(minutes=5),
}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """*depends*: without whom a service cannot work. *settle*: for how long all must be well.

    *linger*: how long what depended on a container may still be down once that is back. Of warnings
    people are reminded after *warned_again*, and *then_warned* from then on.
    """

    depends: Mapping[str, frozenset[str]]
    patience: Mapping[Trouble, timedelta] = field(default_factory=lambda: _PATIENCE)
    settle: timedelta = timedelta(seconds=30)
    linger: timedelta = timedelta(minutes=3)
    reminders: Sequence[timedelta] = (timedelta(hours=1), timedelta(hours=6))
    then_every: timedelta = timedelta(days=1)
    warned_again: Sequence[timedelta] = (timedelta(days=1),)
    then_warned: timedelta = timedelta(days=7)

    def needs(self, name: str, known: Iterable[str]) -> tuple[str, ...]:
        """Who of *known* is one without whom *name* cannot work, or a replica of one."""
        wanted = self.depends.get(service_of(name, self.depends), frozenset())
        return tuple(sorted(each for each in known if service_of(each, wanted) in wanted))

    def causes_first(self, names: Collection[str]) -> list[str]:
        """Each of *names* after all that it cannot work without."""
        return sorted(names, key=lambda each: (len(self.needs(each, names)), each))

    def reminded_after(self, incident: "Incident") -> timedelta:
        """How long after an incident opened its next reminder is due."""
        first, then = (
            (self.warned_again, self.then_warned)
            if incident.trouble in WARNINGS
            else (self.reminders, self.then_every)
        )
        number = incident.reminders
        if number < len(first):
            return first[number]
        return first[-1] + (number + 1 - len(first)) * then


@dataclass(frozen=True, kw_only=True)
class Incident:
    """*began* is when the trouble began, *others* were down with *root*, *flaps* how often more.

    *opened_as* is what *root* was called when it opened, where there is another one beside it now.
    """

    root: str
    trouble: Trouble
    detail: str
    image: str
    began: datetime
    opened: datetime
    others: frozenset[str] = frozenset()
    flaps: int = 0
    reminders: int = 0
    opened_as: str = ""

    @property
    def name(self) -> str:
        """With `opened`, what it is known by: neither ever changes."""
        return self.opened_as or self.root

    @property
    def words(self) -> str:
        """In a sentence."""
        detail = f" ({self.detail})" if self.detail else ""
        since = f"{self.began:%Y-%m-%d %H:%M:%S} UTC"  # it may have lasted for weeks
        return f"{self.root} is {self.trouble} since {since}{detail}"

    @property
    def members(self) -> frozenset[str]:
        """All that it holds."""
        return self.others | {self.root}


@dataclass(frozen=True)
class Opened:
    """*absorbed*: incidents that were told before, and have their cause in this one."""

    incident: Incident
    absorbed: tuple[Incident, ...] = ()


@dataclass(frozen=True)
class Closed:
    """All has been well since *ended*, but for those *left*; *image* is the one that runs now.

    Not *is_here*: the stack has no such service any more.
    """

    incident: Incident
    ended: datetime
    image: str = ""
    left: frozenset[str] = frozenset()
    is_here: bool = True

    @property
    def lasted(self) -> timedelta:
        """From the beginning of the trouble to its end."""
        return max(self.ended - self.incident.began, timedelta())


@dataclass(frozen=True)
class Reminded:
    """It still lasts."""

    incident: Incident


@dataclass(frozen=True)
class Renamed:
    """It goes on, and what it holds has another name now; nobody need hear of that alone."""

    incident: Incident


News = Opened | Closed | Reminded | Renamed
