"""A container that ends as if it were stopped, and that Docker itself starts again and again."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.domain.errors import PortError
from bot.domain.incident import Incident
from tests.services.test_watcher import WELL, Host

LOOP = "worker restarting over and over"


@dataclass
class Looping:
    """The worker on a host, whose looks come as soon as an event asks for one."""

    host: Host
    restarts: int = 0

    def _is(self, **changes: object) -> None:
        worker = replace(WELL["worker"], restarts=self.restarts, started=self.host.clock.at)
        self.host.containers.states["worker"] = replace(worker, **changes)  # type: ignore[arg-type]

    async def _event(self, action: str, exit_code: int = 0) -> None:
        host = self.host
        if await host.happens("worker", action, exit_code=exit_code):
            await host.watcher.look()

    async def ends(self, exit_code: int = 0) -> None:
        self.restarts += 1
        self._is(status="restarting", health="", exit_code=exit_code)
        await self._event("die", exit_code)

    async def starts(self, **changes: object) -> None:
        self._is(**changes)
        await self._event("start")

    async def runs_for(self, seconds: int, exit_code: int = 0, **changes: object) -> None:
        """Up for so long, then it ends and is started again."""
        await self.host.passes(seconds)
        await self.ends(exit_code)
        await self.starts(**changes)

    async def is_stopped(self) -> None:
        await self.host.happens("worker", "kill", signal="15")
        self._is(status="exited", health="")
        await self._event("die")

    async def is_started_by_hand(self) -> None:
        self.restarts = 0
        await self.starts()

    async def stays(self, seconds: int) -> None:
        self._is()
        for _ in range(0, seconds, 10):
            await self.host.passes(10)
            await self.host.watcher.look()

    @property
    def told(self) -> list[str]:
        return self.host.people.told

    @property
    def incident(self) -> Incident:
        ((incident, _),) = self.host.log.rows.values()
        return incident


@pytest.fixture
async def worker() -> Looping:
    host = Host()
    await host.watcher.resume()
    await host.watcher.look()
    return Looping(host)


@pytest.mark.parametrize("exit_code", [0, 143])
@pytest.mark.parametrize(
    ("seconds", "health"),
    [
        (1, "healthy"),
        (20, "healthy"),
        (300, "healthy"),
        (300, ""),
        (1, "starting"),
        (60, "starting"),
    ],
)
async def test_it_is_one_incident_with_its_end_however_long_it_is_up_in_between(
    worker: Looping, seconds: int, health: str, exit_code: int
) -> None:
    began = worker.host.clock.at + timedelta(seconds=seconds)
    for _ in range(8):
        await worker.runs_for(seconds, exit_code, health=health)
    well_since = worker.host.clock.at
    assert worker.told == [LOOP]
    await worker.stays(700)

    assert worker.told == [LOOP, "worker well again"]
    ((incident, ended),) = worker.host.log.rows.values()
    detail = f"it ends by itself with exit code {exit_code}, and Docker starts it again"
    assert incident.detail == detail
    assert abs(incident.began - began) < timedelta(seconds=1)
    assert incident.flaps == 5
    assert ended
    assert abs(ended - well_since) <= timedelta(seconds=11)


async def test_two_are_none(worker: Looping) -> None:
    for _ in range(2):
        await worker.runs_for(20, health="starting")
    await worker.stays(3600)

    assert worker.told == []


async def test_one_that_waits_long_for_its_next_start_is_not_called_stopped(
    worker: Looping,
) -> None:
    """Docker waits up to a minute, and the bot comes in the middle of that."""
    worker.restarts = 21
    worker._is(status="restarting", health="", exit_code=0)
    worker.host.boot()
    await worker.host.watcher.resume()
    await worker.host.watcher.look()

    assert worker.told == [LOOP]
    assert "with exit code 0" in worker.incident.detail


async def test_one_end_by_itself_that_nobody_starts_again_is_a_stop(worker: Looping) -> None:
    worker.restarts = 2
    worker._is(status="exited", health="", exit_code=0)
    await worker._event("die")
    await worker.host.passes(14)
    assert worker.told == []
    await worker.host.passes(2)

    assert worker.told == ["worker stopped"]


async def test_whoever_stops_and_starts_it_again_and_again_is_no_loop(worker: Looping) -> None:
    for _ in range(9):
        await worker.host.passes(30)
        await worker.is_stopped()
        await worker.is_started_by_hand()
    await worker.stays(60)

    assert worker.told == []


async def test_a_start_by_hand_ends_it_once_it_is_well(worker: Looping) -> None:
    for _ in range(4):
        await worker.runs_for(20)
    await worker.is_stopped()
    await worker.host.passes(60)
    assert worker.told == [LOOP]
    await worker.is_started_by_hand()
    await worker.stays(40)

    assert worker.told == [LOOP, "worker well again"]


async def test_restarts_of_which_no_event_told_are_found_by_a_look(worker: Looping) -> None:
    worker.restarts = 3
    worker._is()
    await worker.host.watcher.look()

    assert worker.told == [LOOP]
    assert worker.incident.detail == "it ends by itself, and Docker starts it again"


async def test_a_restart_of_the_bot_tells_of_it_neither_again_nor_as_over(worker: Looping) -> None:
    for _ in range(4):
        await worker.runs_for(20, health="healthy")
    worker.host.boot()
    await worker.host.watcher.resume()
    await worker.host.watcher.look()
    await worker.stays(30)
    assert worker.told == [LOOP]
    for _ in range(4):
        await worker.runs_for(20, health="healthy")
    assert worker.told == [LOOP]
    await worker.stays(120)

    assert worker.told == [LOOP, "worker well again"]


async def test_what_a_job_restarts_is_none_and_what_it_leaves_in_one_is(worker: Looping) -> None:
    worker.host.is_quiet = True
    for _ in range(4):
        await worker.runs_for(5)
    assert worker.told == []
    worker.host.is_quiet = False
    await worker.host.passes(2)

    assert worker.told == [LOOP]


async def test_the_end_is_looked_for_by_itself_and_for_no_other_reason(worker: Looping) -> None:
    for _ in range(3):
        await worker.runs_for(1)
    assert await worker.host.watcher.look()
    looks = []
    for second in range(60):
        worker.host.clock.at += timedelta(seconds=1)
        if await worker.host.watcher.tick():
            looks.append(second)
            assert await worker.host.watcher.look()

    assert len(looks) == 1
    assert worker.told == [LOOP, "worker well again"]


async def test_one_that_is_gone_asks_for_no_look(worker: Looping) -> None:
    for _ in range(3):
        await worker.runs_for(1)
    await worker.host.watcher.look()
    worker.host.containers.states["worker"] = None
    await worker.host.watcher.look()
    worker.host.clock.at += timedelta(hours=1)

    assert not await worker.host.watcher.tick()


async def test_an_engine_that_is_away_is_not_asked_all_the_time(worker: Looping) -> None:
    for _ in range(3):
        await worker.runs_for(1)
    await worker.host.watcher.look()
    worker.host.containers.fails = PortError("the Docker Engine does not answer")
    await worker.host.watcher.look()
    worker.host.clock.at += timedelta(hours=1)

    assert not await worker.host.watcher.tick()


async def test_crashes_that_docker_mends_each_time_are_one_incident_from_the_third_on(
    worker: Looping,
) -> None:
    for _ in range(6):
        await worker.runs_for(400, exit_code=1)
    await worker.stays(1000)

    assert worker.told == ["worker crashed", "worker well again"] * 3
