"""What is told of each service of a stack, whatever happens to it on the real Engine: one incident.

The stack is a small one of its own, so that its checks take a second: each container is a shell,
whose check passes while what its service needs has given a sign of life within two seconds.
"""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.containers import EngineContainers
from bot.adapters.engine_api import EngineApi
from bot.adapters.threads import stop
from bot.domain.container_state import watch_rules
from bot.domain.discovery import StackWanted
from bot.domain.errors import PortError
from bot.domain.incident import Closed, Opened, Reminded, Trouble
from bot.domain.stack import Role
from bot.entrypoints.watcher import WatchRounds
from bot.services.watched_names import WatchedNames
from bot.services.watcher import Watcher
from tests.contracts import stacks
from tests.contracts.stacks import ENGINE, created, docker, inspect
from tests.e2e.socket_proxy import socket_proxy
from tests.services.test_watcher import FakeIncidentLog, FakeMute, FakeWatchedMark
from tests.thorough import THOROUGH

pytestmark = pytest.mark.docker

PROJECT = "watching"
STORES, APPS = ("postgresql", "redis"), ("authentik", "worker")
NAMES = {
    Role.POSTGRESQL: ("postgresql",),
    Role.REDIS: ("redis",),
    Role.SERVER: ("authentik",),
    Role.WORKER: ("worker",),
}
SECOND = timedelta(seconds=1)
SOON = dict.fromkeys((Trouble.MISSING, Trouble.STOPPED), SECOND)
RULES = replace(
    watch_rules(NAMES), settle=2 * SECOND, patience={**SOON, Trouble.STARTING: 60 * SECOND}
)
LIVES = "trap 'exit 0' TERM; touch /tmp/well; while :; do touch /shared/$0; sleep 0.2; done"
SIGN = "test $(($(date +%s) - $(stat -c %Y /shared/{}))) -le 2"
HOG = "head -c 300M /dev/zero | tail"
PATIENCE = 60


def check_of(service: str) -> str:
    needs = STORES if service in APPS else ()
    return " && ".join(["test -e /tmp/well", *(SIGN.format(each) for each in needs)])


@dataclass
class Stack:
    """Its containers, by their services; what they share is a folder.

    *events* is a file of what Docker tells of them while it happens: of what is over it knows only
    the last 256 events of all, and each check is three.
    """

    ids: dict[str, str]
    shared: Path
    events: Path

    def does(self, command: str, service: str) -> None:
        docker(command, self.ids[service])

    def runs(self, service: str, script: str, *, beside: bool = False) -> None:
        docker("exec", *(["--detach"] if beside else []), self.ids[service], "sh", "-c", script)

    def pid(self, service: str) -> int:
        return int(inspect(self.ids[service])["State"]["Pid"])

    def health(self, service: str) -> str:
        state = inspect(self.ids[service])["State"]
        return str(state["Health"]["Status"]) if state["Status"] == "running" else "down"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    shared = tmp_path_factory.mktemp("shared")
    shared.chmod(0o777)
    with ExitStack() as containers:
        ids = {
            service: containers.enter_context(one_of(service, "1", shared))
            for service in (*STORES, *APPS)
        }
        events = tmp_path_factory.mktemp("events") / "events"
        containers.enter_context(follow_events(events))
        docker("start", *ids.values())
        assert stacks.until(lambda: events.read_text().count("\n") >= len(ids))
        yield Stack(ids, shared, events)


@contextmanager
def follow_events(file: Path) -> Iterator[None]:
    filters = [f"--filter=label=com.docker.compose.project={PROJECT}"]
    filters += [f"--filter=event={each}" for each in ("die", "oom", "start")]
    with file.open("w") as output:
        following = subprocess.Popen(
            ["docker", "events", "--since=0", "--format={{json .}}", *filters],
            stdout=output,
            env=stacks.CLIENT,
        )
        try:
            yield
        finally:
            following.terminate()
            following.wait()


@contextmanager
def one_of(service: str, number: str, shared: Path) -> Iterator[str]:
    """A container as Compose makes it, which does not run yet; its id."""
    label = "com.docker.compose"
    with created(
        "postgres:17",
        *("-c", LIVES, service),
        options=[
            *("--entrypoint=sh", "--stop-signal=TERM", "--restart=always"),
            *(f"--label={label}.project={PROJECT}", f"--volume={shared}:/shared"),
            *(f"--label={label}.service={service}", "--health-interval=1s"),
            *(f"--label={label}.container-number={number}", "--health-retries=2"),
            *(f"--health-cmd={check_of(service)}", "--memory=64m", "--memory-swap=64m"),
        ],
    ) as container_id:
        yield container_id


@dataclass
class Heard:
    """An IncidentTeller."""

    opened_ones: list[Opened] = field(default_factory=list)
    closed_ones: list[Closed] = field(default_factory=list)
    closed_at: list[datetime] = field(default_factory=list)

    async def opened(self, opened: Opened) -> None:
        self.opened_ones.append(opened)

    async def closed(self, closed: Closed) -> None:
        self.closed_ones.append(closed)
        self.closed_at.append(datetime.now(UTC))

    async def reminded(self, reminded: Reminded) -> None:
        raise AssertionError(reminded)

    @property
    def roots(self) -> dict[str, Trouble]:
        return {each.incident.root: each.incident.trouble for each in self.opened_ones}


@pytest.fixture
async def heard(stack: Stack) -> AsyncIterator[Heard]:
    """What a watcher tells that begins when all is well."""
    await until(lambda: all(stack.health(each) == "healthy" for each in stack.ids), "all are well")
    heard, api = Heard(), EngineApi(ENGINE)
    containers = EngineContainers(api, StackWanted(PROJECT, NAMES))
    log, known = FakeIncidentLog(), WatchedNames(FakeWatchedMark())
    watcher = Watcher(containers, log, heard, never, SystemClock(), RULES, FakeMute(), never, known)
    rounds = asyncio.create_task(WatchRounds(watcher, containers, SystemClock()).run())
    await until(lambda: STORES[0] in watcher.watch.views, "it has looked")
    yield heard
    await stop(rounds)
    await api.close()


async def never() -> bool:
    return False


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for it, beside the watcher."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if await asyncio.to_thread(condition):
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"not within {PATIENCE} s: {what}")


def use_up_memory(stack: Stack, service: str) -> None:
    """The kernel takes the main process first, and Docker starts the container again."""
    Path(f"/proc/{stack.pid(service)}/oom_score_adj").write_text("1000")
    stack.runs(service, HOG, beside=True)


def crash_over_and_over(stack: Stack, service: str) -> None:
    """Each time that Docker has started it again."""
    for _ in range(3):
        end_and_start(stack, service, signal.SIGKILL)


def end_over_and_over(stack: Stack, service: str) -> None:
    """By itself, with exit code 0 as after a stop; nobody asked the Engine for that."""
    for _ in range(3):
        end_and_start(stack, service, signal.SIGTERM)


def end_and_start(stack: Stack, service: str, number: signal.Signals) -> None:
    """Docker tells the process that is gone for a moment longer, and then that there is none."""
    before = stack.pid(service)
    assert before > 0, "0 would be all processes of these tests"

    def is_started_again() -> bool:
        now = stack.pid(service)
        if now == before:  # a shell that has just begun may not heed the first signal
            with suppress(ProcessLookupError):
                os.kill(before, number)
        return now not in {0, before}

    assert stacks.until(is_started_again)


@dataclass(frozen=True)
class Disturbance:
    """What begins and ends it for a service, and what is told; *takes_along* who needs that."""

    trouble: Trouble
    begin: Callable[[Stack, str], None]
    end: Callable[[Stack, str], None] | None = None
    takes_along: bool = False


def command(name: str) -> Callable[[Stack, str], None]:
    return lambda stack, service: stack.does(name, service)


def inside(script: str, *, beside: bool = False) -> Callable[[Stack, str], None]:
    return lambda stack, service: stack.runs(service, script, beside=beside)


DISTURBANCES = {
    "kill": Disturbance(Trouble.CRASHED, command("kill"), command("start"), takes_along=True),
    "stop": Disturbance(Trouble.STOPPED, command("stop"), command("start"), takes_along=True),
    "pause": Disturbance(Trouble.PAUSED, command("pause"), command("unpause"), takes_along=True),
    "unhealthy": Disturbance(Trouble.UNHEALTHY, inside("rm /tmp/well"), inside("touch /tmp/well")),
    "restart loop": Disturbance(Trouble.CRASHED, crash_over_and_over),
    "loop of ends in order": Disturbance(Trouble.RESTARTING, end_over_and_over),
    "out of memory": Disturbance(Trouble.OUT_OF_MEMORY, use_up_memory),
    "one process out of memory": Disturbance(Trouble.OUT_OF_MEMORY, inside(HOG, beside=True)),
}


@dataclass(frozen=True)
class Lasted:
    """Between which moments an incident can have begun, and ended.

    They are Docker's where it has an event of them, and else those of the command that did it.
    """

    began: tuple[datetime, datetime]
    ended: tuple[datetime, datetime]

    def holds(self, closed: Closed) -> bool:
        began, ended = closed.incident.began, closed.ended
        return (
            self.began[0] <= began <= self.began[1]
            and self.ended[0] <= ended <= self.ended[1]
            and closed.lasted == ended - began
        )


def events_of(stack: Stack, service: str, since: datetime) -> list[tuple[str, datetime]]:
    """What Docker has told of its container since then, and when that was."""
    told = [json.loads(line) for line in stack.events.read_text().splitlines()]
    events = [
        (each["Action"], datetime.fromtimestamp(each["timeNano"] / 1e9, UTC))
        for each in told
        if each["Actor"]["ID"] == stack.ids[service]
    ]
    return [(action, at) for action, at in events if at >= since]


def lasted(
    events: Sequence[tuple[str, datetime]],
    begun: datetime,
    ending: datetime,
    heard: Closed,
    at: datetime,
) -> Lasted:
    """By the *events* of a container; somebody did something to it when that was *begun*.

    *ending* is when the command began that made it well; its end was told *at* that moment.
    """
    deaths = [moment for action, moment in events if action == "die"]
    lacks = [moment for action, moment in events if action == "oom"]
    starts = [moment for action, moment in events if action in {"start", "oom"}]
    opened = heard.incident.opened
    is_death = heard.incident.trouble in {Trouble.CRASHED, Trouble.STOPPED, Trouble.OUT_OF_MEMORY}
    return Lasted(
        _death(deaths, [each for each in lacks if each <= opened]) if is_death else (begun, opened),
        (max([ending, *starts]), at - RULES.settle),
    )


def _death(deaths: Sequence[datetime], lacks: Sequence[datetime]) -> tuple[datetime, datetime]:
    """The first one; the kernel may end one process after the other."""
    return min([*deaths, *lacks]), max([*deaths[:1], *lacks])


@pytest.mark.parametrize(
    "services",
    [pytest.param(APPS, id="apps"), pytest.param(STORES, id="stores", marks=THOROUGH)],
)
@pytest.mark.parametrize("disturbance", DISTURBANCES.values(), ids=DISTURBANCES.keys())
async def test_each_is_one_incident_with_its_cause_and_its_end(
    stack: Stack, heard: Heard, disturbance: Disturbance, services: Sequence[str]
) -> None:
    begun = datetime.now(UTC)
    for each in services:
        await asyncio.to_thread(disturbance.begin, stack, each)
    await until(lambda: len(heard.opened_ones) >= len(services), f"all are told: {heard.roots}")
    if disturbance.takes_along and services == STORES:
        ill = "unhealthy"
        await until(lambda: all(stack.health(each) == ill for each in APPS), "the others follow")
    endings = dict.fromkeys(services, begun)
    if disturbance.end:
        for each in services:
            endings[each] = datetime.now(UTC)
            await asyncio.to_thread(disturbance.end, stack, each)
    await until(lambda: len(heard.closed_ones) >= len(services), "all ends are told")

    assert heard.roots == dict.fromkeys(services, disturbance.trouble)
    assert len(heard.opened_ones) == len(heard.closed_ones) == len(services)
    for closed, at in zip(heard.closed_ones, heard.closed_at, strict=True):
        root = closed.incident.root
        events = await asyncio.to_thread(events_of, stack, root, begun)
        expected = lasted(events, begun, endings[root], closed, at)
        assert expected.holds(closed), (expected, closed, events)
        assert not closed.left
    if disturbance.takes_along and services == STORES:
        followed = frozenset().union(*(each.incident.others for each in heard.closed_ones))
        assert followed == set(APPS)


async def test_one_of_several_is_told_by_a_name_of_its_own_and_ends_when_it_is_removed(
    stack: Stack, heard: Heard
) -> None:
    with one_of("worker", "2", stack.shared) as second:
        several = Stack({"worker": second}, stack.shared, stack.events)
        await asyncio.to_thread(several.does, "start", "worker")
        await until(lambda: several.health("worker") == "healthy", "both are well")
        await asyncio.to_thread(several.does, "kill", "worker")
        await until(lambda: len(heard.opened_ones) == 1, "one is told")
        await asyncio.to_thread(several.does, "start", "worker")
        await until(lambda: len(heard.closed_ones) == 1, "its end is told")
        await asyncio.to_thread(several.does, "pause", "worker")
        await until(lambda: len(heard.opened_ones) == 2, "it is told again")
    await until(lambda: len(heard.closed_ones) == 2, "it is gone")

    roots = [(each.incident.root, each.incident.trouble) for each in heard.opened_ones]
    assert roots == [("worker-2", Trouble.CRASHED), ("worker-2", Trouble.PAUSED)]
    assert [each.is_here for each in heard.closed_ones] == [True, False]


async def test_what_happens_while_the_stream_is_broken_is_read_later_and_nothing_twice(
    stack: Stack, tmp_path: Path
) -> None:
    with socket_proxy(tmp_path) as proxy:
        api = EngineApi(proxy.url)
        containers = EngineContainers(api, StackWanted(PROJECT, NAMES))
        await containers.look()
        read: list[tuple[str, str]] = []
        following = asyncio.create_task(_follow(containers, read))
        await asyncio.to_thread(stack.does, "kill", "worker")
        await until(lambda: ("worker", "die") in read, "the stream is read")
        proxy.vanish()
        await asyncio.to_thread(stack.does, "kill", "authentik")
        await asyncio.to_thread(stack.does, "start", "authentik")
        proxy.appear()
        await until(lambda: ("authentik", "start") in read, "it is read from where it broke")
        await asyncio.to_thread(stack.does, "start", "worker")
        await until(lambda: ("worker", "start") in read, "it goes on")
        await stop(following)
        await api.close()

    assert read.count(("worker", "die")) == read.count(("authentik", "die")) == 1
    assert read.count(("authentik", "start")) == 1


async def _follow(containers: EngineContainers, read: list[tuple[str, str]]) -> None:
    """As the daemon does."""
    while True:
        with suppress(PortError):
            async for event in containers.events():
                read += [(event.service, event.action)]
        await asyncio.sleep(0.2)
