"""A year of planned work under the real scheduler, in zones whose clocks change in different ways.

Among the schedules are such as fall into the gap of spring, or into the hour that comes twice; Lord
Howe changes by half an hour, and in the other half of the year.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.backup_id import SUFFIX_ALPHABET, make_backup_id
from bot.domain.errors import BusyError
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.messages import Command, RunBackup
from bot.domain.schedule import Schedule
from bot.entrypoints.scheduler import Scheduler
from tests.services.simulated_time import SimulatedClock
from tests.thorough import a_few

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]
NIGHTLY = ["30 3 * * *", "30 2 * * *", "15 2 * * *", "45 1 * * *", "0 0 * * *", "59 23 * * *"]
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
DAYS = (END - START).days


@dataclass
class Journal:
    """Operations in memory; jobs end as soon as they have begun, unless something else runs."""

    clock: SimulatedClock
    all_jobs: list[Job] = field(default_factory=list)
    is_busy: bool = False

    async def start(self, command: Command) -> Job:
        if self.is_busy:
            raise BusyError("busy: restore since 02:00 UTC")
        now = self.clock.now()
        job = Job(
            id=make_backup_id(now, self.clock.random_text(SUFFIX_ALPHABET, 4)),
            kind=command.kind,
            trigger=command.trigger,
            actor=command.actor,
            started=now,
            slot=command.slot,
            state=JobState.DONE,
            ended=now,
        )
        self.all_jobs.insert(0, job)
        return job

    async def jobs(self, limit: int) -> Sequence[Job]:
        return self.all_jobs[:limit]


@dataclass
class Host:
    """Where the bot runs; each `boot` is another process of it."""

    schedule: Schedule
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(START))
    journal: Journal = field(init=False)
    process: "asyncio.Task[None] | None" = None
    delay: timedelta = timedelta()
    look_again: float = 3600.0  # every minute would show the same, and take its time

    def __post_init__(self) -> None:
        self.journal = Journal(self.clock)

    def boot(self, since: datetime = START) -> None:
        scheduler = Scheduler(
            JobKind.BACKUP,
            self.schedule,
            lambda slot: RunBackup(trigger=Trigger.SCHEDULE, actor="schedule", slot=slot),
            self.journal,
            self.clock,
            since=since,
            troubles={},
            delay=self.delay,
            look_again=self.look_again,
        )
        self.process = asyncio.create_task(scheduler.run())

    async def shut_down(self) -> None:
        assert self.process
        self.process.cancel()
        await asyncio.wait([self.process])

    @property
    def dates(self) -> Counter[date]:
        """How many runs each local date of a slot has."""
        slots = [job.slot for job in self.journal.all_jobs if job.slot]
        return Counter(slot.astimezone(self.schedule.zone).date() for slot in slots)

    @property
    def longest_wait(self) -> timedelta:
        return max(job.started - job.slot for job in self.journal.all_jobs if job.slot)

    async def pass_time(self, **length: float) -> None:
        await self.clock.run_until(self.clock.at + timedelta(**length))


def every_day(zone: ZoneInfo) -> Counter[date]:
    first = START.astimezone(zone).date() + timedelta(days=1)
    last = END.astimezone(zone).date() - timedelta(days=1)
    return Counter(first + timedelta(days=each) for each in range((last - first).days + 1))


def within(dates: Counter[date], zone: ZoneInfo) -> Counter[date]:
    """Those of *dates* that lie in the year with all their hours."""
    whole = every_day(zone)
    return Counter({each: count for each, count in dates.items() if each in whole})


def when(day: date, expression: str, zone: ZoneInfo) -> datetime:
    """By the calendar: when the clock there shows that first; if never, as long after midnight."""
    minute, hour, *_ = map(int, expression.split()[:2])
    shown = datetime.combine(day, time(hour, minute))
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    usual = midnight + timedelta(hours=hour, minutes=minute)
    near = [usual + timedelta(minutes=30 * number) for number in range(-2, 3)]
    fitting = (at for at in near if at.astimezone(zone).replace(tzinfo=None) == shown)
    return next(fitting, usual)


nights = pytest.mark.parametrize("expression", NIGHTLY)
everywhere = pytest.mark.parametrize("zone", [ZoneInfo(zone) for zone in ZONES], ids=str)


@everywhere
@nights
async def test_each_night_has_its_run_once(zone: ZoneInfo, expression: str) -> None:
    host = Host(Schedule(expression, zone))
    host.boot()
    await host.clock.run_until(END)
    await host.shut_down()

    assert within(host.dates, zone) == every_day(zone)
    assert host.longest_wait == timedelta()
    began = [job.started for job in reversed(host.journal.all_jobs)]
    nights = [when(day, expression, zone) for day in every_day(zone)]
    assert [each for each in began if nights[0] <= each <= nights[-1]] == nights


@everywhere
def test_every_quarter_of_an_hour_keeps_to_real_time(zone: ZoneInfo) -> None:
    schedule, quarter = Schedule("*/15 * * * *", zone), timedelta(minutes=15)

    assert list(schedule.slots(START, END)) == [
        START + number * quarter for number in range(1, DAYS * 24 * 4 + 1)
    ]


@everywhere
@pytest.mark.parametrize(
    ("expression", "times"), [("0 */6 * * *", 4), ("0 */2 * * *", 12), ("*/20 2 * * *", 3)]
)
def test_several_hours_of_a_day_come_once_each(zone: ZoneInfo, expression: str, times: int) -> None:
    slots = Schedule(expression, zone).slots(START, END)
    dates = Counter(slot.astimezone(zone).date() for slot in slots)

    assert within(dates, zone) == Counter(dict.fromkeys(every_day(zone), times))


@everywhere
@pytest.mark.parametrize("seed", a_few(range(2), of={0}))
@pytest.mark.parametrize("delay", [timedelta(), timedelta(hours=2)])
async def test_restarts_whenever_they_come_cost_no_night_and_double_none(
    zone: ZoneInfo, seed: int, delay: timedelta
) -> None:
    chance = random.Random(seed)
    host = Host(Schedule(chance.choice(NIGHTLY), zone), delay=delay, look_again=1200)
    while host.clock.at < END:
        host.boot()
        await host.pass_time(minutes=chance.expovariate(1 / 600))
        await host.shut_down()
        await host.pass_time(minutes=chance.uniform(0, 350))
    host.boot()
    await host.pass_time(minutes=1)
    await host.shut_down()

    assert within(host.dates, zone) == every_day(zone)
    assert host.longest_wait < timedelta(hours=6) + delay


@everywhere
@pytest.mark.parametrize("seed", range(2))
async def test_long_absences_are_made_up_for_once_and_only_within_six_hours(
    zone: ZoneInfo, seed: int
) -> None:
    chance = random.Random(seed)
    host = Host(Schedule(chance.choice(NIGHTLY), zone), look_again=1200)
    missed = []
    while host.clock.at < END:
        host.boot()
        await host.pass_time(hours=chance.uniform(0, 60))
        await host.shut_down()
        away = host.clock.at
        await host.pass_time(hours=chance.uniform(0, 60))
        for slot in (slots := list(host.schedule.slots(away, host.clock.at))):
            if slot != slots[-1] or host.clock.at - slot >= timedelta(hours=6):
                missed.append(slot.astimezone(zone).date())
    host.boot()
    await host.pass_time(minutes=1)
    await host.shut_down()

    assert missed
    assert within(host.dates, zone) == every_day(zone) - Counter(missed)


@everywhere
@pytest.mark.parametrize("seed", range(2))
async def test_a_clock_that_jumps_both_ways_doubles_no_night_and_costs_none(
    zone: ZoneInfo, seed: int
) -> None:
    chance = random.Random(seed)
    host = Host(Schedule(chance.choice(NIGHTLY), zone), look_again=1200)
    host.boot()
    while host.clock.at < END:
        host.clock.jump(timedelta(hours=chance.uniform(-30, 5.5)))
        await host.pass_time(hours=chance.uniform(1, 60))
        if chance.random() < 0.2:
            await host.shut_down()
            host.boot()
    await host.shut_down()

    assert within(host.dates, zone) == every_day(zone)


async def test_an_installation_whose_clock_was_ahead_does_not_wait_for_that_time() -> None:
    host = Host(Schedule("30 3 * * *", ZoneInfo("Europe/Berlin")))
    host.boot(since=START + timedelta(days=4000))
    await host.pass_time(days=3)
    await host.shut_down()

    assert len(host.journal.all_jobs) == 3


async def test_a_clock_of_the_far_future_leaves_the_present_its_nights() -> None:
    host = Host(Schedule("30 3 * * *", ZoneInfo("Europe/Berlin")))
    host.boot()
    host.clock.jump(timedelta(days=3000))
    await host.pass_time(days=2)
    host.clock.jump(timedelta(days=-3002))
    before = len(host.journal.all_jobs)
    await host.pass_time(days=3)
    await host.shut_down()

    assert len(host.journal.all_jobs) - before == 3


async def test_a_run_that_would_overlap_another_waits_for_its_end() -> None:
    host = Host(Schedule("30 3 * * *", UTC), look_again=60)
    host.boot()
    await host.pass_time(hours=3)
    host.journal.is_busy = True
    await host.pass_time(hours=2)
    host.journal.is_busy = False
    await host.pass_time(hours=2)
    await host.shut_down()

    (job,) = host.journal.all_jobs
    assert timedelta(hours=5) <= job.started - START <= timedelta(hours=5, minutes=1)


@everywhere
async def test_a_delay_comes_before_the_next_slot_and_is_each_slots_own(zone: ZoneInfo) -> None:
    host = Host(Schedule("0 */4 * * *", zone), delay=timedelta(hours=12), look_again=1200)
    for _ in range(20):
        host.boot()
        await host.pass_time(hours=37)
        await host.shut_down()

    jobs = sorted(host.journal.all_jobs, key=lambda job: job.started)
    slots = [job.slot for job in jobs if job.slot]
    waits = [job.started - job.slot for job in jobs if job.slot]
    assert len(slots) == len(set(slots)) >= 20 * 37 // 4 - 2
    assert slots == sorted(slots)
    assert max(waits) < timedelta(hours=5)
    assert min(waits) < timedelta(minutes=20)
    assert len({wait.seconds // 60 for wait in waits}) > 60
