"""From what Docker tells to what people hear, with the real state machine and a clock by hand."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.container_state import DOCKER, STACK, ContainerState, Happened, watch_rules
from bot.domain.discovery import Found, StackWanted, lasting, recalled, watched_services
from bot.domain.errors import BotError, ConfigError, PortError
from bot.domain.incident import Closed, Incident, Opened, Reminded, Trouble
from bot.domain.incident_history import PastIncident
from bot.domain.mute import Mute
from bot.domain.stack import Role
from bot.domain.watched import Watched, recalled_several, watched_containers
from bot.entrypoints.watcher import WatchRounds
from bot.services.watched_names import WatchedNames
from bot.services.watcher import Watcher
from tests.services.simulated_time import SimulatedClock

TO_LOOK = timedelta(milliseconds=50)
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAMES = {
    Role.POSTGRESQL: ("postgresql",),
    Role.REDIS: ("redis",),
    Role.SERVER: ("authentik", "server"),
    Role.WORKER: ("worker",),
}
WELL = {
    name: ContainerState(name, "running", "healthy", 0, out_of_memory=False, image="a:1")
    for name in ("postgresql", "redis", "authentik", "worker")
}


@dataclass
class TurnedClock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    def random_text(self, alphabet: str, length: int) -> str:
        raise NotImplementedError


@dataclass
class FakeContainers:
    """*states* by the names of replicas, as `worker-2`, where a service has several."""

    clock: TurnedClock
    states: dict[str, ContainerState | None] = field(default_factory=lambda: {**WELL})
    fails: BotError | None = None
    while_looking: Happened | None = None
    watcher: Watcher | None = None
    project: str = ""
    services: dict[Role, str] = field(default_factory=dict)
    watched: Watched = field(default_factory=Watched)

    async def look(self) -> Mapping[str, ContainerState | None]:
        if self.fails:
            raise self.fails
        here = {name: state for name, state in self.states.items() if state}
        found = [
            Found(name, "authentik", *_label(name), image=state.image)
            for name, state in here.items()
        ]
        wanted = StackWanted("", NAMES)
        self.project, self.services = watched_services(found, wanted, self.project, self.services)
        services = set(self.services.values())
        self.watched = watched_containers(found, services, self.watched)
        states = {
            name: replace(here[each.id], service=name) if each else None
            for name, each in self.watched.containers.items()
        }
        self.clock.at += TO_LOOK
        if self.while_looking and self.watcher:
            event, self.while_looking = self.while_looking, None
            await self.watcher.happened(event)
        return states

    def remember(self, services: Collection[str]) -> None:
        self.services = recalled(StackWanted("", NAMES), services)
        self.watched = recalled_several(services, self.services.values())

    def forget_missing(self) -> Collection[str]:
        self.services = lasting(self.services, self.watched.services)
        return self.watched.without_gone(self.services.values())

    async def events(self) -> AsyncGenerator[Happened]:
        await asyncio.get_running_loop().create_future()
        yield Happened("", START, "")


def _label(name: str) -> tuple[str, str]:
    service, _, number = name.rpartition("-")
    return (service, number) if service else (name, "1")


@dataclass
class FakeIncidentLog:
    rows: dict[tuple[str, datetime], tuple[Incident, datetime | None]] = field(default_factory=dict)
    fails: BotError | None = None
    while_writing: Callable[[], Coroutine[None, None, None]] | None = None
    meanwhile: asyncio.Task[None] | None = None

    async def write(self, incident: Incident, ended: datetime | None = None) -> None:
        if self.while_writing:
            meanwhile, self.while_writing = self.while_writing, None
            self.meanwhile = asyncio.create_task(meanwhile())
            await asyncio.sleep(0)
        if self.fails:
            raise self.fails
        self.rows[incident.name, incident.opened] = incident, ended
        for key, (open_one, end) in self.rows.items():
            if ended and end is None and open_one.name == incident.name:
                self.rows[key] = open_one, ended

    async def open_ones(self) -> Sequence[Incident]:
        return [incident for incident, ended in self.rows.values() if ended is None]

    async def since(self, moment: datetime) -> Sequence[PastIncident]:
        lasting = [PastIncident(*row) for row in self.rows.values()]
        found = [each for each in lasting if each.ended is None or each.ended > moment]
        return sorted(found, key=lambda each: each.incident.opened)


@dataclass
class FakeMute:
    """A MuteMark; *fails* is what all of it raises."""

    found: Mute | None = None
    fails: BotError | None = None

    async def read(self) -> Mute | None:
        self._fail()
        return self.found

    async def write(self, mute: Mute) -> None:
        self._fail()
        self.found = mute

    async def clear(self) -> None:
        self._fail()
        self.found = None

    def _fail(self) -> None:
        if self.fails:
            raise self.fails


@dataclass
class FakeWatchedMark:
    """*fails* is what all of it raises."""

    names: frozenset[str] = frozenset()
    fails: BotError | None = None

    async def read(self) -> frozenset[str]:
        self._fail()
        return self.names

    async def write(self, names: Collection[str]) -> None:
        self._fail()
        self.names = frozenset(names)

    def _fail(self) -> None:
        if self.fails:
            raise self.fails


@dataclass
class Telling:
    told: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    async def opened(self, opened: Opened) -> None:
        self._tell(opened.incident, str(opened.incident.trouble))

    async def closed(self, closed: Closed) -> None:
        self._tell(closed.incident, "well again" if closed.is_here else "no longer there")

    async def reminded(self, reminded: Reminded) -> None:
        self._tell(reminded.incident, f"still {reminded.incident.reminders}")

    def _tell(self, incident: Incident, words: str) -> None:
        key = f"{incident.name} {incident.opened} {words}"
        if key not in self.keys:
            self.keys.add(key)
            self.told.append(f"{incident.root} {words}")


class Host:
    def __init__(self) -> None:
        self.clock = TurnedClock()
        self.containers = FakeContainers(self.clock)
        self.log, self.people, self.mark = FakeIncidentLog(), Telling(), FakeMute()
        self.watched = FakeWatchedMark()
        self.is_quiet = self.had_stack = False
        self.boot()

    def boot(self) -> None:
        self.containers = FakeContainers(self.clock, self.containers.states)
        self.watcher = Watcher(
            self.containers,
            self.log,
            self.people,
            self.quiet,
            self.clock,
            watch_rules(NAMES),
            self.mark,
            self.whether_it_had_one,
            WatchedNames(self.watched),
        )
        self.containers.watcher = self.watcher

    async def whether_it_had_one(self) -> bool:
        if self.log.fails:
            raise self.log.fails
        return self.had_stack

    async def quiet(self) -> bool:
        return self.is_quiet

    async def dies(self, service: str, exit_code: int = 137) -> None:
        await self.happens(service, "die", exit_code=exit_code)

    async def happens(
        self, service: str, action: str, *, exit_code: int = 0, signal: str = ""
    ) -> bool:
        event = Happened(service, self.clock.at, action, "a:1", exit_code, signal)
        return await self.watcher.happened(event)

    async def passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.at += timedelta(seconds=1)
            if await self.watcher.tick():
                await self.watcher.look()


@pytest.fixture
async def host() -> Host:
    host = Host()
    await host.watcher.resume()
    await host.watcher.look()
    return host


async def test_a_crash_is_told_at_once_and_its_end_after_a_look(host: Host) -> None:
    await host.dies("worker")
    assert host.people.told == ["worker crashed"]
    await host.happens("worker", "start")
    await host.passes(5)
    await host.watcher.look()
    await host.passes(40)

    assert host.people.told == ["worker crashed", "worker well again"]
    ((incident, ended),) = host.log.rows.values()
    assert incident.detail == "exit code 137"
    assert ended == START + TO_LOOK + timedelta(seconds=5)


async def test_each_death_counts_though_no_look_saw_what_was_between(host: Host) -> None:
    for _ in range(3):
        await host.dies("worker")
        await host.happens("worker", "start")
    await host.watcher.look()
    await host.passes(40)

    assert host.people.told == ["worker crashed", "worker well again"]
    ((incident, _),) = host.log.rows.values()
    assert incident.flaps == 2


@pytest.mark.parametrize(("signal", "opens"), [("9", True), ("15", False), ("2", False)])
async def test_a_stop_by_hand_is_no_crash(host: Host, signal: str, *, opens: bool) -> None:
    await host.happens("worker", "kill", signal=signal)
    await host.dies("worker")

    assert host.people.told == ["worker crashed"] * opens
    await host.passes(20)
    assert host.people.told == [f"worker {'crashed' if opens else 'stopped'}"]


DEAD = replace(WELL["worker"], status="exited", health="", exit_code=137)


@pytest.mark.parametrize("seen_first", [True, False], ids=["look first", "event first"])
async def test_a_look_knows_of_a_stop_by_hand_what_the_events_said(
    host: Host, *, seen_first: bool
) -> None:
    await host.happens("worker", "kill", signal="15")
    await host.passes(10)
    await host.watcher.look()
    await host.happens("worker", "kill", signal="9")
    host.containers.states["worker"] = DEAD
    if not seen_first:
        await host.dies("worker")
    await host.watcher.look()
    if seen_first:
        await host.dies("worker")
    await host.passes(14)
    await host.watcher.look()
    assert host.people.told == []
    await host.passes(2)
    assert host.people.told == ["worker stopped"]


async def test_a_look_knows_of_the_memory_limit_what_the_events_said(host: Host) -> None:
    await host.watcher.mute(START + timedelta(minutes=2))
    await host.happens("worker", "oom")
    await host.dies("worker")
    host.containers.states["worker"] = DEAD  # not its main process was the one that was killed
    await host.watcher.look()
    await host.passes(120)

    assert host.people.told == ["worker out of memory"]


async def test_a_process_of_a_container_that_is_killed_for_memory_is_told_and_counted(
    host: Host,
) -> None:
    for _ in range(3):
        await host.happens("worker", "oom")
        assert not await host.watcher.look(), "the next look shows that it is well"
        assert await host.watcher.look()
        await host.passes(5)
    assert host.people.told == ["worker out of memory"]
    await host.passes(30)

    assert host.people.told == ["worker out of memory", "worker well again"]
    ((incident, _),) = host.log.rows.values()
    assert incident.flaps == 2
    assert incident.detail == "the kernel killed a process in it at its memory limit"


async def test_of_many_events_each_is_taken_note_of(host: Host) -> None:
    for number in range(501):
        assert await host.happens("worker", "oom"), number
        assert not await host.watcher.look(), number
        assert await host.watcher.look(), number


async def test_memory_that_lacks_while_a_job_works_is_no_news(host: Host) -> None:
    host.is_quiet = True
    await host.happens("worker", "oom")
    await host.watcher.look()
    await host.watcher.look()
    host.is_quiet = False
    await host.passes(60)

    assert host.people.told == []


async def test_a_stop_before_a_start_of_which_nobody_told_explains_no_crash(host: Host) -> None:
    await host.happens("worker", "kill", signal="15")
    await host.dies("worker", exit_code=0)
    await host.passes(5)
    host.containers.states["worker"] = replace(WELL["worker"], started=host.clock.at)
    await host.passes(5)
    await host.watcher.look()
    await host.dies("worker")

    assert host.people.told == ["worker crashed"]


async def test_a_stop_by_hand_explains_no_later_death(host: Host) -> None:
    await host.happens("worker", "kill", signal="15")
    await host.dies("worker")
    await host.watcher.look()  # it runs again; that event was lost
    host.containers.states["worker"] = DEAD
    await host.passes(121)
    await host.watcher.look()

    assert host.people.told[-1] == "worker crashed"


async def test_the_kernel_is_named_where_it_killed(host: Host) -> None:
    await host.happens("worker", "oom")
    await host.dies("worker")

    assert host.people.told == ["worker out of memory"]


@pytest.mark.parametrize(
    ("change", "trouble", "seconds"),
    [
        ({"health": "unhealthy"}, "unhealthy", 0),
        ({"status": "paused"}, "paused", 0),
        ({"health": "starting"}, "still starting", 300),
        ({"status": "exited", "exit_code": 0}, "stopped", 15),
        ({"status": "exited", "exit_code": 1}, "crashed", 0),
        ({"status": "restarting", "exit_code": 1}, "crashed", 0),
        ({"status": "exited", "exit_code": 137, "out_of_memory": True}, "out of memory", 0),
        ({"status": "created"}, "stopped", 15),
    ],
)
async def test_a_look_finds_what_no_event_told(
    host: Host, change: dict[str, object], trouble: str, seconds: int
) -> None:
    host.containers.states["worker"] = replace(WELL["worker"], **change)  # type: ignore[arg-type]
    await host.watcher.look()
    await host.passes(seconds)

    assert host.people.told == [f"worker {trouble}"]


async def test_a_container_that_is_gone_is_told(host: Host) -> None:
    host.containers.states["authentik"] = None
    await host.watcher.look()
    await host.passes(15)

    assert host.people.told == ["authentik missing"]


async def test_a_look_that_was_overtaken_by_an_event_does_not_count(host: Host) -> None:
    host.containers.while_looking = Happened("worker", START, "die", "a:1", 1)

    assert not await host.watcher.look()
    await host.passes(60)
    assert host.people.told == ["worker crashed"]


async def test_what_an_event_says_while_a_look_is_told_counts(host: Host) -> None:
    unhealthy = replace(WELL["postgresql"], health="unhealthy")
    host.containers.states["postgresql"] = unhealthy
    host.log.while_writing = lambda: host.dies("redis")

    assert not await host.watcher.look()
    assert host.log.meanwhile
    await host.log.meanwhile
    assert host.people.told == ["postgresql unhealthy", "redis crashed"]
    host.containers.states["redis"] = replace(WELL["redis"], status="exited", exit_code=137)
    await host.watcher.look()
    await host.passes(60)

    assert host.people.told == ["postgresql unhealthy", "redis crashed"]
    assert {incident.flaps for incident, _ in host.log.rows.values()} == {0}


async def test_an_event_from_before_the_last_look_asks_for_another_one(host: Host) -> None:
    await host.passes(60)
    await host.watcher.look()
    before = START + timedelta(seconds=30)

    assert await host.watcher.happened(Happened("worker", before, "die", "a:1", 137))
    await host.watcher.look()
    await host.passes(60)
    assert host.people.told == []


SLOW = replace(WELL["postgresql"], health="starting")


async def restarts_it(host: Host) -> None:
    await host.happens("postgresql", "kill", signal="15")
    await host.dies("postgresql", exit_code=0)
    await host.passes(5)
    await host.happens("postgresql", "start")
    host.containers.states["postgresql"] = SLOW
    await host.watcher.look()
    for each in ("authentik", "worker"):
        host.containers.states[each] = replace(WELL[each], health="unhealthy")


async def takes_all_down_and_up(host: Host) -> None:
    for each in reversed(WELL):
        await host.happens(each, "kill", signal="15")
        await host.dies(each, exit_code=0)
        host.containers.states[each] = None
    await host.watcher.look()
    await host.passes(8)
    for each in ("authentik", "worker"):
        host.containers.states[each] = replace(WELL[each], status="created", health="")
    host.containers.states |= {"postgresql": SLOW, "redis": WELL["redis"]}
    await host.happens("postgresql", "start")


async def boots(host: Host) -> None:
    host.boot()
    await host.watcher.resume()
    host.containers.states["postgresql"] = SLOW
    for each in ("authentik", "worker"):
        state = replace(WELL[each], status="restarting", health="", exit_code=1)
        host.containers.states[each] = state


@pytest.mark.parametrize("begins", [restarts_it, takes_all_down_and_up, boots])
@pytest.mark.parametrize("comes_up", [True, False])
async def test_a_database_that_starts_slowly_is_the_one_cause(
    host: Host, begins: Callable[[Host], Coroutine[None, None, None]], *, comes_up: bool
) -> None:
    await begins(host)
    await host.watcher.look()
    await host.passes(40)
    await host.watcher.look()
    await host.passes(80)
    assert host.people.told == []
    if comes_up:
        host.containers.states["postgresql"] = WELL["postgresql"]
        await host.watcher.look()
        await host.passes(10)
    else:
        await host.passes(300)
    host.containers.states |= dict.fromkeys(("authentik", "worker"), SLOW)
    await host.watcher.look()
    await host.passes(60)
    host.containers.states |= WELL
    await host.watcher.look()
    await host.passes(200)

    told = ["postgresql still starting", "postgresql well again"]
    assert host.people.told == ([] if comes_up else told)


async def test_docker_itself_is_the_cause_of_all_that_goes_with_it(host: Host) -> None:
    host.containers.fails = PortError("the Docker Engine does not answer")
    await host.watcher.look()
    for service in WELL:
        await host.dies(service, exit_code=0)
    await host.passes(20)
    assert host.people.told == [f"{DOCKER} stopped"]
    assert host.watcher.is_blind
    host.containers.fails = None
    await host.watcher.look()
    await host.passes(40)

    assert host.people.told == [f"{DOCKER} stopped", f"{DOCKER} well again"]


async def test_a_stack_that_cannot_be_found_is_logged_once_while_that_lasts(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    for words in ("none", "none", "two", "", "two"):
        host.containers.fails = ConfigError(words) if words else None
        await host.watcher.look()
        await host.passes(60)
        await host.watcher.look()

    logged = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert logged == [f"watch the containers: {words}" for words in ("none", "two", "two")]


async def test_what_goes_while_the_bot_is_away_is_missed(host: Host) -> None:
    host.containers.states["redis"] = None
    host.boot()
    await host.watcher.resume()
    await host.watcher.look()
    await host.passes(20)
    assert host.people.told == ["redis missing"]
    host.is_quiet = True
    await host.passes(1)
    host.is_quiet = False
    await host.passes(20)
    host.boot()
    await host.watcher.resume()
    await host.watcher.look()
    await host.passes(20)

    assert host.people.told == ["redis missing", "redis no longer there"]


async def test_a_stack_that_goes_while_the_bot_is_away_is_missed(host: Host) -> None:
    host.containers.states = {}
    host.boot()
    await host.watcher.resume()
    await host.watcher.look()
    await host.passes(20)

    assert host.people.told == [f"{STACK} missing"]


async def test_what_is_watched_is_noted_as_soon_as_the_disk_takes_it(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.watched = FakeWatchedMark(fails=PortError("note what is watched: no space left"))
    host.boot()
    await host.watcher.resume()
    for _ in range(3):
        await host.watcher.look()
    assert caplog.messages.count("note what is watched: no space left") == 2, "read, then write"
    host.watched.fails = None
    await host.watcher.look()

    assert host.watched.names == {*WELL}


async def test_the_engine_is_well_where_it_has_no_stack(host: Host) -> None:
    host.watched = FakeWatchedMark()
    host.boot()
    host.containers.fails = PortError("the Docker Engine does not answer")
    await host.watcher.look()
    await host.passes(20)
    host.containers.fails = ConfigError("nothing looks like it")
    await host.watcher.look()
    await host.passes(40)

    assert host.people.told == [f"{DOCKER} stopped", f"{DOCKER} well again"]


@pytest.mark.parametrize("had_stack", [True, False])
async def test_a_stack_that_is_gone_when_the_bot_starts_is_told_where_there_was_one(
    host: Host, *, had_stack: bool
) -> None:
    host.had_stack, host.watched = had_stack, FakeWatchedMark()
    host.containers.states = {}
    host.boot()
    host.log.fails = PortError("the journal cannot be read")
    await host.watcher.look()
    host.log.fails = None
    for _ in range(2):
        host.boot()
        await host.watcher.resume()
        for _ in range(3):
            await host.watcher.look()
            await host.passes(10)
    assert host.watcher.is_blind, "so the next look is soon"
    assert host.people.told == [f"{STACK} missing"] * had_stack
    host.containers.states.update(WELL)
    await host.watcher.look()
    await host.passes(40)

    assert not host.watcher.is_blind
    assert host.people.told == [f"{STACK} missing", f"{STACK} well again"] * had_stack


async def test_whether_there_is_a_stack_is_known_where_docker_answers(host: Host) -> None:
    """A bot that was started anew knows no names of containers that could be missing."""
    found = []
    for fails in (ConfigError("none"), PortError("Docker is away"), None):
        host.containers.fails = fails
        await host.watcher.look()
        found.append(host.watcher.finds_stack)

    assert found == [False, None, True]


@pytest.mark.parametrize("restarts", [True, False], ids=["bot restarts", "bot runs on"])
@pytest.mark.parametrize("first", ["worker", "authentik", "postgresql"])
async def test_a_stack_that_goes_after_one_container_is_told_with_it(
    host: Host, first: str, *, restarts: bool
) -> None:
    host.containers.states[first] = None
    await host.watcher.look()
    await host.passes(20)
    host.containers.states.update(dict.fromkeys(WELL))
    if restarts:
        host.boot()
        await host.watcher.resume()
    await host.watcher.look()
    await host.passes(20)
    ((told, _),) = [row for row in host.log.rows.values() if row[1] is None]
    assert (told.root, told.trouble, told.began) == (STACK, Trouble.MISSING, START + TO_LOOK)
    assert first in told.others
    host.containers.states.update(WELL)
    await host.watcher.look()
    await host.passes(40)

    assert host.people.told == [f"{first} missing", f"{STACK} missing", f"{STACK} well again"]
    assert not await host.log.open_ones()


async def test_a_stack_that_is_removed_under_the_bot_is_one_incident_over_any_restart(
    host: Host,
) -> None:
    host.containers.states["postgresql"] = None
    await host.watcher.look()
    await host.passes(10)
    host.containers.states.update(dict.fromkeys(WELL))
    for _ in range(3):
        await host.watcher.look()
        await host.passes(20)
        host.boot()
        await host.watcher.resume()

    assert host.people.told == [f"{STACK} missing"]


async def test_what_comes_back_of_a_stack_that_was_gone_leaves_the_rest_to_be_told(
    host: Host,
) -> None:
    host.containers.states.update(dict.fromkeys(WELL))
    await host.watcher.look()
    await host.passes(20)
    host.containers.states.update({**WELL, "worker": None})
    for _ in range(15):
        await host.watcher.look()
        await host.passes(20)

    assert host.people.told == [f"{STACK} missing", f"{STACK} well again", "worker missing"]


async def test_a_short_restart_of_docker_is_no_news(host: Host) -> None:
    host.containers.fails = PortError("the Docker Engine does not answer")
    await host.watcher.look()
    for service in WELL:
        await host.dies(service, exit_code=0)
    await host.passes(10)
    host.containers.fails = None
    await host.watcher.look()
    await host.passes(600)

    assert host.people.told == []


async def test_what_a_job_of_ours_does_is_no_news_and_what_it_removed_is_forgotten(
    host: Host,
) -> None:
    host.is_quiet = True
    await host.dies("authentik")
    host.containers.states["redis"] = None
    await host.watcher.look()
    await host.passes(60)
    host.is_quiet = False
    await host.passes(2)
    await host.watcher.look()
    await host.passes(60)

    assert host.people.told == []


async def look_after_the_end(host: Host) -> None:
    host.is_quiet = False
    await host.passes(1)
    await host.watcher.look()


async def look_before_the_end(host: Host) -> None:
    await host.watcher.look()
    host.is_quiet = False


async def look_over_the_end(host: Host) -> None:
    host.containers.states["redis"] = WELL["redis"]  # the Engine had listed it
    await host.happens("worker", "kill", signal="15")
    host.containers.while_looking = Happened("worker", host.clock.at + TO_LOOK, "die")
    host.is_quiet = False
    await host.watcher.look()
    host.containers.states["redis"] = None
    await host.happens("worker", "start")
    await host.watcher.look()


@pytest.mark.parametrize("looks", [look_after_the_end, look_before_the_end, look_over_the_end])
async def test_what_a_job_removes_as_its_last_act_is_forgotten(
    host: Host, looks: Callable[[Host], Coroutine[None, None, None]]
) -> None:
    host.is_quiet = True
    host.containers.states["authentik"] = replace(WELL["authentik"], health="starting")
    await host.watcher.look()
    await host.passes(2)
    host.containers.states["redis"] = None
    await looks(host)
    host.containers.states["authentik"] = WELL["authentik"]
    await host.passes(120)

    assert host.people.told == []


async def test_what_the_next_job_takes_away_is_not_forgotten_for_the_last_one(host: Host) -> None:
    host.containers.states["redis"] = None
    await host.watcher.look()
    await host.passes(20)
    host.is_quiet = True
    await host.watcher.tick()
    host.is_quiet = False
    assert await host.watcher.tick()
    host.is_quiet = True
    host.containers.while_looking = Happened("worker", host.clock.at + TO_LOOK, "die")
    await host.watcher.look()

    assert host.people.told == ["redis missing"]


async def test_a_look_follows_the_end_of_a_job_at_once(host: Host) -> None:
    clock = SimulatedClock(START)
    host.is_quiet = True
    host.containers.states["worker"] = DEAD
    rounds = asyncio.create_task(WatchRounds(host.watcher, host.containers, clock).run())
    await clock.run_until(START + timedelta(seconds=10))
    assert "redis" in host.watcher.states
    host.containers.states["redis"] = None
    host.is_quiet = False
    await clock.run_until(START + timedelta(seconds=15))
    rounds.cancel()

    assert "redis" not in host.watcher.states


@pytest.mark.parametrize("service", ["worker", "authentik", "postgresql"])
async def test_what_a_job_or_a_pause_leaves_missing_is_told_afterwards(
    host: Host, service: str
) -> None:
    host.is_quiet = True
    host.containers.states[service] = None
    await host.watcher.look()
    await host.passes(60)
    host.is_quiet = False
    await host.passes(2)
    await host.watcher.look()
    await host.passes(20)

    assert host.people.told == [f"{service} missing"]


async def test_what_is_missing_when_the_bot_starts_is_told(host: Host) -> None:
    host.containers.states["worker"] = None
    host.boot()
    await host.watcher.resume()
    await host.watcher.look()
    await host.passes(15)

    assert host.people.told == ["worker missing"]


async def test_what_is_gone_for_good_ends_its_incident(host: Host) -> None:
    host.containers.states["redis"] = None
    await host.watcher.look()
    await host.passes(20)
    host.is_quiet = True
    await host.passes(60)
    host.is_quiet = False
    await host.passes(2)
    await host.watcher.look()
    await host.passes(3600)

    assert host.people.told == ["redis missing", "redis no longer there"]
    assert not await host.log.open_ones()


@pytest.mark.parametrize("is_told", [True, False], ids=["an event says so", "a look shows it"])
async def test_redis_that_was_removed_stays_open_over_restarts_of_the_bot(
    host: Host, *, is_told: bool
) -> None:
    host.containers.states["redis"] = None
    if is_told:
        await host.dies("redis")
    await host.watcher.look()
    await host.passes(20)
    for _ in range(2):
        host.boot()
        await host.watcher.resume()
        for _ in range(3):
            await host.watcher.look()
            await host.passes(20)

    assert host.people.told == [f"redis {'crashed' if is_told else 'missing'}"]
    assert host.watcher.watch.holder("redis")


async def test_redis_that_an_update_removed_while_the_bot_was_off_is_not_missed(
    host: Host,
) -> None:
    host.containers.states["redis"] = None
    await host.watcher.look()
    await host.passes(20)
    host.containers.states["authentik"] = replace(WELL["authentik"], image="a/server:2025.10.1")
    host.boot()
    await host.watcher.resume()
    await host.watcher.look()
    await host.passes(20)

    assert host.people.told == ["redis missing", "redis no longer there"]


async def test_a_service_that_is_missing_keeps_its_name_over_a_restart_of_the_bot(
    host: Host,
) -> None:
    states = {
        "postgresql": WELL["postgresql"],
        "server": replace(WELL["authentik"], service="server"),
    }
    host.containers.states = {**states}
    host.boot()
    await host.watcher.look()
    host.containers.states["server"] = None
    host.containers.states["worker"] = WELL["worker"]
    await host.watcher.look()
    await host.passes(20)
    host.boot()
    await host.watcher.resume()
    await host.watcher.look()
    await host.passes(20)

    assert host.people.told == ["server missing"]


async def test_a_restart_of_the_bot_tells_nothing_twice_and_does_not_miss_the_end(
    host: Host,
) -> None:
    host.containers.states["worker"] = replace(WELL["worker"], status="exited", exit_code=1)
    await host.watcher.look()
    host.boot()
    await host.watcher.resume()
    await host.watcher.look()
    assert host.people.told == ["worker crashed"]
    host.containers.states["worker"] = WELL["worker"]
    await host.watcher.look()
    await host.passes(40)

    assert host.people.told == ["worker crashed", "worker well again"]


async def test_neither_the_time_of_a_look_nor_a_clock_set_back_tells_anything_anew(
    host: Host,
) -> None:
    host.containers.while_looking = Happened("worker", host.clock.at + TO_LOOK, "die", "a:1", 1)
    host.containers.states["worker"] = replace(WELL["worker"], status="exited", exit_code=1)
    await host.watcher.look()
    await host.watcher.look()
    host.clock.at -= timedelta(hours=2)
    host.containers.states["worker"] = WELL["worker"]
    await host.watcher.look()
    await host.passes(40)
    told = ["worker crashed", "worker well again"]
    assert host.people.told == told
    host.clock.at += timedelta(days=3)
    host.boot()
    await host.watcher.resume()
    await host.watcher.look()
    await host.passes(40)

    assert host.people.told == told
    assert len(host.log.rows) == 1


async def test_what_cannot_be_written_is_told_as_soon_as_it_can(host: Host) -> None:
    host.log.fails = PortError("no space left")
    await host.dies("worker")
    await host.passes(5)
    assert host.people.told == []
    host.log.fails = None
    await host.passes(1)

    assert host.people.told == ["worker crashed"]


async def test_why_it_cannot_be_told_is_logged_once_while_that_lasts(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried every second, and what is full may be the disk of the log, too."""
    for words, dies in (
        ("no space left", "worker"),
        ("it is busy", "worker"),
        ("", "worker"),
        ("it is busy", "authentik"),
    ):
        host.log.fails = PortError(words) if words else None
        await host.dies(dies)
        await host.passes(20)

    logged = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    why = ("no space left", "it is busy", "it is busy")
    assert logged == [f"tell of an incident: {words}" for words in why]


async def test_muted_it_waits(host: Host) -> None:
    await host.watcher.mute(START + timedelta(minutes=2))
    await host.dies("worker")
    await host.passes(119)
    assert host.people.told == []
    await host.passes(1)

    assert host.people.told == ["worker crashed"]


async def test_it_is_muted_over_a_restart_and_no_longer_than_people_said(host: Host) -> None:
    await host.watcher.mute(host.clock.at + timedelta(minutes=2))
    host.boot()
    await host.watcher.resume()
    await host.dies("worker")
    await host.passes(119)
    assert host.people.told == []
    await host.passes(1)
    assert host.people.told == ["worker crashed"]
    host.clock.at -= timedelta(days=1)
    host.boot()
    await host.watcher.resume()
    await host.dies("redis")

    assert host.people.told == ["worker crashed", "redis crashed"]


async def test_a_mark_that_cannot_be_written_or_read_mutes_nothing(host: Host) -> None:
    host.mark.fails = PortError("no space left")
    with pytest.raises(PortError):
        await host.watcher.mute(host.clock.at + timedelta(minutes=2))
    host.boot()
    await host.watcher.resume()
    await host.dies("worker")

    assert host.people.told == ["worker crashed"]


async def test_a_mark_that_cannot_be_removed_is_no_error(host: Host) -> None:
    await host.watcher.mute(host.clock.at + timedelta(minutes=2))
    host.mark.fails = PortError("no space left")
    await host.passes(121)
    await host.dies("worker")

    assert host.people.told == ["worker crashed"]


async def test_ten_thousand_events_are_one_message(host: Host) -> None:
    for number in range(5000):
        host.clock.at += timedelta(milliseconds=6)
        await host.dies("worker", exit_code=number % 2)
        await host.happens("worker", "start")

    assert host.people.told == ["worker crashed"]
