"""Twelve hours of schedule, kills, restarts and outages: every backup exactly once."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.catalogue import BackupState
from bot.domain.errors import IntegrityError, PortError
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.messages import RunBackup
from bot.domain.retention import Policy
from bot.domain.schedule import Schedule
from bot.domain.slots import TRIED_AGAIN_AFTER
from bot.domain.stack import Stack
from bot.entrypoints.daemon import Daemon
from bot.entrypoints.scheduler import Scheduler
from bot.services.runner import JobRunner
from bot.services.store_ports import StoredObject
from tests.fakes import FakeStore
from tests.fakes_journal import FakeJobJournal, FakeLock
from tests.fakes_stack import FakeEngine, FakeState
from tests.services.mortal import KilledError, Life, Mortal
from tests.services.simulated_time import InlineExecutor, SimulatedClock
from tests.services.world import World

START = datetime(2026, 11, 23, 0, 10, tzinfo=UTC)
TAKES = timedelta(minutes=10)
WRITES = frozenset({"begin", "plan", "commit", "step", "finish", "crashed"})


class FullJournal(FakeJobJournal):
    """One without room for a new job while it *is_full*."""

    is_full = False

    async def begin(self, job: Job) -> None:
        if self.is_full:
            raise PortError("no space left")
        await super().begin(job)


@dataclass
class AwayStore(FakeStore):
    """One that cannot be reached while it *is_away*."""

    is_away: bool = False
    goes_away_after: str = "nothing"  # an object of that name is stored, and its answer is lost

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_hint: int | None = None,
        moved: Callable[[], None] | None = None,
    ) -> int:
        self.require_near()
        size = await super().put(key, chunks, size_hint=size_hint, moved=moved)
        if key.endswith(self.goes_away_after):
            self.goes_away_after, self.is_away = "nothing", True
            self.require_near()
        return size

    async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        self.require_near()
        async for each in super().list(prefix):
            yield each

    def require_near(self) -> None:
        if self.is_away:
            raise PortError("reach the store: no route to host", retryable=True)


@dataclass
class AwayEngine(FakeEngine):
    """One that does not answer while it *is_away*."""

    is_away: bool = False

    async def find_stack(self) -> Stack:
        if self.is_away:
            raise PortError("list containers: the Docker Engine does not answer", retryable=True)
        return await super().find_stack()


@dataclass
class Machine:
    """The store, the journal and the clock, which outlive every process of the bot."""

    journal: FullJournal = field(default_factory=FullJournal)
    store: AwayStore = field(default_factory=AwayStore)
    engine: AwayEngine = field(default_factory=AwayEngine)
    world: World = field(default_factory=lambda: World(clock=SimulatedClock(START)))  # type: ignore[arg-type]
    cron: str = "0 * * * *"
    prunes: bool = False
    life: Life = field(default_factory=Life)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    process: "asyncio.Task[None] | None" = None
    troubles: dict[str, str] = field(default_factory=dict)
    swept: list[datetime] = field(default_factory=list)
    state: FakeState = field(default_factory=FakeState)

    def __post_init__(self) -> None:
        self.world.journal = self.journal
        self.world.store, self.world.engine = self.store, self.engine
        self.world.engine.postgres.takes_time = lambda: self.clock.sleep(TAKES.total_seconds())

    @property
    def clock(self) -> SimulatedClock:
        clock = self.world.clock
        assert isinstance(clock, SimulatedClock)
        return clock

    def boot(self) -> None:
        """Start a process of the bot; the kernel has freed what an earlier one held."""
        self.life, self.stop = Life(), asyncio.Event()
        self.process = asyncio.create_task(self._daemon().run(self.stop))

    def _daemon(self) -> Daemon:
        life = self.life
        world = replace(
            self.world,
            store=Mortal(self.world.store, life),  # type: ignore[arg-type]
            engine=Mortal(self.world.engine, life),  # type: ignore[arg-type]
            journal=Mortal(self.journal, life, WRITES),
            lock=FakeLock(),
            settling=asyncio.Lock(),
        )
        runner = JobRunner(
            world.journal,
            world.clock,
            world.start,
            world.records,
            world.engine.find_stack,
            world.pin,
            world.read_back,
            world.preview,
            world.standing,
            prunes=self.prunes,
        )
        scheduler = Scheduler(
            JobKind.BACKUP,
            Schedule(self.cron, UTC),
            lambda slot: RunBackup(trigger=Trigger.SCHEDULE, actor="schedule", slot=slot),
            runner,
            world.clock,
            since=START,
            troubles=self.troubles,
        )

        async def farewell() -> None:
            """There is no chat."""

        return Daemon(
            runner=runner,
            journal=world.journal,
            recover=world.jobs.recover,
            probe=self.state.probe,
            sweep=self.sweep,
            clock=world.clock,
            parts=[scheduler.run],
            farewell=farewell,
            troubles=self.troubles,
        )

    async def sweep(self) -> Sequence[str]:
        self.swept.append(self.clock.at)
        return ()

    async def kill(self) -> None:
        assert self.process
        self.life.is_over = True
        self.process.cancel()
        with suppress(asyncio.CancelledError, BaseExceptionGroup, KilledError):
            await self.process

    async def shut_down(self) -> None:
        """As Docker does: a signal, then patience."""
        assert self.process
        self.stop.set()
        await self.clock.run_until(self.clock.at + timedelta(minutes=2))
        assert self.process.done(), "it ends within the container's grace period"
        await self.process

    async def pass_until(self, clock_time: str) -> None:
        hour, minute = map(int, clock_time.split(":"))
        await self.clock.run_until(START.replace(hour=hour, minute=minute))

    async def good(self) -> Counter[str]:
        """How many good backups each slot has."""
        whole = {each.id for each in await self.world.records() if each.state is BackupState.GOOD}
        jobs = await self.world.journal.jobs(1000)
        return Counter(f"{job.slot:%H:%M}" for job in jobs if job.id in whole)

    async def is_clean(self) -> bool:
        records = await self.world.records()
        whole = all(each.state is BackupState.GOOD for each in records)
        return whole and not await self.world.journal.open_jobs()


@pytest.fixture
async def machine() -> Machine:
    asyncio.get_running_loop().set_default_executor(InlineExecutor())
    return Machine()


def hours(first: int, last: int) -> Counter[str]:
    return Counter({f"{hour:02}:00": 1 for hour in range(first, last + 1)})


async def test_a_quiet_half_day(machine: Machine) -> None:
    machine.boot()
    await machine.pass_until("12:30")
    await machine.shut_down()

    assert await machine.good() == hours(1, 12)


async def test_what_restores_keep_is_looked_after_each_hour(machine: Machine) -> None:
    machine.boot()
    await machine.pass_until("06:30")

    since = machine.swept[0]
    assert machine.swept == [since + timedelta(hours=hour) for hour in range(len(machine.swept))]
    assert len(machine.swept) >= 6


async def test_a_backup_that_was_killed_runs_once_more(machine: Machine) -> None:
    machine.boot()
    await machine.pass_until("03:05")  # in the middle of it
    await machine.kill()
    await machine.pass_until("03:20")
    machine.boot()
    await machine.pass_until("05:30")
    await machine.shut_down()

    assert await machine.good() == hours(1, 5)
    states = Counter(job.state for job in await machine.world.journal.jobs(100))
    assert states == {JobState.DONE: 5, JobState.INTERRUPTED: 1}
    assert await machine.is_clean()


async def test_runs_that_were_missed_are_made_up_for_by_one(machine: Machine) -> None:
    machine.boot()
    await machine.pass_until("02:30")
    await machine.shut_down()
    await machine.pass_until("06:40")
    machine.boot()
    await machine.pass_until("08:30")
    await machine.shut_down()

    assert await machine.good() == hours(1, 2) + hours(6, 8)


async def test_too_old_a_run_is_not_made_up_for(machine: Machine) -> None:
    machine.cron = "0 1 * * *"
    await machine.pass_until("07:30")
    machine.boot()
    await machine.pass_until("09:00")
    await machine.shut_down()

    assert await machine.good() == Counter()


async def test_a_restart_in_order_parks_what_it_cannot_finish(machine: Machine) -> None:
    machine.boot()
    await machine.pass_until("04:01")
    await machine.shut_down()  # nine more minutes are more than it may take
    assert await machine.is_clean()
    machine.boot()
    await machine.pass_until("05:30")
    await machine.shut_down()

    assert await machine.good() == hours(1, 5)


async def test_a_restart_in_order_waits_for_what_is_nearly_done(machine: Machine) -> None:
    machine.boot()
    await machine.pass_until("04:09")
    await machine.shut_down()

    assert await machine.good() == hours(1, 4)
    assert {job.state for job in await machine.world.journal.jobs(100)} == {JobState.DONE}


async def test_a_clock_that_jumps_back_runs_nothing_twice(machine: Machine) -> None:
    machine.boot()
    await machine.pass_until("03:30")
    machine.clock.at -= timedelta(hours=1, minutes=5)
    await machine.clock.run_until(START.replace(hour=4, minute=30))
    await machine.shut_down()

    assert await machine.good() == hours(1, 4)


async def test_what_fails_is_shown_until_it_is_mended(machine: Machine) -> None:
    machine.boot()
    await machine.pass_until("00:30")
    assert machine.troubles == {}
    machine.state.fails = PortError("no space left")
    machine.journal.is_full = True
    await machine.pass_until("01:05")

    assert machine.troubles == {
        "state": "state: no space left",
        "backup": "the backup of 01:00 UTC could not begin: no space left",
    }
    machine.state.fails = None
    machine.journal.is_full = False
    await machine.pass_until("01:30")
    assert machine.troubles == {}
    await machine.shut_down()

    assert await machine.good() == hours(1, 1)


@pytest.mark.parametrize("what", ["store", "engine"])
async def test_a_backup_that_meets_an_outage_is_made_up_for(machine: Machine, what: str) -> None:
    machine.cron = "0 4 * * *"
    part: AwayStore | AwayEngine = getattr(machine, what)
    machine.boot()
    await machine.pass_until("03:59")
    part.is_away = True
    await machine.pass_until("04:18")
    part.is_away = False
    await machine.pass_until("06:00")
    await machine.shut_down()

    assert await machine.good() == hours(4, 4)
    states = Counter(job.state for job in await machine.world.journal.jobs(100))
    assert states == {JobState.DONE: 1, JobState.FAILED: 2}
    assert await machine.is_clean()


@pytest.mark.parametrize("seconds", [1, 5, 20, 29, 40, 59])
async def test_a_backup_that_turns_out_whole_is_not_made_again(
    machine: Machine, seconds: int
) -> None:
    """The store comes back so late that the retry itself finds the earlier run whole."""
    machine.cron = "0 4 * * *"
    machine.store.goes_away_after = "manifest.json"
    await machine.clock.run_until(START + timedelta(seconds=30))  # not in step with the minutes
    machine.boot()
    while not (jobs := await machine.world.journal.jobs(1)) or jobs[0].ended is None:
        await machine.clock.run_until(machine.clock.at + timedelta(seconds=1))
    retry = jobs[0].ended + TRIED_AGAIN_AFTER[0]
    await machine.clock.run_until(retry - timedelta(seconds=seconds))
    machine.store.is_away = False
    await machine.pass_until("08:00")
    await machine.shut_down()

    assert await machine.good() == hours(4, 4)
    [job] = await machine.world.journal.jobs(100)
    assert job.state is JobState.DONE
    assert machine.troubles == {}


async def test_what_fails_for_a_reason_that_stays_is_given_up_after_four_runs(
    machine: Machine,
) -> None:
    machine.cron = "0 4 * * *"
    del machine.engine.disk.archives["/certs"]
    machine.engine.disk.lost = IntegrityError("the archive ends before the file")
    machine.boot()
    await machine.pass_until("09:00")
    await machine.shut_down()

    *_, first = jobs = await machine.world.journal.jobs(100)
    assert [job.state for job in jobs] == [JobState.FAILED] * 4
    assert all(job.slot == first.slot for job in jobs)


def troubles_of_a_slot(chance: random.Random) -> tuple[str, timedelta, timedelta]:
    """What goes wrong around a slot, how long after it that begins, and how long it lasts."""
    what = chance.choice(["nothing", "kill", "stop", "store", "engine", "kill and store"])
    begins = timedelta(minutes=chance.uniform(-4, 11))
    return what, begins, timedelta(minutes=chance.uniform(1, 40))


@pytest.mark.parametrize("seed", range(12))
async def test_each_slot_has_its_backup_once_whatever_is_away(machine: Machine, seed: int) -> None:
    machine.cron = "0 */3 * * *"
    chance = random.Random(seed)
    machine.boot()
    for hour in (3, 6, 9, 12):
        what, begins, lasts = troubles_of_a_slot(chance)
        await machine.clock.run_until(START.replace(hour=hour) + begins)
        machine.store.is_away = "store" in what
        machine.engine.is_away = what == "engine"
        if "kill" in what:
            await machine.kill()
        elif what == "stop":
            await machine.shut_down()
        await machine.clock.run_until(machine.clock.at + lasts)
        machine.store.is_away = machine.engine.is_away = False
        if "kill" in what or what == "stop":
            machine.boot()
    await machine.clock.run_until(START.replace(hour=14, minute=50))
    await machine.shut_down()

    assert await machine.good() == Counter({f"{hour:02}:00": 1 for hour in (3, 6, 9, 12)})
    assert await machine.is_clean()


def kills_and_stops(seed: int) -> Iterator[tuple[timedelta, bool, timedelta]]:
    """For how long it runs, whether it is killed, and for how long it is away then."""
    chance = random.Random(seed)
    while True:
        yield (
            timedelta(seconds=chance.randint(1, 3 * 3600)),
            chance.random() < 0.6,
            timedelta(seconds=chance.choice([1, 60, 1200, 3 * 3600])),
        )


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_no_slot_has_two_and_nothing_half_done_is_left(
    machine: Machine, seed: int
) -> None:
    end = START + timedelta(hours=12)
    for runs, killed, away in kills_and_stops(seed):
        machine.boot()
        await machine.clock.run_until(min(machine.clock.at + runs, end))
        if machine.clock.at >= end:
            break
        await (machine.kill() if killed else machine.shut_down())
        await machine.clock.run_until(machine.clock.at + away)
    await machine.clock.run_until(machine.clock.at + 2 * TAKES)
    await machine.shut_down()

    good = await machine.good()
    assert set(good.values()) == {1}
    assert len(good) >= 3
    assert await machine.is_clean()
    newest = max(job.slot for job in await machine.world.journal.jobs(1000) if job.slot)
    assert newest >= end.replace(minute=0), "the last slot was not forgotten"


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_the_newest_stay_and_none_is_half_deleted(
    machine: Machine, seed: int
) -> None:
    machine.prunes = True
    machine.world.policy = Policy(last=3, daily=1, weekly=0, monthly=0)
    end = START + timedelta(hours=12)
    for runs, killed, away in kills_and_stops(seed):
        machine.boot()
        await machine.clock.run_until(min(machine.clock.at + runs, end))
        if machine.clock.at >= end:
            break
        await (machine.kill() if killed else machine.shut_down())
        await machine.clock.run_until(machine.clock.at + away)
    await machine.clock.run_until(machine.clock.at + 2 * TAKES)
    await machine.shut_down()

    assert await machine.is_clean()
    jobs = await machine.world.journal.jobs(1000)
    made = [job.id for job in jobs if job.kind is JobKind.BACKUP and job.state is JobState.DONE]
    assert [record.id for record in await machine.world.records()][:3] == sorted(made)[:-4:-1]
    assert {job.kind for job in jobs} == {JobKind.BACKUP, JobKind.PRUNE}
