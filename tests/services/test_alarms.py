"""Nights that fail, under the real scheduler: who is woken, how often, and what ends it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.alarms import Alarm, Hindrance, LateSuccess, Limit
from bot.domain.backup_id import created_at
from bot.domain.errors import BotError, BusyError, PortError, RefusedError
from bot.domain.jobs import PARTIAL, Job, JobKind, JobState, Trigger
from bot.domain.messages import Command, JobEnded, RunBackup
from bot.domain.schedule import Schedule
from bot.entrypoints.alarms import AlarmRounds
from bot.entrypoints.scheduler import Scheduler
from bot.services.alarms import AlarmWatch
from tests.services.simulated_time import SimulatedClock
from tests.services.test_year import Journal

START = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


@dataclass
class Telling:
    """What people heard, and when; the same thing twice is told once."""

    clock: SimulatedClock
    told: dict[str, datetime] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    successes: list[LateSuccess] = field(default_factory=list)
    with_ends: list[LateSuccess] = field(default_factory=list)

    async def alarm(self, alarm: Alarm) -> None:
        key = f"{alarm.kind} alarm {_named(alarm.baseline)} {alarm.number}"
        if key not in self.told:
            self.alarms.append(alarm)
        self.told.setdefault(key, self.clock.now())

    async def over(self, kind: JobKind, good: datetime, late: LateSuccess | None = None) -> None:
        assert good <= self.clock.now()
        known = [each for each in self.told if each.startswith(f"{kind} alarm")]
        baselines = {each.split(" ")[2] + " " + each.split(" ")[3] for each in known}
        for baseline in baselines:
            self.told.setdefault(f"{kind} over {baseline}", self.clock.now())
        self.with_ends += [late] if late else []

    async def late(self, success: LateSuccess) -> None:
        if f"late {success.job.id}" not in self.told:
            self.successes.append(success)
        self.told.setdefault(f"late {success.job.id}", self.clock.now())


def _named(baseline: datetime) -> str:
    """As people read it, and the rest where it has one: it names the alarm."""
    rest = baseline - baseline.replace(second=0, microsecond=0)
    return f"{baseline:%d %H:%M}" + (f"+{rest.total_seconds()}" if rest else "")


@dataclass
class Nights(Journal):
    """Operations whose backups fail while *fails* says so."""

    fails: Callable[[datetime], bool] = lambda _: False
    listener: Callable[[Job, JobEnded], None] = lambda _, __: None
    hindered_by: BotError | None = None

    async def start(self, command: Command) -> Job:
        if self.hindered_by:
            raise self.hindered_by
        job = await super().start(command)
        # its name tells whole seconds, a clock more than those
        job = replace(job, started=job.started + timedelta(microseconds=345_678))
        if isinstance(command, RunBackup) and command.components:
            job = replace(job, plan={PARTIAL: "yes"})
        self.all_jobs[0] = job
        if self.fails(self.clock.now()):
            job = replace(job, state=JobState.FAILED, message="the store is full")
            self.all_jobs[0] = job
        self.listener(job, JobEnded(job))
        return job


class Host:
    """A bot, its store and its people."""

    def __init__(self, fails: Callable[[datetime], bool], since: datetime = START) -> None:
        self.clock = SimulatedClock(START)
        self.since = since
        self.people = Telling(self.clock)
        self.nights = Nights(self.clock, fails=fails)
        self.is_held = self.store_is_away = False
        self.boot()

    def boot(self) -> None:
        self.hindrances: dict[JobKind, Hindrance] = {}
        scheduler = Scheduler(
            JobKind.BACKUP,
            Schedule("30 3 * * *", UTC),
            lambda slot: RunBackup(trigger=Trigger.SCHEDULE, actor="schedule", slot=slot),
            self.nights,
            self.clock,
            self.since,
            {},
            is_held=self.held,
            hindrances=self.hindrances,
        )
        self.watch = AlarmWatch(
            self.nights.jobs,
            self.clock,
            {JobKind.BACKUP: self.newest},
            {JobKind.BACKUP: Limit(timedelta(hours=26))},
            self.since,
            timedelta(hours=6),
            self.people,
            self.hindrances,
        )
        rounds = AlarmRounds(self.watch.look, self.clock, self.held)
        self.nights.listener = rounds.listener
        self.parts = [asyncio.create_task(each.run()) for each in (scheduler, rounds)]

    async def held(self) -> bool:
        return self.is_held

    async def newest(self, until: datetime) -> datetime | None:
        if self.store_is_away:
            raise PortError("the store does not answer")
        jobs = self.nights.all_jobs
        whole = [job for job in jobs if job.state is JobState.DONE and PARTIAL not in job.plan]
        moments = [created_at(job.id) for job in whole]
        return max((each for each in moments if each <= until), default=None)

    async def shut_down(self) -> None:
        for part in self.parts:
            part.cancel()
        await asyncio.wait(self.parts)

    async def pass_until(self, day: int, hour: int, minute: int = 0, *, days: int = 0) -> None:
        end = datetime(2026, 11, day, hour, minute, tzinfo=UTC) + timedelta(days=days)
        await self.clock.run_until(end)

    @property
    def heard(self) -> list[str]:
        return [f"{at:%d %H:%M} {key}" for key, at in self.people.told.items()]


def until(day: int, hour: int, minute: int = 0) -> Callable[[datetime], bool]:
    end = datetime(2026, 11, day, hour, minute, tzinfo=UTC)
    return lambda now: START + timedelta(days=1) < now < end


async def test_good_nights_wake_nobody() -> None:
    host = Host(lambda _: False)
    await host.pass_until(30, 0)
    await host.shut_down()

    assert host.heard == []


async def test_one_that_fails_twice_and_then_works_is_told_once() -> None:
    host = Host(until(24, 3, 40))
    await host.pass_until(27, 0)
    await host.shut_down()

    (success,) = host.people.successes
    assert [f"{each.started:%H:%M}" for each in success.failed] == ["03:30", "03:35"]
    assert f"{success.job.started:%H:%M}" == "03:50"
    assert len(host.heard) == 1


async def test_one_that_works_late_and_ends_an_alarm_is_told_with_its_end() -> None:
    host = Host(until(25, 3, 40))
    await host.pass_until(26, 0)
    await host.shut_down()

    (success,) = host.people.with_ends
    assert f"{success.job.started:%d %H:%M}" == "25 03:50"
    assert len(success.failed) == 2
    assert "25 03:50 backup over 23 03:30" in host.heard


async def test_one_that_keeps_failing_is_an_alarm_with_reminders_that_back_off() -> None:
    host = Host(until(28, 12))
    await host.pass_until(30, 0)
    await host.shut_down()

    assert host.heard == [
        "24 04:35 backup alarm 23 03:30 0",
        "24 10:35 backup alarm 23 03:30 1",
        "25 04:35 backup alarm 23 03:30 2",
        "27 04:35 backup alarm 23 03:30 3",
        "29 03:30 backup over 23 03:30",
    ]
    first, *_, last = host.people.alarms
    assert [len(first.failed), len(last.failed)] == [4, 15]
    assert first.failed[0].message == "the store is full"
    assert first.good == START + timedelta(hours=3, minutes=30)


async def test_a_good_one_of_times_to_come_hides_no_failure() -> None:
    """The clock was ahead when it was made; then somebody sets it right."""
    host = Host(until(29, 0))
    await host.pass_until(23, 12)
    host.clock.jump(timedelta(days=400))
    await host.pass_until(23, 12, days=401)
    host.clock.jump(timedelta(days=-401))
    heard = len(host.heard)
    await host.pass_until(24, 12)
    await host.shut_down()

    assert [each.state for each in host.nights.all_jobs[:5]] == [
        *[JobState.FAILED] * 4,
        JobState.DONE,
    ]
    assert [f"{each:%d %H:%M}" for each in list(host.people.told.values())[heard:]] == [
        "24 04:35",
        "24 10:35",
    ]


async def test_an_installation_of_times_to_come_hides_no_failure() -> None:
    host = Host(until(29, 0), since=START + timedelta(days=400))
    await host.pass_until(24, 6)
    await host.shut_down()

    (alarm,) = host.people.alarms
    assert f"{alarm.opened:%d %H:%M}" == "24 04:35"
    assert alarm.good == START + timedelta(hours=3, minutes=30)


async def test_a_restart_tells_nothing_twice_and_forgets_no_end() -> None:
    host = Host(until(25, 3, 29))
    await host.pass_until(24, 12)
    await host.shut_down()
    host.boot()
    await host.pass_until(25, 3)
    await host.shut_down()
    host.boot()
    await host.pass_until(26, 0)
    await host.shut_down()

    assert host.heard == [
        "24 04:35 backup alarm 23 03:30 0",
        "24 10:35 backup alarm 23 03:30 1",
        "25 03:30 backup over 23 03:30",
    ]


async def test_that_the_bot_was_off_is_an_alarm_as_well() -> None:
    host = Host(lambda _: False)
    await host.pass_until(23, 12)
    await host.shut_down()
    await host.pass_until(25, 12)
    host.boot()
    await host.pass_until(26, 0)
    await host.shut_down()

    (alarm,) = host.people.alarms
    assert alarm.failed == ()
    assert alarm.number == 2
    assert host.heard == ["25 12:00 backup alarm 23 03:30 2"]


@pytest.mark.parametrize(
    "error",
    [
        PortError("find the stack: it has no container of PostgreSQL"),
        RefusedError("there is no key to encrypt for"),
        BusyError("busy: restore since 02:00 UTC"),
    ],
)
async def test_an_alarm_says_why_no_backup_could_begin(error: BotError) -> None:
    host = Host(lambda _: False)
    await host.pass_until(23, 12)
    host.nights.hindered_by = error
    await host.pass_until(24, 6)
    await host.shut_down()

    (alarm,) = host.people.alarms
    assert alarm.failed == ()
    assert alarm.hindrance
    assert f"{alarm.hindrance.slot:%d %H:%M}" == "24 03:30"
    assert f"{alarm.hindrance.at:%d %H:%M}" == "24 05:29"
    assert alarm.words == (
        "there is no good backup since 2026-11-23 03:30 UTC: the one planned for"
        f" 2026-11-24 03:30 UTC could not begin: {error}"
    )


async def test_what_began_after_all_and_failed_is_the_cause() -> None:
    host = Host(until(29, 0))
    await host.pass_until(24, 3)
    host.nights.hindered_by = BusyError("busy: restore since 02:00 UTC")
    await host.pass_until(24, 4)
    host.nights.hindered_by = None
    await host.pass_until(24, 6)
    await host.shut_down()

    (alarm,) = host.people.alarms
    assert alarm.hindrance is None
    assert alarm.words.endswith(": the store is full")


async def test_people_at_work_are_not_woken() -> None:
    host = Host(until(28, 12))
    await host.pass_until(24, 3)
    host.is_held = True
    await host.pass_until(25, 12)
    assert host.heard == []
    host.is_held = False
    await host.pass_until(25, 13)
    await host.shut_down()

    assert host.heard == ["25 12:05 backup alarm 23 03:30 2"]
    (alarm,) = host.people.alarms
    assert alarm.words.endswith("2026-11-25 03:30 UTC could not begin: akbot was paused")


async def test_a_pause_hinders_none_that_was_made_before_it() -> None:
    host = Host(lambda _: False)
    await host.pass_until(23, 4)
    host.is_held = True
    await host.shut_down()
    host.boot()
    await host.pass_until(23, 5)
    await host.shut_down()

    assert host.hindrances == {}


async def test_without_the_store_the_journal_counts() -> None:
    host = Host(lambda _: False)
    host.store_is_away = True
    await host.pass_until(26, 0)
    await host.shut_down()

    assert host.heard == []


async def test_an_outage_of_the_store_tells_nothing_twice() -> None:
    host = Host(until(25, 3, 29))
    await host.pass_until(24, 5)
    host.store_is_away = True
    await host.pass_until(24, 9)
    host.store_is_away = False
    await host.pass_until(24, 12)
    host.store_is_away = True
    await host.shut_down()
    host.boot()
    await host.pass_until(26, 0)
    host.store_is_away = False
    await host.pass_until(26, 2)
    await host.shut_down()

    assert host.heard == [
        "24 04:35 backup alarm 23 03:30 0",
        "24 10:35 backup alarm 23 03:30 1",
        "25 03:30 backup over 23 03:30",
    ]


async def test_a_partial_backup_protects_no_more_while_the_store_is_away() -> None:
    host = Host(until(28, 12))
    await host.pass_until(23, 12)
    host.store_is_away = True
    await host.nights.start(
        RunBackup(trigger=Trigger.CHAT, actor="Anna", components=frozenset({"globals"}))
    )
    await host.pass_until(23, 13)
    await host.shut_down()
    await host.pass_until(24, 6)
    host.boot()
    await host.pass_until(24, 6, 1)
    await host.shut_down()

    assert host.heard == ["24 06:00 backup alarm 23 03:30 0"]


async def test_what_was_good_is_known_as_of_the_last_look_before_a_pause() -> None:
    host = Host(until(23, 0))
    await host.pass_until(24, 2, 2)
    host.is_held = True
    await host.pass_until(24, 12)
    await host.shut_down()

    assert host.watch.looked == datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
