"""What people hear of the surroundings: what lasts, once, and never while it is on purpose."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.container_state import watch_rules
from bot.domain.errors import BotError, ConfigError, PortError
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.known_images import KnownImages
from bot.domain.stack import Stack
from bot.domain.surroundings import (
    Certificate,
    Connections,
    Database,
    DiskRoom,
    Heartbeat,
    ImageInUse,
    Page,
    Usage,
)
from bot.domain.surroundings_grades import Limits
from bot.domain.surroundings_subjects import with_surroundings
from bot.entrypoints.surroundings import SurroundingsRounds
from bot.services.surroundings import SELDOM, SurroundingsWatch
from bot.services.watched_names import WatchedNames
from bot.services.watcher import Watcher
from tests.fakes_stack import make_stack
from tests.services.simulated_time import SimulatedClock
from tests.services.test_watcher import (
    NAMES,
    START,
    WELL,
    FakeContainers,
    FakeIncidentLog,
    FakeMute,
    FakeWatchedMark,
    Telling,
    TurnedClock,
)

GB = 1_000_000_000
T = TypeVar("T")


@dataclass
class FakeSurroundings:
    """A SurroundingsLook that sees what the test says; *fails* is raised by what it names."""

    memory: int = GB
    cores: float | None = 0.5
    free: int = 50 * GB
    sessions: int = 10
    silence: timedelta | None = timedelta(seconds=10)
    image: str = "sha256:11"
    wanted: str = "a:1"
    ready_status: int | None = 200
    public_status: int | None = 200
    url: str = "https://a.example/"
    left: timedelta = timedelta(days=60)
    fails: dict[str, BotError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hangs: str = ""
    meanwhile: Callable[[], None] | None = None

    async def usage(self, _: Stack) -> Sequence[Usage]:
        return self._answer("usage", [Usage("worker", self.cores, 2, self.memory, 2 * GB)])

    async def disks(self, _: Stack) -> Sequence[DiskRoom]:
        return self._answer("disks", [DiskRoom("/srv", 95 * GB, self.free)])

    async def database(self, _: Stack) -> Database:
        connections = Connections("postgresql", self.sessions, 100)
        return self._answer("database", Database(connections, Heartbeat("worker", self.silence)))

    async def images(self, _: Stack) -> Sequence[ImageInUse]:
        used = ImageInUse("worker", "a:1", self.image, self.wanted, self.image)
        return self._answer("images", [used])

    async def ready(self, _: Stack) -> Page:
        if self.hangs == "ready":
            await asyncio.get_running_loop().create_future()
        return self._answer("ready", Page("authentik", self.ready_status))

    async def public(self) -> Page | None:
        page = Page(self.url, self.public_status) if self.url else None
        return self._answer("public", page)

    async def certificate(self, _: Stack) -> Certificate | None:
        return self._answer("certificate", Certificate("a.example", START + self.left))

    def _answer(self, what: str, answer: T) -> T:
        self.asked.append(what)
        if self.meanwhile:
            self.meanwhile()
        if what in self.fails:
            raise self.fails[what]
        return answer


@dataclass
class FakeKnown:
    """A KnownImagesMark; *fails* is what all of it raises."""

    found: KnownImages | None = None
    fails: BotError | None = None

    async def read(self) -> KnownImages | None:
        if self.fails:
            raise self.fails
        return self.found

    async def write(self, known: KnownImages) -> None:
        if self.fails:
            raise self.fails
        self.found = known


@dataclass
class FakeAnswered:
    """An AnsweredMark; *fails* is what all of it raises."""

    pages: Mapping[str, str] = field(default_factory=dict)
    fails: BotError | None = None

    async def read(self) -> Mapping[str, str]:
        if self.fails:
            raise self.fails
        return self.pages

    async def write(self, pages: Mapping[str, str]) -> None:
        if self.fails:
            raise self.fails
        self.pages = pages


class Host:
    """A stack that is well, watched from two sides into the same incidents."""

    def __init__(self) -> None:
        self.clock = TurnedClock()
        self.containers = FakeContainers(self.clock)
        self.around, self.known = FakeSurroundings(), FakeKnown()
        self.answered = FakeAnswered()
        self.log, self.people = FakeIncidentLog(), Telling()
        self.jobs: list[Job] = []
        self.is_quiet = False
        self.times_asked = 0
        self.jobs_fail: BotError | None = None
        self.stack_fails: BotError | None = None
        self.boot()

    def boot(self) -> None:
        """As after a restart of akbot."""
        self.containers = FakeContainers(self.clock, self.containers.states)
        self.watcher = Watcher(
            self.containers,
            self.log,
            self.people,
            self.quiet,
            self.clock,
            with_surroundings(watch_rules(NAMES), NAMES),
            FakeMute(),
            self.quiet,
            WatchedNames(FakeWatchedMark()),
        )
        self.watch = SurroundingsWatch(
            self.find_stack,
            self.around,
            self.known,
            self.answered,
            self.newest_jobs,
            self.watcher,
            self.quiet,
            self.clock,
            Limits(),
        )

    async def quiet(self) -> bool:
        self.times_asked += 1
        if self.jobs_fail:
            raise self.jobs_fail
        return self.is_quiet

    async def find_stack(self) -> Stack:
        if self.stack_fails:
            raise self.stack_fails
        return make_stack()

    async def newest_jobs(self, limit: int) -> Sequence[Job]:
        return self.jobs[:limit]

    async def looks(self, minutes: int) -> None:
        """A look at both each minute, and the watcher's clock as often as it ticks then."""
        for _ in range(minutes):
            await self.watcher.look()
            await self.watch.look()
            for _ in range(4):
                self.clock.at += timedelta(seconds=15)
                await self.watcher.tick()


@pytest.fixture
async def host() -> Host:
    host = Host()
    await host.watcher.resume()
    await host.looks(1)
    return host


async def test_a_stack_that_is_well_is_not_talked_about(host: Host) -> None:
    await host.looks(60)

    assert host.people.told == []
    assert host.around.asked.count("ready") == 61
    assert host.around.asked.count("disks") == -(-61 // SELDOM)
    newest = host.watch.newest
    assert newest
    assert newest.disks == (DiskRoom("/srv", 95 * GB, 50 * GB),)
    assert newest.connections == Connections("postgresql", 10, 100)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"memory": 2 * GB}, "memory of worker nearly used up"),
        ({"cores": 2}, "CPU of worker used up"),
        ({"free": 2 * GB}, "disk of /srv nearly full"),
        ({"sessions": 97}, "connection limit of postgresql nearly reached"),
        ({"silence": timedelta(hours=1)}, "heartbeat of worker overdue"),
        ({"left": timedelta(days=3)}, "certificate of a.example about to expire"),
        ({"wanted": "a:2"}, "configured image of worker not the one that runs"),
        ({"image": "sha256:22"}, "image of worker another one"),
        ({"ready_status": 503}, "ready check of authentik failing"),
        ({"public_status": None}, "the public URL unreachable"),
    ],
    ids=lambda each: each.rpartition(" of ")[2].split()[0] if isinstance(each, str) else None,
)
async def test_what_lasts_is_told_once_and_so_is_its_end(
    host: Host, change: dict[str, object], words: str
) -> None:
    well = {name: getattr(host.around, name) for name in change}
    _set(host.around, change)
    await host.looks(20)
    assert host.people.told == [words]

    _set(host.around, well)
    await host.looks(20)

    subject = next(iter(host.log.rows.values()))[0].root
    assert host.people.told == [words, f"{subject} well again"]


def _set(around: FakeSurroundings, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(around, name, value)


async def test_a_server_that_is_down_is_the_one_incident(host: Host) -> None:
    host.containers.states["authentik"] = replace(WELL["authentik"], health="unhealthy")
    host.around.ready_status = host.around.public_status = 503
    await host.looks(10)
    assert host.people.told == ["authentik unhealthy"]

    host.containers.states["authentik"] = WELL["authentik"]
    host.around.ready_status = host.around.public_status = 200
    await host.looks(10)

    assert host.people.told == ["authentik unhealthy", "authentik well again"]
    ((incident, _),) = host.log.rows.values()
    assert incident.others == {"ready check of authentik", "the public URL"}


async def test_nothing_counts_while_it_is_on_purpose(host: Host) -> None:
    host.is_quiet = True
    host.around.ready_status = host.around.public_status = None
    host.around.asked.clear()
    await host.looks(10)
    assert host.around.asked == []
    host.is_quiet = False
    await host.looks(2)
    host.around.ready_status = host.around.public_status = 200
    await host.looks(5)

    assert host.people.told == []


async def test_what_is_seen_while_a_job_begins_does_not_count(host: Host) -> None:
    await host.looks(2)
    host.around.public_status = None
    await host.looks(2)

    def job_begins() -> None:
        host.is_quiet = True

    host.around.meanwhile = job_begins
    await host.looks(1)
    host.is_quiet, host.around.meanwhile, host.around.public_status = False, None, 200
    await host.looks(5)

    assert host.people.told == []


@pytest.mark.parametrize(
    "error", [PortError("no answer"), ConfigError("no such file")], ids=["port", "configuration"]
)
async def test_a_look_that_fails_is_no_finding_and_is_logged_once(
    host: Host, error: BotError, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("usage", "disks", "database", "images", "ready", "public", "certificate")
    host.around.fails = dict.fromkeys(names, error)
    await host.looks(30)

    assert host.people.told == []
    assert len(caplog.messages) == len(names)
    newest = host.watch.newest
    assert newest
    assert (newest.usage, newest.disks, newest.connections) == (None, None, None)


async def test_a_stack_that_is_not_found_hides_the_rest_only(host: Host) -> None:
    host.stack_fails = ConfigError("no stack")
    host.around.public_status = 502
    await host.looks(5)

    assert host.people.told == ["the public URL unreachable"]


async def test_known_images_that_cannot_be_read_are_no_finding(host: Host) -> None:
    host.known.fails = ConfigError("damaged")
    host.around.image, host.around.wanted = "sha256:22", "a:2"
    await host.looks(20)
    assert host.people.told == []

    host.known.fails = None
    await host.looks(20)
    assert "image of worker another one" in host.people.told


async def test_an_image_is_known_again_once_it_is_backed_up(host: Host) -> None:
    host.around.image = "sha256:22"
    await host.looks(10)
    host.jobs.append(
        Job(
            id=BackupId("20261124T121000Z-aaaa"),
            kind=JobKind.BACKUP,
            trigger=Trigger.SCHEDULE,
            actor="schedule",
            started=host.clock.at,
            state=JobState.DONE,
        )
    )
    await host.looks(10)

    assert host.people.told == ["image of worker another one", "image of worker well again"]


async def test_an_incident_outlasts_a_restart_and_a_first_look(host: Host) -> None:
    host.around.public_status = 502
    await host.looks(5)
    host.boot()
    await host.watcher.resume()
    await host.looks(5)
    assert host.people.told == ["the public URL unreachable"]

    host.around.public_status = 200
    await host.looks(5)
    assert host.people.told[1:] == ["the public URL well again"]


async def test_a_look_before_there_is_a_figure_ends_nothing(host: Host) -> None:
    host.around.cores = 2
    await host.looks(20)
    host.boot()
    await host.watcher.resume()
    host.around.cores = None
    await host.looks(1)
    host.around.cores = 2
    await host.looks(20)

    assert host.people.told == ["CPU of worker used up"]


async def test_what_was_down_with_a_container_is_looked_at_anew_after_a_restart(
    host: Host,
) -> None:
    host.containers.states["authentik"] = replace(WELL["authentik"], health="unhealthy")
    host.around.ready_status = host.around.public_status = 503
    await host.looks(65)  # the reminder writes down what was down with it
    host.boot()
    await host.watcher.resume()
    host.containers.states["authentik"] = WELL["authentik"]
    host.around.ready_status = 200
    await host.looks(20)

    assert host.people.told == [
        *("authentik unhealthy", "authentik still 1", "authentik well again"),
        "the public URL unreachable",
    ]


async def test_what_nobody_wants_looked_at_any_more_is_over(host: Host) -> None:
    host.around.public_status = 502
    host.around.free = GB
    await host.looks(10)
    host.around.url = ""
    await host.looks(1)
    assert host.people.told[-1] == "the public URL no longer there"

    host.boot()
    await host.watcher.resume()
    never = SurroundingsRounds(host.watch, 0, host.clock)
    await never.run()
    assert host.people.told[-1] == "disk of /srv no longer there"


async def test_one_that_never_answered_is_not_told(host: Host) -> None:
    host = Host()
    host.around.public_status = None
    await host.watcher.resume()
    await host.looks(30)

    assert host.people.told == []


async def reboot(host: Host) -> None:
    """All is started anew, and what people reach does not come back."""
    host.boot()
    await host.watcher.resume()
    host.around.public_status = 502


async def test_one_that_does_not_come_back_after_a_restart_is_told(host: Host) -> None:
    await reboot(host)
    await host.looks(5)

    assert host.people.told == ["the public URL unreachable"]


async def test_one_at_another_address_has_not_answered_yet(host: Host) -> None:
    await reboot(host)
    host.around.url = "https://b.example/"
    await host.looks(10)
    assert host.people.told == []

    host.around.public_status = 200
    await host.looks(1)
    host.around.public_status = 502
    await host.looks(5)
    assert host.people.told == ["the public URL unreachable"]


async def test_what_has_answered_is_known_where_it_cannot_be_written_down(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = Host()
    host.answered.fails = ConfigError("damaged")
    await host.watcher.resume()
    await host.looks(10)
    assert caplog.messages == ["look at the pages that answered before: damaged"]
    host.around.public_status = 502
    await host.looks(5)
    assert host.people.told == ["the public URL unreachable"]

    host.answered.fails, host.around.public_status = None, 200
    await host.looks(5)
    assert host.answered.pages == {
        "the public URL": "https://a.example/",
        "ready check of authentik": "authentik",
    }


async def test_a_disk_that_takes_nothing_for_a_while_is_tried_again(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.around.url = "https://b.example/"
    host.answered.fails = PortError("no space left")
    await host.looks(10)
    assert caplog.messages == ["look at the pages that answer: no space left"]
    host.answered.fails = None
    await host.looks(1)

    assert host.answered.pages["the public URL"] == "https://b.example/"


async def test_what_was_told_asks_for_nothing_until_its_reminder(host: Host) -> None:
    host.around.left = timedelta(days=3)
    await host.looks(6)
    assert len(host.people.told) == 1
    asked = host.times_asked
    for _ in range(3600):
        host.clock.at += timedelta(seconds=1)
        await host.watcher.tick()
    assert host.times_asked == asked

    host.is_quiet = True
    host.clock.at += timedelta(days=1)
    await host.watcher.tick()
    assert len(host.people.told) == 1
    host.is_quiet = False
    await host.watcher.tick()
    assert host.people.told[1:] == ["certificate of a.example still 1"]


async def test_a_look_that_hangs_is_one_that_fails(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.around.hangs, host.watch.within = "ready", 0.01
    host.around.public_status = 502
    await host.looks(5)

    assert host.people.told == ["the public URL unreachable"]
    assert caplog.messages == ["look at the ready check: it is not done after 0 s"]


async def test_the_rounds_go_on_whatever_a_look_raises(caplog: pytest.LogCaptureFixture) -> None:
    host, clock = Host(), SimulatedClock(START)
    rounds = asyncio.create_task(SurroundingsRounds(host.watch, 60, clock).run())
    host.jobs_fail = PortError("the journal is away")
    await clock.run_until(START + timedelta(minutes=3))
    host.jobs_fail = None
    await clock.run_until(START + timedelta(minutes=6))
    rounds.cancel()

    assert caplog.messages == ["look around the containers: the journal is away"]
    assert host.watch.newest
    assert host.watch.newest.usage
