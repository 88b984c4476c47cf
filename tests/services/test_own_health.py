"""The daemon notices what of itself hangs or cannot be written, and no question to it hangs."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Coroutine, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest

from bot.adapters.threads import finish
from bot.domain.backup_id import make_backup_id
from bot.domain.container_state import Happened
from bot.domain.daemon_report import DOCKER, FAILED, STATE, DaemonReport, judge_readiness
from bot.domain.errors import PortError
from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.messages import Command
from bot.domain.schedule import Schedule
from bot.entrypoints.alarms import AlarmRounds
from bot.entrypoints.curing import CureRounds
from bot.entrypoints.daemon import Daemon
from bot.entrypoints.scheduler import Rounds, Scheduler
from bot.entrypoints.surroundings import SurroundingsRounds
from bot.entrypoints.watcher import WatchRounds
from bot.services.bounded import Bounded
from bot.services.cure import Cure
from bot.services.job_counts import JobCounts
from bot.services.own_health import OwnHealth
from bot.services.ports import Clock
from bot.services.pulse import Pulse
from bot.services.readiness import Ask, Readiness, System
from bot.services.standing import Standing
from bot.services.surroundings import SurroundingsWatch
from bot.services.watcher import Watcher
from tests.fakes_journal import FakeJobJournal
from tests.fakes_stack import NOW, FakeClock
from tests.services.simulated_time import SimulatedClock
from tests.services.world import COMMAND

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
COMMAND_ID, OTHER_ID = make_backup_id(NOW, "k3f9"), make_backup_id(NOW, "aaaa")
JOB = Job(id=COMMAND_ID, kind=JobKind.BACKUP, trigger=COMMAND.trigger, actor="", started=NOW)
WITHIN = 0.05  # real seconds


async def for_ever(*_: object) -> Any:
    """A call that hangs."""
    await asyncio.get_running_loop().create_future()


async def nothing(*_: object, **__: object) -> Any:
    """A call that answers at once."""


@dataclass
class Hanging:
    """The outside of the daemon's loops: *hangs* names the calls that do not come back.

    *breaks* names those that raise what no call should.
    """

    hangs: set[str] = field(default_factory=set)
    breaks: set[str] = field(default_factory=set)

    async def _call(self, name: str, answer: Any = None) -> Any:
        if name in self.hangs:
            await for_ever()
        if name in self.breaks:
            raise ValueError("an error of ours")
        return answer

    async def start(self, _: Command) -> Job:
        return cast("Job", await self._call("start"))

    async def jobs(self, _: int) -> Sequence[Job]:
        return cast("Sequence[Job]", await self._call("jobs", []))

    async def look(self) -> bool:
        return bool(await self._call("look", answer=True))

    async def tick(self) -> bool:
        return bool(await self._call("tick", answer=False))

    async def resume(self) -> None:
        """There is nothing to take up."""

    async def happened(self, _: Happened) -> bool:
        return False

    async def events(self) -> AsyncGenerator[Happened]:
        await for_ever()
        yield Happened("", START, "")

    async def alarms(self) -> None:
        await self._call("alarms")

    async def versions(self) -> None:
        await self._call("versions")

    async def probe(self) -> None:
        await self._call("probe")

    async def round(self) -> None:
        await self._call("round")

    async def recover(self, *, at_leisure: bool) -> Sequence[Job]:
        del at_leisure  # it hangs either way
        return cast("Sequence[Job]", await self._call("recover", []))

    async def sweep(self) -> Sequence[str]:
        return []

    async def days(self) -> Collection[date]:
        """There is nothing to forget."""
        return ()

    async def close(self, _: float) -> None:
        """No job is in hand."""

    is_blind = False


@dataclass
class HangingAround:
    """The watch over the surroundings, of which only the look is asked here."""

    world: Hanging

    async def look(self) -> None:
        await self.world._call("look around")


def loops(
    world: Hanging,
    clock: SimulatedClock,
    pulse: Pulse,
    troubles: MutableMapping[str, str] | None = None,
) -> list[Coroutine[Any, Any, None]]:
    """What of the daemon goes round, on *world*."""
    troubles = {} if troubles is None else troubles
    schedule = Schedule("0 * * * *", UTC)
    scheduler = Scheduler(
        JobKind.BACKUP,
        schedule,
        lambda slot: replace(COMMAND, slot=slot),
        world,
        clock,
        START,
        troubles,
        beat=pulse.of("the schedule", 3600),
    )
    watching = WatchRounds(
        cast("Watcher", world),
        cast("Any", world),
        clock,
        (),
        pulse.of("the look", 600),
        pulse.of("the tick", 600),
    )
    rounds = Rounds("", schedule, world.versions, clock, START, beat=pulse.of("the rounds", 3600))
    daemon = Daemon(
        runner=cast("Any", world),
        journal=cast("Any", world),
        recover=world.recover,
        probe=world.probe,
        sweep=world.sweep,
        clock=clock,
        parts=[],
        farewell=nothing,
        troubles=troubles,
        beat=pulse.of("the probe", 600),
        beat_of_settling=pulse.of("the settling", 7200),
    )
    around = cast("SurroundingsWatch", HangingAround(world))
    return [
        scheduler.run(),
        watching.run(),
        rounds.run(),
        SurroundingsRounds(around, 60, clock, pulse.of("the look around", 3600)).run(),
        CureRounds(cast("Cure", world), clock, pulse.of("the cure", 3600)).run(),
        AlarmRounds(world.alarms, clock, never_held, pulse.of("the alarms", 3600)).run(),
        daemon.run(asyncio.Event()),
    ]


async def never_held() -> bool:
    return False


@pytest.mark.parametrize(
    ("hangs", "silent"),
    [
        ("", ""),
        ("start", "the schedule"),
        ("jobs", "the schedule"),
        ("look", "the look"),
        ("tick", "the tick"),
        ("alarms", "the alarms"),
        ("versions", "the rounds"),
        ("probe", "the probe"),
        ("look around", "the look around"),
        ("round", "the cure"),
        ("recover", "the settling"),
    ],
)
async def test_a_loop_that_hangs_is_noticed_and_no_other(hangs: str, silent: str) -> None:
    clock = SimulatedClock(START)
    world, pulse = Hanging(), Pulse(clock)
    running = [asyncio.ensure_future(each) for each in loops(world, clock, pulse)]
    await clock.run_until(START + timedelta(hours=3))
    assert pulse.silent() == (), "in three hours of work nothing looks dead"

    world.hangs = {hangs}
    await clock.run_until(START + timedelta(hours=6))

    names = [words.partition(" hangs: it last went round ")[0] for words in pulse.silent()]
    assert names == ([silent] if silent else [])
    for each in running:
        each.cancel()
    await asyncio.wait(running)


@pytest.mark.parametrize(
    ("breaks", "trouble"),
    [
        ("start", "the backup of 04:00 UTC could not begin: an error of akbot itself"),
        ("jobs", "the backup of 04:00 UTC could not begin: an error of akbot itself"),
        ("look", ""),
        ("tick", ""),
        ("alarms", ""),
        ("versions", ""),
        ("probe", "state: an error of akbot itself"),
        ("recover", "earlier jobs: an error of akbot itself"),
    ],
)
async def test_an_error_of_akbot_itself_ends_no_loop_and_is_told(
    breaks: str, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock, troubles = SimulatedClock(START), dict[str, str]()
    world, pulse = Hanging(breaks={breaks}), Pulse(clock)
    running = [asyncio.ensure_future(each) for each in loops(world, clock, pulse, troubles)]
    await clock.run_until(START + timedelta(hours=1, minutes=30))
    assert not any(each.done() for each in running), "one that ends so ends the whole daemon"
    assert "ValueError: an error of ours" in caplog.text
    assert [words.partition(";")[0] for words in troubles.values()] == (
        [trouble] if trouble else []
    )

    world.breaks.clear()
    await clock.run_until(START + timedelta(hours=2, minutes=30))

    assert troubles == {}
    for each in running:
        each.cancel()
    await asyncio.wait(running)


async def test_a_loop_that_is_gone_is_noticed_and_one_that_never_began_is_not() -> None:
    clock = SimulatedClock(START)
    pulse = Pulse(clock)
    pulse.of("held back", 60)
    pulse.of("gone", 60)()

    await clock.run_until(START + timedelta(minutes=5))

    assert pulse.silent() == ("gone hangs: it last went round 5 min ago",)


async def test_a_clock_that_leaps_kills_nothing() -> None:
    clock = SimulatedClock(START)
    pulse = Pulse(clock)
    pulse.of("a loop", 60)()

    clock.jump(timedelta(days=30))

    assert pulse.silent() == ()


async def test_who_waits_for_a_settling_is_excused_and_the_settling_is_not_for_ever() -> None:
    clock = SimulatedClock(START)
    pulse, settling = Pulse(clock), asyncio.Lock()
    pulse.of("a schedule", 60, settling.locked)()
    pulse.of("the settling", 3600)()

    async with settling:
        await clock.run_until(START + timedelta(minutes=50))
        assert pulse.silent() == ()
        await clock.run_until(START + timedelta(minutes=70))
        assert pulse.silent() == ("the settling hangs: it last went round 70 min ago",)
    assert "a schedule hangs: it last went round 70 min ago" in pulse.silent()


@dataclass
class HangingJournal(FakeJobJournal):
    hangs: bool = False
    fails: PortError | None = None
    asked: int = 0

    async def open_jobs(self) -> Sequence[Job]:
        self.asked += 1
        if self.fails:
            raise self.fails
        if self.hangs:
            await for_ever()
        return await super().open_jobs()


async def has_no_job() -> bool:
    return False


async def not_paused() -> str:
    return ""


def own_health(
    journal: HangingJournal, troubles: Mapping[str, str], clock: Clock | None = None
) -> OwnHealth:
    clock = clock or FakeClock()
    return OwnHealth(
        Standing(journal, has_no_job),
        journal,
        Pulse(clock),
        troubles,
        not_paused,
        None,
        lambda: None,
        clock,
        within=WITHIN,
    )


async def test_a_state_folder_that_cannot_be_written_is_a_failure_other_trouble_is_none() -> None:
    troubles = {STATE: "state: no space left", "backup": "the backup could not begin"}

    report = await own_health(HangingJournal(), troubles).report()
    less = await own_health(HangingJournal(), {"backup": "no"}).report()

    assert (report.status, report.failing) == (FAILED, ("state: no space left",))
    assert report.troubles == ("the backup could not begin",)
    assert (less.status, less.failing) == ("degraded", ())


async def test_a_journal_that_cannot_be_read_is_a_failure() -> None:
    journal = HangingJournal(fails=PortError("read the journal: it is damaged"))

    report = await own_health(journal, {}).report()

    assert report.status == FAILED
    assert report.failing == ("the state folder: read the journal: it is damaged",)


async def test_a_journal_that_hangs_is_a_failure_after_a_minute_and_is_asked_once() -> None:
    journal, clock = HangingJournal(hangs=True), SimulatedClock(START)
    health = own_health(journal, {}, clock)

    busy = [await health.report() for _ in range(2)]
    await clock.run_until(START + timedelta(seconds=60))
    hanging = await health.report()
    await health.close()

    assert {each.status for each in busy} == {"ok"}
    assert hanging.failing == ("the state folder: no answer for 60 seconds",)
    assert journal.asked == 1


async def test_a_journal_that_is_busy_is_believed_what_it_said_before() -> None:
    journal = HangingJournal()
    await journal.begin(replace(JOB, state=JobState.FAILED))
    health = own_health(journal, {})
    before = await health.report()

    journal.hangs = True
    meanwhile = await health.report()
    await health.close()

    assert meanwhile == before
    assert meanwhile.uncleaned == (JOB.id,)


async def test_a_question_that_was_given_up_is_answered_to_the_next_who_asks() -> None:
    answer = asyncio.get_running_loop().create_future()
    question: Bounded[int] = Bounded(lambda: answer, WITHIN)
    with pytest.raises(TimeoutError):
        await question.answer()

    answer.set_result(1)

    assert await question.answer() == 1


async def test_what_hangs_does_not_hold_up_the_end_of_the_bot() -> None:
    released = asyncio.Event()

    async def deaf() -> None:
        """As a call on a thread, whose cancellation waits for the thread."""
        await finish(released.wait())

    question = Bounded(deaf, WITHIN)
    with pytest.raises(TimeoutError):
        await question.answer()

    async with asyncio.timeout(60):
        await question.close()
    released.set()


async def test_systems_are_asked_beside_each_other_and_not_all_the_time() -> None:
    clock = SimulatedClock(START)
    asked: list[str] = []
    is_away = True

    async def well() -> None:
        asked.append("well")

    async def away() -> None:
        if is_away:
            raise PortError("it is away")

    meeting = asyncio.Barrier(2)

    async def meets() -> None:
        await meeting.wait()

    asks: dict[str, Ask] = {"a": well, "b": away, "c": for_ever, "d": meets, "e": meets}
    systems = {name: System(ask, 60) for name, ask in asks.items()}
    ready = Readiness(systems, clock, within=WITHIN)
    first = await ready.look()
    second = await ready.look()
    await clock.run_until(START + timedelta(seconds=30))
    is_away = False
    third = await ready.look()
    await clock.run_until(START + timedelta(seconds=60))
    await ready.look()
    await ready.close()

    hangs = "no answer within 0.05 seconds"
    assert first == second == {"a": "", "b": "it is away", "c": hangs, "d": "", "e": ""}
    assert third["b"] == "", "what was wrong is looked at again sooner"
    assert asked == ["well", "well"]


FINE = DaemonReport()


@pytest.mark.parametrize(
    ("report", "systems", "lacking"),
    [
        (FINE, {DOCKER: "", "nas": ""}, ()),
        (FINE, {DOCKER: "", "nas": "away", "offsite": ""}, ()),
        (FINE, {DOCKER: "", "nas": "away", "offsite": "no"}, ("nas: away", "offsite: no")),
        (FINE, {DOCKER: "no socket", "nas": ""}, ("the Docker Engine: no socket",)),
        (DaemonReport(failing=("the state folder: full",)), {}, ("the state folder: full",)),
        (DaemonReport(troubles=("no",), chat="refused"), {DOCKER: "", "nas": ""}, ()),
    ],
)
def test_what_a_job_would_lack(
    report: DaemonReport, systems: dict[str, str], lacking: tuple[str, ...]
) -> None:
    assert judge_readiness(report, systems) == lacking


def test_each_end_of_a_job_is_counted_once_whatever_the_journal_forgets() -> None:
    job = JOB
    done = replace(job, state=JobState.DONE, ended=NOW)
    before = replace(done, id=OTHER_ID, ended=NOW - timedelta(seconds=1))
    counts = JobCounts(NOW)

    assert counts.count([job, before]) == {}
    assert counts.count([done, before]) == {(JobKind.BACKUP, JobState.DONE): 1}
    assert counts.count([done]) == {(JobKind.BACKUP, JobState.DONE): 1}
    assert counts.count([]) == {(JobKind.BACKUP, JobState.DONE): 1}
