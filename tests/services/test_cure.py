"""What is done about a container whose health check fails, with the real watcher in between."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot.domain.container_state import ContainerState
from bot.domain.cure import Treatment
from bot.domain.errors import PortError
from bot.domain.incident import Incident
from bot.services.cure import Cure
from tests.fakes_cure import FakeCureLog
from tests.fakes_journal import FakeLock
from tests.services.test_watcher import WELL, Host

LIMIT = 3


@dataclass
class Restarts:
    """A Ward whose containers, restarted, are as ill as before, or well if *helps*."""

    host: Host
    log: FakeCureLog
    done: list[str] = field(default_factory=list)
    helps: bool = False
    fails: PortError | None = None
    is_too_late: bool = False
    written: int = 0

    async def restart_unhealthy(self, service: str) -> bool:
        self.written = len(self.log.rows)
        if self.fails:
            raise self.fails
        if self.is_too_late:
            return False
        self.done.append(service)
        if self.helps:
            self.host.containers.states[service] = passed(service, self.host.clock.at)
        return True


@dataclass
class GivenUp:
    """A CureTeller."""

    told: dict[Incident, list[Treatment]] = field(default_factory=dict)
    fails: PortError | None = None

    async def gave_up(self, incident: Incident, tried: Sequence[Treatment]) -> None:
        if self.fails:
            raise self.fails
        self.told[incident] = list(tried)


class Ward:
    """A host on which akbot cures, too."""

    def __init__(self) -> None:
        self.host = Host()
        self.log, self.people, self.lock = FakeCureLog(), GivenUp(), FakeLock()
        self.restarts = Restarts(self.host, self.log)
        self.is_free = True
        self.boot()

    def boot(self) -> None:
        self.host.boot()
        self.cure = Cure(
            watch=lambda: self.host.watcher.watch,
            containers=self.host.containers,
            ward=self.restarts,
            log=self.log,
            teller=self.people,
            is_free=self.free,
            lock=self.lock,
            clock=self.host.clock,
            rules=self.host.watcher.rules,
            limit=LIMIT,
        )

    async def free(self) -> bool:
        return self.is_free

    async def falls_ill(self, service: str = "worker") -> None:
        for name in WELL:
            self.host.containers.states[name] = passed(name, self.host.clock.at)
        self.host.containers.states[service] = replace(WELL[service], health="unhealthy")
        await self.host.watcher.look()

    async def passes(self, minutes: float) -> None:
        """What is well passes its checks meanwhile."""
        for _ in range(int(minutes * 4)):
            await self.host.passes(15)
            for name, state in self.host.containers.states.items():
                if state and state.passed:
                    self.host.containers.states[name] = passed(name, self.host.clock.at)
            await self.host.watcher.look()
            await self.cure.round()


def passed(service: str, at: datetime) -> ContainerState:
    return replace(WELL[service], passed=at)


@pytest.fixture
async def ward() -> Ward:
    ward = Ward()
    await ward.host.watcher.resume()
    await ward.host.watcher.look()
    return ward


async def test_one_that_is_unhealthy_is_restarted_once_what_it_needs_has_passed(
    ward: Ward,
) -> None:
    await ward.falls_ill()
    await ward.cure.round()
    assert ward.restarts.done == []
    ward.restarts.helps = True
    await ward.passes(2)

    assert ward.restarts.done == ["worker"]
    assert ward.restarts.written == 1, "the journal knew before"
    assert ward.host.people.told == ["worker unhealthy", "worker well again"]
    assert ward.people.told == {}


async def test_it_is_given_up_after_so_many_restarts_and_said_once(ward: Ward) -> None:
    await ward.falls_ill()
    await ward.passes(180)

    assert ward.restarts.done == ["worker"] * LIMIT
    [(incident, tried)] = ward.people.told.items()
    assert incident.root == "worker"
    assert len(tried) == LIMIT
    assert sum(each.gave_up for each in ward.log.rows.values()) == 1


async def test_a_restart_of_akbot_forgets_neither_restarts_nor_the_end_of_them(ward: Ward) -> None:
    await ward.falls_ill()
    await ward.passes(0.5)
    done = len(ward.restarts.done)
    assert 0 < done < LIMIT
    for _ in range(3):
        ward.boot()
        await ward.host.watcher.resume()
        await ward.passes(20)

    assert ward.restarts.done == ["worker"] * LIMIT
    assert len(ward.people.told) == 1


async def test_one_that_was_well_again_may_be_restarted_when_the_hour_is_over(ward: Ward) -> None:
    await ward.falls_ill()
    await ward.passes(10)
    assert len(ward.people.told) == 1
    ward.host.containers.states["worker"] = passed("worker", ward.host.clock.at)
    await ward.passes(10)
    assert ward.host.people.told[-1] == "worker well again"
    await ward.falls_ill()
    await ward.passes(10)
    assert len(ward.restarts.done) == LIMIT
    assert len(ward.people.told) == 2, "it is another incident"
    ward.host.containers.states["worker"] = passed("worker", ward.host.clock.at)
    await ward.passes(60)
    await ward.falls_ill()
    await ward.passes(1)

    assert len(ward.restarts.done) > LIMIT


@pytest.mark.parametrize(
    "change",
    [
        {"status": "exited", "health": "unhealthy"},
        {"status": "paused", "health": "unhealthy"},
        {"health": "starting"},
        {"status": "exited", "exit_code": 1, "health": ""},
    ],
    ids=str,
)
async def test_what_is_not_unhealthy_is_left_alone(ward: Ward, change: dict[str, object]) -> None:
    await ward.falls_ill()
    state = replace(WELL["worker"], **change)  # type: ignore[arg-type]
    ward.host.containers.states["worker"] = state
    await ward.passes(30)

    assert ward.restarts.done == []
    assert not ward.log.rows


@pytest.mark.parametrize("trouble", ["exited", "unhealthy", "hangs"])
async def test_what_only_follows_from_another_is_left_alone(ward: Ward, trouble: str) -> None:
    await ward.falls_ill("authentik")
    down = passed("postgresql", ward.host.clock.at)
    if trouble == "exited":
        down = replace(down, status="exited", exit_code=137, passed=None)
    if trouble == "unhealthy":
        down = replace(down, health="unhealthy", passed=None)
    if trouble == "hangs":  # of which its own check has not told yet
        down = replace(down, passed=None)
    ward.host.containers.states["postgresql"] = down
    await ward.passes(10)

    assert set(ward.restarts.done) <= {"postgresql"}
    assert "authentik" not in {each.service for each in ward.log.rows.values()}


async def test_nothing_is_restarted_while_a_job_runs_or_people_are_at_work(ward: Ward) -> None:
    await ward.falls_ill()
    ward.is_free = False
    await ward.passes(10)
    ward.is_free, ward.lock.held = True, True
    await ward.passes(10)
    ward.lock.held = False
    await ward.host.watcher.mute(ward.host.clock.at + timedelta(minutes=10))
    await ward.passes(9)
    assert ward.restarts.done == []
    assert not ward.log.rows
    await ward.passes(2)

    assert ward.restarts.done


async def test_a_job_that_begins_meanwhile_is_quicker(ward: Ward) -> None:
    answers = [True, False]

    async def free() -> bool:
        return answers.pop(0) if answers else False

    ward.cure = replace(ward.cure, is_free=free)
    await ward.falls_ill()
    await ward.passes(1)

    assert not answers
    assert ward.restarts.done == []
    assert not ward.log.rows


async def test_one_that_was_stopped_in_that_moment_counts_as_no_restart(ward: Ward) -> None:
    await ward.falls_ill()
    ward.restarts.is_too_late = True
    await ward.passes(10)

    assert ward.restarts.written == 1
    assert not ward.log.rows
    assert ward.people.told == {}


async def test_a_restart_that_fails_is_told_at_once_and_is_the_last(ward: Ward) -> None:
    await ward.falls_ill()
    await ward.passes(0.5)
    done = len(ward.restarts.done)
    ward.restarts.fails = PortError("the port is allocated")
    await ward.passes(0.5)
    ward.restarts.fails = None
    await ward.passes(90)

    [tried] = ward.people.told.values()
    assert [each.failure for each in tried] == [""] * done + ["the port is allocated"]
    assert len(ward.restarts.done) == done < LIMIT


async def test_without_the_journal_nothing_is_restarted(ward: Ward) -> None:
    await ward.falls_ill()
    await ward.host.passes(15)
    for name in WELL.keys() - {"worker"}:
        ward.host.containers.states[name] = passed(name, ward.host.clock.at)
    ward.log.fails = PortError("no space left")
    with pytest.raises(PortError):
        await ward.cure.round()

    assert ward.restarts.done == []


async def test_that_it_is_given_up_is_told_until_it_could_be(ward: Ward) -> None:
    await ward.falls_ill()
    ward.people.fails = PortError("no space left")
    with pytest.raises(PortError):
        await ward.passes(10)
    ward.people.fails = None
    await ward.passes(10)

    assert len(ward.people.told) == 1
    assert ward.restarts.done == ["worker"] * LIMIT
