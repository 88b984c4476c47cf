"""An update or a rollback that dies at any of the journal's writes: one whole version serves."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import BotError
from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.messages import RunUpdate
from bot.domain.update import plan_of
from bot.domain.update_gate import Judgement
from bot.services.update_ports import Ask
from tests.fakes_roll import LIVE, REPOSITORY, Behaviour, Content, RollHost
from tests.services.mortal import KilledError, Life
from tests.services.roll_world import (
    ASK_WITHIN,
    PATCH,
    UPDATE,
    RollWorld,
    process,
    world_of,
)

PATCHED = Behaviour(migrations=("new-2",))
MOST_WRITES = 60


def host_for(name: str) -> RollHost:
    behaviours = {"2025.2.4": PATCHED, "2025.4.4": Behaviour(migrations=("new-2", "new-4"))}
    if name == "faulty":
        behaviours["2025.2.4"] = replace(PATCHED, drops_rows=True, holds=False)
    if name == "second hop fails":
        behaviours["2025.4.4"] = replace(behaviours["2025.4.4"], holds=False)
    return RollHost(behaviours=behaviours)


async def act(world: RollWorld, name: str) -> None:
    match name:
        case "rollback":
            await world.roll_back()
        case "two hops" | "second hop fails":
            await world.update(replace(UPDATE, rehearse=False))
        case _:
            await world.update(replace(PATCH, rehearse=name != "faulty"))


GOALS = {
    "good": "2025.2.4", "two hops": "2025.4.4", "faulty": "2025.2.1",
    "second hop fails": "2025.2.4", "rollback": "2025.2.1",
}  # fmt: skip
STARTS = {"rollback": "2025.2.4"}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", GOALS)
async def test_killed_at_any_write_one_whole_version_serves(
    tmp_path: Path,
    name: str,
    after: bool,  # noqa: FBT001
) -> None:
    ends = await killed_at_each_write(tmp_path, name, after=after)

    assert GOALS[name] in ends
    assert STARTS.get(name, "2025.2.1") in ends


@pytest.mark.parametrize("name", ["good", "faulty", "rollback"])
async def test_killed_at_any_write_it_serves_though_nobody_starts_the_stack(
    tmp_path: Path, name: str
) -> None:
    """What a process has removed is known to the next one, which has to start it."""
    assert GOALS[name] in await killed_at_each_write(tmp_path, name, after=False, boots=False)


async def killed_at_each_write(
    tmp_path: Path, name: str, *, after: bool, boots: bool = True
) -> set[str]:
    """What has served afterwards; *boots*: a person's `docker compose up -d` follows each kill."""
    ends: set[str] = set()
    for dies_at in range(1, MOST_WRITES):
        journal = Journal(StateFolder(tmp_path / f"state-{dies_at}"))
        world = world_of(journal, host=host_for(name))
        if name == "rollback":
            await world.update(PATCH)
        life, died = Life(dies_at, after), False
        try:
            await act(process(world, journal, life), name)
        except KilledError:
            died = True
            if boots:
                world.host.boot()
            await process(world, journal, Life()).jobs.recover()
        except BotError:
            assert name in {"faulty", "second hop fails"}
        ends.add(world.host.running)
        await judged(world, journal)
        await journal.close()
        if not died:
            break
    else:
        pytest.fail("it never came to its end")
    return ends


async def judged(world: RollWorld, journal: Journal, lost: str = "") -> None:
    """All is well, whatever serves, and told; *lost* is what a failing call may have cost."""
    host = world.host
    assert not await journal.jobs.open_jobs()
    assert host.running == host.tag
    assert host.holds(host.running)
    assert LIVE not in host.fenced
    assert host.live.rows == 100
    if host.running == "2025.2.1":
        assert host.live.migrations == ("0001",)
        assert host.redis == "sessions" or "put sessions back" in lost
    jobs = [job for job in await journal.jobs.jobs() if job.kind is not JobKind.BACKUP]
    for job in jobs:
        assert job.swept
        assert job.state is not JobState.STUCK
        assert job.crashes <= 1
    if jobs:
        told_of(jobs[0], host.running)
    kept = {job.plan.get("undoes", job.id) for job in jobs if job.plan.get("kept")}
    left = [each for each in host.databases if each != LIVE]
    assert all(any(own(job, each) for job in kept) for each in left), left
    if host.running == GOALS["two hops"]:
        assert len(left) == 1
    records = await world.records()
    assert all(each.summary for each in records), "no half a backup is left"


def told_of(job: Job, running: str) -> None:
    """The last job is done only where what it was for serves, and says what does."""
    plan = plan_of(job.plan)
    before, after = (plan.site.version, plan.target.version) if plan else (None, None)
    wanted = before if job.kind is JobKind.ROLLBACK else after
    assert (job.state is JobState.DONE) is (running == wanted), job
    assert running in job.message or "Nothing was changed" in job.message, job


def own(job: str, database: str) -> bool:
    return job.lower().replace("-", "_") in database


@pytest.mark.parametrize("name", GOALS)
async def test_each_failure_leaves_one_whole_version(tmp_path: Path, name: str) -> None:
    """Whatever call fails once."""
    journal = Journal(StateFolder(tmp_path / "first"))
    world = world_of(journal, host=host_for(name))
    if name == "rollback":
        await world.update(PATCH)
    world.host.calls.clear()
    try:
        await act(world, name)
    except BotError:
        assert name in {"faulty", "second hop fails"}
    calls = list(dict.fromkeys(world.host.calls))
    await journal.close()
    for number, failing in enumerate(calls):
        journal = Journal(StateFolder(tmp_path / f"{number}"))
        world = world_of(journal, host=host_for(name))
        if name == "rollback":
            await world.update(PATCH)
        world.host.fails = {failing}
        try:
            await act(world, name)
        except BotError as error:
            assert failing in str(error) or failing in "".join(getattr(error, "__notes__", []))  # noqa: PT017
        world.host.fails = set()
        await world.jobs.recover()
        await judged(world, journal, failing)
        await journal.close()


@dataclass
class Person:
    """Whoever began it: an AskWhoeverBegan with one *answer*, in a process with that *life*."""

    answer: bool | None = None
    life: Life | None = None
    asked: list[tuple[str, str, datetime]] = field(default_factory=list)

    def __call__(self, command: RunUpdate) -> Ask:
        async def ask(judgement: Judgement, until: datetime) -> bool | None:
            assert "https://sso.example answers 502" in judgement.reason
            self.asked.append((command.actor, command.tag, until))
            if self.life:
                self.life.is_over = True
                raise KilledError
            return self.answer

        return ask


ASKS = replace(PATCHED, asks=True)
STRAIGHT = replace(PATCH, rehearse=False)


async def killed_while_it_asks(world: RollWorld, journal: Journal) -> datetime:
    """Until when the person might have answered."""
    life = Life()
    person = Person(life=life)
    with pytest.raises(KilledError):
        await process(world, journal, life).update(STRAIGHT, ask=person(STRAIGHT))
    [(_, _, until)] = person.asked
    return until


async def recovered(world: RollWorld, journal: Journal, person: Person, life: Life) -> Job:
    after = process(world, journal, life)
    after.ask_whoever_began = person
    [job] = await after.jobs.recover()
    return job


@pytest.mark.parametrize(
    ("answer", "state", "version", "words"),
    [
        (True, JobState.DONE, "2025.2.4", "and a person keeps it, though https://sso.example"),
        (False, JobState.ROLLED_BACK, "2025.2.1", "answers 502, 200 before. 2025.2.1 serves again"),
        (None, JobState.DONE, "2025.2.4", 'before. "akbot rollback" takes it back'),
    ],
    ids=["stays", "goes", "nobody is there"],
)
async def test_killed_while_a_person_is_asked_it_asks_once_more(
    tmp_path: Path, state: JobState, version: str, words: str, *, answer: bool | None
) -> None:
    journal = Journal(StateFolder(tmp_path / "state"))
    world = world_of(journal, host=RollHost(behaviours={"2025.2.4": ASKS}))
    until = await killed_while_it_asks(world, journal)
    world.gate_clock.at += timedelta(seconds=200)
    person = Person(answer)

    job = await recovered(world, journal, person, Life())

    assert person.asked == [("root", "2025.2.4", until)], "within what is left"
    assert (job.state, world.host.running) == (state, version)
    assert words in job.message
    await judged(world, journal)
    await journal.close()


async def test_killed_once_more_while_it_asks_it_asks_again(tmp_path: Path) -> None:
    journal = Journal(StateFolder(tmp_path / "state"))
    world = world_of(journal, host=RollHost(behaviours={"2025.2.4": ASKS}))
    until = await killed_while_it_asks(world, journal)
    life = Life()
    with pytest.raises(KilledError):
        await recovered(world, journal, Person(life=life), life)
    person = Person(answer=False)

    job = await recovered(world, journal, person, Life())

    assert [each[2] for each in person.asked] == [until]
    assert (job.state, world.host.running) == (JobState.ROLLED_BACK, "2025.2.1")
    await journal.close()


async def test_once_the_time_for_an_answer_is_over_it_stays(tmp_path: Path) -> None:
    """Nobody could answer, and people may have worked on it for hours."""
    journal = Journal(StateFolder(tmp_path / "state"))
    world = world_of(journal, host=RollHost(behaviours={"2025.2.4": ASKS}))
    await killed_while_it_asks(world, journal)
    world.gate_clock.at += ASK_WITHIN
    world.host.write()
    person = Person(answer=False)

    job = await recovered(world, journal, person, Life())

    assert not person.asked
    assert (job.state, world.host.running) == (JobState.DONE, "2025.2.4")
    assert '"akbot rollback" takes it back' in job.message
    await journal.close()


@pytest.mark.parametrize("dies_at", [-2, -1], ids=["before it has held", "once it has held"])
async def test_whoever_finishes_it_tells_of_outposts_left_behind(
    tmp_path: Path, dies_at: int
) -> None:
    journal, life = Journal(StateFolder(tmp_path / "state")), Life()
    other = Journal(StateFolder(tmp_path / "other"))
    await process(world_of(other, host=host_for("good")), other, life).update(PATCH)
    await other.close()
    promotions = [n for n, each in enumerate(life.writes, 1) if each == "commit"]
    last = {-2: promotions[-1], -1: len(life.writes)}[dies_at]
    world = world_of(journal, host=host_for("good"))
    world.in_step.images = {"ldap": "g/ldap:2025.2.1"}
    with pytest.raises(KilledError):
        await process(world, journal, Life(last)).update(PATCH)

    [settled] = await process(world, journal, Life()).jobs.recover()

    assert settled.state is JobState.DONE
    assert settled.message.endswith("; must be moved to it too: ldap")
    await journal.close()


@pytest.mark.parametrize("lacks_disk", [True, False])
async def test_whoever_takes_it_back_blames_the_version_for_its_own_faults_alone(
    tmp_path: Path, *, lacks_disk: bool
) -> None:
    journal = Journal(StateFolder(tmp_path / "state"))
    world = world_of(journal, host=RollHost(behaviours={"2025.2.4": ASKS}))
    await killed_while_it_asks(world, journal)
    world.host.behaviours["2025.2.4"] = replace(PATCHED, holds=False, lacks_disk=lacks_disk)

    job = await recovered(world, journal, Person(), Life())

    assert (job.state, world.host.running) == (JobState.ROLLED_BACK, "2025.2.1")
    assert ("2025.2.4 can be tried again" in job.message) is lacks_disk
    assert bool(await journal.releases.bad(REPOSITORY)) is not lacks_disk
    await journal.close()


async def test_a_killed_process_is_followed_by_eight_hours_of_work(tmp_path: Path) -> None:
    """Its containers run, its process is gone before the gate: what people wrote stays."""
    journal = Journal(StateFolder(tmp_path / "state"))
    world = world_of(journal, host=host_for("good"))
    life = Life()
    other = Journal(StateFolder(tmp_path / "other"))
    await process(world_of(other, host=host_for("good")), other, life).update(PATCH)
    await other.close()
    last = [n for n, each in enumerate(life.writes, 1) if each == "step"][-2]
    with pytest.raises(KilledError):
        await process(world, journal, Life(last)).update(PATCH)
    assert world.host.running == "2025.2.4"
    world.host.write()

    [settled] = await process(world, journal, Life()).jobs.recover()

    assert settled.state is JobState.DONE
    assert world.host.live == Content(101, ("0001", "new-2"), ("2025.2.1", "2025.2.4"))
    await journal.close()
