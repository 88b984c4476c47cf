"""What a dead man's switch hears under the real scheduler while every backup fails."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import PortError
from bot.domain.heartbeat import Beat
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.messages import Command, JobBegan, JobEnded, RunBackup
from bot.domain.schedule import Schedule
from bot.entrypoints.heartbeat import Heartbeat
from bot.entrypoints.scheduler import Scheduler
from tests.services.simulated_time import SimulatedClock
from tests.services.test_year import Journal

START = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
BACKUPS = frozenset({JobKind.BACKUP})


@dataclass
class Host(Journal):
    """A bot whose backups fail after *takes*, but those that begin from *good_from* on."""

    takes: timedelta = timedelta(seconds=10)
    catch_up: timedelta = timedelta(hours=6)
    good_from: datetime = START + timedelta(days=9)
    heard: list[str] = field(default_factory=list)
    parts: "list[asyncio.Task[None]]" = field(default_factory=list)
    is_away: bool = False

    async def start(self, command: Command) -> Job:
        job = replace(await super().start(command), state=JobState.RUNNING, ended=None)
        self.all_jobs[0] = job
        self.is_busy = True
        self.heartbeat.listener(job, JobBegan(job))
        self.parts.append(asyncio.create_task(self._work(job)))
        return job

    async def _work(self, job: Job) -> None:
        await self.clock.sleep(self.takes.total_seconds())
        outcome = JobState.DONE if job.started >= self.good_from else JobState.FAILED
        why = f"failed at {self.clock.now():%H:%M}"
        ended = replace(job, state=outcome, message=why, ended=self.clock.now())
        self.all_jobs[self.all_jobs.index(job)] = ended
        self.is_busy = False
        self.heartbeat.listener(ended, JobEnded(ended))

    async def send(self, _: JobKind, beat: Beat) -> None:
        if self.is_away:
            raise PortError("the server does not answer")
        if beat.suffix != "/start":
            self.heard.append(f"{self.clock.now():%d %H:%M}{beat.suffix} {beat.body.decode()}")

    def boot(self, cron: str) -> None:
        self.heartbeat = Heartbeat(BACKUPS, self.jobs, self.send, self.clock, self.catch_up)
        scheduler = Scheduler(
            JobKind.BACKUP,
            Schedule(cron, UTC),
            lambda slot: RunBackup(trigger=Trigger.SCHEDULE, actor="schedule", slot=slot),
            self,
            self.clock,
            START,
            {},
            self.catch_up,
        )
        self.parts += [asyncio.create_task(each.run()) for each in (self.heartbeat, scheduler)]

    async def pass_until(self, **after: float) -> None:
        await self.clock.run_until(START + timedelta(**after))

    async def shut_down(self) -> None:
        for part in self.parts:
            part.cancel()
        await asyncio.wait(self.parts)
        self.parts.clear()


@pytest.mark.parametrize(
    ("cron", "takes", "catch_up", "heard"),
    [
        pytest.param("30 3 * * *", 0, 6, ["23 04:35/fail failed at 04:35"], id="four tries"),
        pytest.param(
            "0 1-3 * * *",
            0,
            6,
            [
                "23 02:00/fail failed at 01:20",
                "23 03:00/fail failed at 02:20",
                "23 04:05/fail failed at 04:05",
            ],
            id="each hour takes over from the one before",
        ),
        pytest.param(
            "0,30 3 * * *",
            0,
            6,
            ["23 03:30/fail failed at 03:20", "23 04:35/fail failed at 04:35"],
            id="each half of an hour, too",
        ),
        pytest.param("30 3 * * *", 0, 1, ["23 04:30/fail failed at 03:50"], id="a short time"),
        pytest.param("30 3 * * *", 2, 6, ["23 09:50/fail failed at 09:50"], id="slow failures"),
    ],
)
async def test_each_slot_that_is_given_up_is_told_once_and_why(
    cron: str, takes: int, catch_up: int, heard: list[str]
) -> None:
    host = Host(
        SimulatedClock(START), takes=timedelta(hours=takes), catch_up=timedelta(hours=catch_up)
    )
    host.boot(cron)
    await host.pass_until(days=1)
    await host.shut_down()

    assert host.heard == heard


async def test_what_a_later_slot_made_good_is_no_failure() -> None:
    host = Host(SimulatedClock(START), good_from=START + timedelta(hours=2))
    host.boot("0 * * * *")
    await host.pass_until(hours=4.5)
    await host.shut_down()

    assert [each[:8] for each in host.heard] == ["23 02:00", "23 03:00", "23 04:00"]
    assert not [each for each in host.heard if "/fail" in each]


async def test_a_restart_tells_of_none_twice() -> None:
    host = Host(SimulatedClock(START))
    host.boot("30 3 * * *")
    await host.pass_until(hours=5)
    await host.shut_down()
    host.boot("30 3 * * *")
    await host.pass_until(hours=24)
    await host.shut_down()

    assert len(host.heard) == 1


async def test_one_whose_time_ends_while_nothing_may_begin_is_told_then() -> None:
    host = Host(SimulatedClock(START))
    host.boot("30 3 * * *")
    await host.pass_until(hours=3.55)
    host.is_busy = True
    await host.pass_until(hours=24)
    await host.shut_down()

    assert host.heard == ["23 09:30/fail failed at 03:30"]
