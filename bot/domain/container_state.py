"""What the Engine says of a container, in the terms of incidents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.incident import Rules, Seen, Trouble
from bot.domain.restart_loop import TOO_MANY, Restarts
from bot.domain.stack import Role

DOCKER = "Docker"
"""What all containers depend on; no service is called so."""
STACK = "the stack"
"""What is missing where it has no container, or none is known to be of it; no service is called so.

All containers depend on it.
"""
_NOT_PASSED = "its health check has not passed yet"
_ORDERLY = frozenset({0, 130, 143})  # ended by itself, on Ctrl-C, on SIGTERM
_STOP_SIGNALS = frozenset({"2", "3", "15"})
_TOLD_TO = timedelta(minutes=2)  # a stop grants some seconds before it kills


def watch_rules(names: Mapping[Role, Sequence[str]]) -> Rules:
    """What depends on what, by the names that each role's service may have."""
    stores = [name for role in (Role.POSTGRESQL, Role.REDIS) for name in names[role]]
    served = [name for role in (Role.SERVER, Role.WORKER) for name in names[role]]
    depends = {name: frozenset({DOCKER, STACK}) for name in stores}
    depends |= {name: frozenset({DOCKER, STACK, *stores}) for name in served}
    return Rules(depends=depends)


@dataclass(frozen=True)
class ContainerState:
    """A look at a container; *health* is "" where it has no check.

    *service* is a name as in `replicas`, one's own where there are several of a service.
    *passed* is when its newest check began, None where that failed or there was none; *started* is
    when its process did, None where that is not known. *restarts* are those by its own policy since
    somebody started it.
    """

    service: str
    status: str
    health: str
    exit_code: int
    out_of_memory: bool
    image: str
    passed: datetime | None = None
    started: datetime | None = None
    restarts: int = 0

    @property
    def runs(self) -> bool:
        """Whether it has a process."""
        return self.status in {"running", "paused"}

    @property
    def serves(self) -> bool:
        """Whether nothing is wrong."""
        return self._trouble()[0] is None

    def seen(self, at: datetime) -> Seen:
        """What that means."""
        trouble, detail = self._trouble()
        return Seen(self.service, at, trouble, detail, self.image)

    def _trouble(self) -> tuple[Trouble | None, str]:
        match self.status:
            case "running" if self.health == "unhealthy":
                return Trouble.UNHEALTHY, "its health check fails"
            case "running" if self.health == "starting":
                return Trouble.STARTING, _NOT_PASSED
            case "running":
                return None, ""
            case "paused":
                return Trouble.PAUSED, "docker pause"
            case "created":
                return Trouble.STOPPED, "it was made and never started"
            case _:
                return self._ended()

    def _ended(self) -> tuple[Trouble, str]:
        trouble, detail = ended(self.exit_code, out_of_memory=self.out_of_memory, told_to=False)
        if trouble is Trouble.STOPPED and self.status == "restarting":
            return Trouble.STARTING, f"Docker starts it again after {detail}"
        return trouble, detail


def ended(exit_code: int, *, out_of_memory: bool, told_to: bool) -> tuple[Trouble, str]:
    """What the end of a container's process means; *told_to*: somebody asked it to end."""
    detail = f"exit code {exit_code}"
    if out_of_memory:
        return Trouble.OUT_OF_MEMORY, f"the kernel killed it at its memory limit, {detail}"
    if told_to or exit_code in _ORDERLY:
        return Trouble.STOPPED, detail
    return Trouble.CRASHED, detail


@dataclass(frozen=True)
class Happened:
    """An event of the Engine; *signal* only of a kill, *exit_code* only of a death."""

    service: str
    at: datetime
    action: str
    image: str = ""
    exit_code: int = 0
    signal: str = ""

    @property
    def started(self) -> Seen:
        """What it means that it was started now."""
        return Seen(self.service, self.at, Trouble.STARTING, _NOT_PASSED, self.image)


@dataclass(frozen=True)
class Before:
    """What events said of a container: when it was told to end, or lacked memory, and its *end*.

    *lack* is the newest lack of memory, until a look has shown whether it has outlived it. Looks
    said how often the Engine restarted it; *code* is that of its last end, over its restarts.
    """

    told_to: datetime | None = None
    out_of_memory: datetime | None = None
    end: Seen | None = None
    lack: Seen | None = None
    code: int | None = None
    restarts: Restarts = field(default_factory=Restarts)

    def after(self, event: Happened) -> "Before":
        """With what *event* says."""
        match event.action:
            case "oom":
                return replace(self, out_of_memory=event.at, lack=_lack(event))
            case "kill" if event.signal in _STOP_SIGNALS:
                return replace(self, told_to=event.at)
            case "die":
                return replace(self, end=self.death(event), lack=None, code=event.exit_code)
            case "start":
                return Before(code=self.code, restarts=self.restarts)
            case _:
                return self

    def death(self, event: Happened) -> Seen:
        """What it means that it died now."""
        trouble, detail = ended(
            event.exit_code,
            out_of_memory=_recent(self.out_of_memory, event.at),
            told_to=_recent(self.told_to, event.at),
        )
        return Seen(event.service, event.at, trouble, detail, event.image)

    def may_go_on(self, event: Happened) -> bool:
        """Whether the Engine may start it again by itself, now that it died as if it were stopped.

        A look shows it.
        """
        was_ended = _recent(self.told_to, event.at) or _recent(self.out_of_memory, event.at)
        return event.exit_code in _ORDERLY and not was_ended

    def look(self, seen: Seen) -> Seen:
        """What was *seen* by a look, which cannot know who ended a container, or what in it."""
        if self.lack and seen.trouble is None:
            return self.lack
        if seen.trouble is not Trouble.CRASHED:
            return seen
        if self.end:
            return replace(seen, trouble=self.end.trouble, detail=self.end.detail)
        if _recent(self.told_to, seen.at):
            return replace(seen, trouble=Trouble.STOPPED)
        return seen

    def looked(self, state: ContainerState, now: datetime) -> tuple["Before", Seen]:
        """With a look at *now*, and what that means with all that is known."""
        restarts = self.restarts.after(state.restarts, now, serves=state.serves)
        seen = self.look(state.seen(now))
        known = replace(self.alive(state.started) if state.runs else self, restarts=restarts)
        if seen.trouble not in {None, Trouble.STARTING}:
            return known, seen
        began = restarts.began
        if began is None and state.status == "restarting" and state.restarts >= TOO_MANY:
            began = now  # or long before
        if began:
            return known, replace(
                seen, at=began, trouble=Trouble.RESTARTING, detail=self._how_it_ends(state)
            )
        if self.restarts.began and restarts.serves:  # it was well all the while that it took
            return known, replace(seen, at=restarts.serves)
        return known, seen

    def _how_it_ends(self, state: ContainerState) -> str:
        code = self.code if state.runs else state.exit_code
        how = "" if code is None else f" with exit code {code}"
        return f"it ends by itself{how}, and Docker starts it again"

    def alive(self, started: datetime | None = None) -> "Before":
        """With the news that it runs, since *started*: what was before that is over.

        The event that it started is lost where the Engine itself was restarted.
        """
        known = replace(self, end=None, lack=None)
        if started and self.told_to and self.told_to < started:
            known = replace(known, told_to=None)
        if started and self.out_of_memory and self.out_of_memory < started:
            known = replace(known, out_of_memory=None)
        return known


def _lack(event: Happened) -> Seen:
    detail = "the kernel killed a process in it at its memory limit"
    return Seen(event.service, event.at, Trouble.OUT_OF_MEMORY, detail, event.image)


def _recent(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and abs(now - moment) < _TOLD_TO
