"""What a job promises: one at a time, written down before it acts, found whole or undone."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.journal import Journal
from bot.adapters.journal_jobs import SqliteJobJournal
from bot.adapters.threads import finish
from bot.domain.catalogue import BackupState
from bot.domain.errors import BusyError, JobCancelledError, PortError
from bot.domain.jobs import Job, JobState, Outcome, Trigger
from bot.domain.messages import JobBegan, JobEnded
from bot.services.jobs import Jobs
from bot.services.ports import JobLog, Publish
from bot.services.settling import stuck as given_up
from bot.services.store_ports import StoredObject
from tests.contracts.state_places import a_job
from tests.fakes import FakeStore
from tests.fakes_journal import FakeJobJournal
from tests.services.mortal import KilledError, Life, Mortal
from tests.services.world import COMMAND, World

WRITES = frozenset({"begin", "plan", "step", "finish", "crashed"})


def process(world: World, journal: Journal, life: Life) -> World:
    """Another process of the same bot: the same store, journal and keys, a life of its own."""
    return replace(
        world,
        store=Mortal(world.store, life),  # type: ignore[arg-type]
        engine=Mortal(world.engine, life),  # type: ignore[arg-type]
        journal=Mortal(journal.jobs, life, WRITES),
        told=[],
    )


async def writes_of_a_backup() -> list[str]:
    world, life = World(), Life()
    await replace(world, journal=Mortal(world.journal, life, WRITES)).run()
    return life.writes


async def test_every_step_is_in_the_journal_before_it_is_taken() -> None:
    steps = ["store"] * 7
    assert await writes_of_a_backup() == [
        "begin", "plan", *("step" for _ in steps), "step", "finish",
    ]  # fmt: skip


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_at", range(1, 12))
async def test_killed_at_any_write_it_is_finished_or_undone(
    journal: Journal,
    dies_at: int,
    after: bool,  # noqa: FBT001
) -> None:
    world = World()
    life = Life(dies_at, after)
    with pytest.raises(KilledError):
        await process(world, journal, life).run()

    restarted = process(world, journal, Life())
    await restarted.jobs.recover()

    jobs = await journal.jobs.jobs()
    assert not await journal.jobs.open_jobs()
    if life.writes == ["begin"] and not after:
        assert not jobs
    elif life.writes[-1] == "finish":
        assert [job.state for job in jobs] == [JobState.DONE]
        assert [record.state for record in await world.records()] == [BackupState.GOOD]
        return
    else:
        assert [(job.state, job.crashes) for job in jobs] == [(JobState.INTERRUPTED, 1)]
    assert not world.store.objects


async def test_killed_between_the_commit_and_the_last_word_it_has_done_its_work(
    journal: Journal,
) -> None:
    world = World()
    last = len(await writes_of_a_backup())
    with pytest.raises(KilledError):
        await process(world, journal, Life(last)).run()

    restarted = process(world, journal, Life())
    [settled] = await restarted.jobs.recover()

    assert settled.state is JobState.DONE
    assert [type(event) for _, event in restarted.told] == [JobEnded]


async def test_killed_while_it_recovers_it_recovers_the_next_time(journal: Journal) -> None:
    world = World()
    with pytest.raises(KilledError):
        await process(world, journal, Life(6)).run()
    for dies_at in (1, 2):
        with pytest.raises(KilledError):
            await process(world, journal, Life(dies_at)).jobs.recover()

    await process(world, journal, Life()).jobs.recover()

    [job] = await journal.jobs.jobs()
    assert job.state in {JobState.INTERRUPTED, JobState.STUCK}
    assert not world.store.objects


@pytest.mark.parametrize(
    ("crashes", "words"), [(0, "it is strange"), (3, "it is strange, 3 times now")]
)
def test_kills_are_spoken_of_only_where_they_are_why_a_person_is_asked(
    crashes: int, words: str
) -> None:
    job = replace(a_job(), crashes=crashes)

    message = given_up(job, "it is strange").message

    assert message == f'{words}; see "akbot jobs settle {job.id}"'


async def test_after_three_crashes_in_one_job_a_person_is_asked(journal: Journal) -> None:
    world = World()
    with pytest.raises(KilledError):
        await process(world, journal, Life(6)).run()
    for _ in range(2):
        with pytest.raises(KilledError):
            await process(world, journal, Life(1, after=True)).jobs.recover()

    restarted = process(world, journal, Life())
    [stuck] = await restarted.jobs.recover()
    assert stuck.state is JobState.STUCK
    assert f'3 times now; see "akbot jobs settle {stuck.id}"' in stuck.message
    assert not await restarted.jobs.recover()

    await restarted.jobs.settle(stuck)

    [job] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.INTERRUPTED, True)


@dataclass
class OutageStore(FakeStore):
    """Does nothing while *away*."""

    away: bool = False

    async def delete(self, *keys: str) -> None:
        if self.away:
            raise PortError("delete an object: connection refused", retryable=True)
        await super().delete(*keys)


async def test_what_an_outage_forbids_to_undo_is_undone_when_it_is_over(journal: Journal) -> None:
    store = OutageStore(away=True)
    world = World(store=store, journal=journal.jobs)
    del world.engine.disk.archives["/certs"]
    with pytest.raises(PortError, match="no such file"):
        await world.run()
    assert store.objects
    [job] = await journal.jobs.open_jobs()
    assert (job.state, job.swept) == (JobState.FAILED, False)

    assert not await world.jobs.recover(), "nothing has changed"
    store.away = False
    [settled] = await world.jobs.recover()

    assert not store.objects
    assert (settled.state, settled.swept) == (JobState.FAILED, True)
    assert "no such file" in settled.message
    assert "not yet cleaned up" not in settled.message


async def test_an_upload_that_a_killed_process_left_is_aborted(journal: Journal) -> None:
    world = World()
    with pytest.raises(KilledError):
        await process(world, journal, Life(4)).run()
    [job] = await journal.jobs.open_jobs()
    world.store.left = [f"authentik/{job.id}/postgres.dump.age", "authentik/another/upload"]

    await process(world, journal, Life()).jobs.recover()

    assert world.store.left == ["authentik/another/upload"]
    assert job.id in world.engine.swept
    assert world.engine.postgres.calls[-1] == "end sessions"


async def test_a_second_job_is_told_busy_and_nothing_changes(world: World) -> None:
    async with world.lock.hold(None):
        with pytest.raises(BusyError):
            await world.run()

    assert not world.store.objects
    assert not await world.journal.jobs()


@pytest.fixture
def world() -> World:
    return World()


async def test_a_wish_to_cancel_stops_it_and_undoes_what_it_began(world: World) -> None:
    begun: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(world.run(begun=begun.set_result))
    job = await begun
    while not world.store.objects:  # noqa: ASYNC110 - a step of the loop, not a time
        await asyncio.sleep(0)
    assert await world.journal.ask_to_cancel(job.id, "Ada (7)")
    world.clock.wake()

    with pytest.raises(JobCancelledError, match=r"cancelled by Ada \(7\)"):
        await running

    [ended] = await world.journal.jobs()
    assert (ended.state, ended.message) == (JobState.CANCELLED, "cancelled by Ada (7)")
    assert not world.store.objects
    assert not await world.journal.ask_to_cancel(job.id, "Ada (7)"), "it is over"


async def test_a_failure_is_told_with_its_remedy_and_written_down(world: World) -> None:
    del world.engine.disk.archives["/certs"]

    with pytest.raises(PortError):
        await world.run(replace(COMMAND, trigger=Trigger.CHAT, origin="chat:1"))

    kinds = [type(event) for _, event in world.told]
    assert (kinds[0], kinds[-1]) == (JobBegan, JobEnded)
    job, event = world.told[-1]
    assert isinstance(event, JobEnded)
    assert (job.state, job.origin, job.swept) == (JobState.FAILED, "chat:1", True)
    assert 'copy "/certs"' in job.message


async def test_an_end_is_told_with_all_that_the_journal_holds(world: World) -> None:
    await world.run()

    _, event = world.told[-1]
    assert isinstance(event, JobEnded)
    [written] = await world.journal.jobs()
    assert event.job.plan == written.plan != {}


async def test_no_password_of_a_failure_is_written_down_or_told(journal: Journal) -> None:
    world = World(journal=journal.jobs)

    async def work(*_: object) -> None:
        raise PortError("dump postgres://u:secretpw@h/x: refused", hint="Try again.")

    with pytest.raises(PortError):
        await world.jobs.run(COMMAND, work)

    masked = "dump postgres://u:***@h/x: refused. Try again."
    (job,) = await journal.jobs.jobs()
    assert job.message == world.told[-1][0].message == masked
    outcome = Outcome(JobState.FAILED, "dump postgres://u:secretpw@h/x: refused")
    assert outcome.message == "dump postgres://u:***@h/x: refused"


async def test_a_listener_that_fails_does_not_fail_the_job(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    @dataclass
    class Broken:
        calls: list[str] = field(default_factory=list)

        def __call__(self, job: Job, event: object) -> None:
            raise ValueError(f"{job.id} {event}")

    jobs = replace(world.jobs, listeners=[Broken(), *world.jobs.listeners])
    await Jobs.recover(jobs)

    async def work(*_: object) -> str:
        return "done"

    assert await jobs.run(COMMAND, work) == "done"
    assert "a listener failed on JobBegan" in caplog.text
    assert isinstance(world.told[-1][1], JobEnded)


async def test_an_undo_does_not_need_a_journal_that_can_be_read(world: World) -> None:
    class Unreadable(FakeJobJournal):
        async def job(self, job_id: str) -> Job | None:
            raise PortError(f"read the journal of {job_id}: disk error")

    world.journal = Unreadable()
    del world.engine.disk.archives["/certs"]

    with pytest.raises(PortError, match="no such file"):
        await world.run()

    assert not world.store.objects
    [job] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)


async def test_a_whole_backup_is_done_though_its_programs_cannot_be_ended(
    journal: Journal,
) -> None:
    world = World()
    with pytest.raises(KilledError):
        await process(world, journal, Life(len(await writes_of_a_backup()))).run()

    async def away() -> int:
        raise PortError("end sessions in PostgreSQL: it is starting up", retryable=True)

    world.engine.postgres.end_sessions = away  # type: ignore[method-assign]
    [settled] = await process(world, journal, Life()).jobs.recover()

    assert (settled.state, settled.swept) == (JobState.DONE, False)


@dataclass
class HangingStore(FakeStore):
    """Never answers a listing while *hangs*; *asked* is set once somebody waits for one."""

    hangs: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        if self.hangs:
            self.asked.set()
            await asyncio.Event().wait()
        async for each in super().list(prefix):
            yield each


async def test_stops_in_order_are_no_crashes(journal: Journal) -> None:
    store = HangingStore()
    world = World(store=store)
    with pytest.raises(KilledError):
        await process(world, journal, Life(6)).run()
    store.hangs = True
    for _ in range(4):
        recovering = asyncio.create_task(process(world, journal, Life()).jobs.recover())
        await store.asked.wait()
        store.asked.clear()
        recovering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await recovering
    store.hangs = False

    await process(world, journal, Life()).jobs.recover()

    [job] = await journal.jobs.jobs()
    assert (job.state, job.crashes, job.swept) == (JobState.INTERRUPTED, 1, True)
    assert not store.objects


async def test_a_stop_does_not_wait_for_an_undo_that_takes_too_long(journal: Journal) -> None:
    store = HangingStore()
    world = World(store=store, journal=journal.jobs)
    jobs = replace(world.jobs, undo_within=0.05)
    begun = asyncio.Event()

    async def work(job: JobLog, _: Publish) -> None:
        await job.plan(stack="authentik")
        store.hangs = True
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(jobs.run(COMMAND, work))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    [job] = await journal.jobs.open_jobs()
    assert (job.state, job.swept) == (JobState.INTERRUPTED, False)
    assert "not within 0.05 seconds" in job.message


async def test_a_stop_leaves_a_call_behind_that_does_not_end(journal: Journal) -> None:
    world = World(journal=journal.jobs)
    jobs = replace(world.jobs, let_go_within=0.05)
    begun, over = asyncio.Event(), asyncio.Event()

    async def work(job: JobLog, _: Publish) -> None:
        await job.plan(stack="authentik")
        begun.set()
        await finish(over.wait())

    running = asyncio.create_task(jobs.run(COMMAND, work))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    [job] = await journal.jobs.open_jobs()
    assert (job.state, job.swept) == (JobState.INTERRUPTED, False)
    assert "a call of it had not ended" in job.message
    over.set()


async def test_a_stop_while_a_failed_job_is_undone_parks_the_undo(journal: Journal) -> None:
    store = HangingStore()
    world = World(store=store, journal=journal.jobs)

    async def work(job: JobLog, _: Publish) -> None:
        await job.plan(stack="authentik")
        store.hangs = True
        raise PortError("the dump broke")

    running = asyncio.create_task(world.jobs.run(COMMAND, work))
    await store.asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    [job] = await journal.jobs.open_jobs()
    assert (job.state, job.crashes, job.swept) == (JobState.FAILED, 0, False)
    assert job.message.startswith("the dump broke")


@dataclass
class OddJournal:
    """The real one, whose `begin` does not return, or whose `finish` finds no room."""

    journal: SqliteJobJournal
    begins_for_ever: bool = False
    is_full: bool = False
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self, job: Job) -> None:
        await self.journal.begin(job)
        if self.begins_for_ever:
            self.has_begun.set()
            await asyncio.Event().wait()

    async def finish(self, job_id: str, outcome: Outcome, ended: datetime) -> None:
        if self.is_full:
            raise PortError("no space left")
        await self.journal.finish(job_id, outcome, ended)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.journal, name)


async def test_a_stop_while_the_job_is_written_down_leaves_none_running(journal: Journal) -> None:
    odd = OddJournal(journal.jobs, begins_for_ever=True)
    world = World(journal=odd)

    async def work(_: JobLog, __: Publish) -> None:
        raise AssertionError("not after a stop")

    running = asyncio.create_task(world.jobs.run(COMMAND, work))
    await odd.has_begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    [job] = await journal.jobs.jobs()
    assert (job.state, job.swept) == (JobState.INTERRUPTED, True)


async def test_an_end_that_cannot_be_written_does_not_hide_the_error(journal: Journal) -> None:
    world = World(journal=OddJournal(journal.jobs, is_full=True))

    async def work(_: JobLog, __: Publish) -> None:
        raise PortError("the dump broke")

    with pytest.raises(PortError, match="the dump broke") as caught:
        await world.jobs.run(COMMAND, work)

    assert "could not be written down: no space" in caught.value.__notes__[-1]


async def test_a_state_folder_that_went_in_a_job_is_told_at_its_next_step(
    journal: Journal, tmp_path: Path
) -> None:
    world = World(journal=journal.jobs)

    async def work(job: JobLog, _: Publish) -> None:
        shutil.rmtree(tmp_path / "state")
        await job.step("commit")
        raise AssertionError("nothing more is done")

    with pytest.raises(PortError, match="was removed or replaced") as caught:
        await world.jobs.run(COMMAND, work)

    assert "could not be written down: " in caught.value.__notes__[-1]


async def test_one_that_went_after_the_last_step_is_told_beside_what_was_done(
    journal: Journal, tmp_path: Path
) -> None:
    world = World(journal=journal.jobs)

    async def work(_: JobLog, __: Publish) -> None:
        shutil.rmtree(tmp_path / "state")

    with pytest.raises(PortError, match="was removed or replaced") as caught:
        await world.jobs.run(COMMAND, work)

    [note] = caught.value.__notes__
    assert note.endswith(" itself is done: complete, verified and signed.")


async def test_progress_that_cannot_be_written_is_logged_once_and_tried_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class Forgetful(FakeJobJournal):
        forgets = 2

        async def progress(self, job_id: str, words: str, share: float | None) -> str:
            if self.forgets:
                self.forgets -= 1
                raise KeyError(job_id)
            return await super().progress(job_id, words, share)

    world.journal = Forgetful()
    begun: asyncio.Future[Job] = asyncio.get_running_loop().create_future()

    async def work(job: JobLog, _: Publish) -> None:
        await job.plan(stack="authentik")
        await asyncio.Event().wait()

    running = asyncio.create_task(world.jobs.run(COMMAND, work, begun.set_result))
    job = await begun
    await world.journal.ask_to_cancel(job.id, "Ada (7)")
    async with asyncio.timeout(120):
        while not running.done():
            world.clock.wake()
            await asyncio.sleep(0)

    with pytest.raises(JobCancelledError):
        await running
    assert caplog.text.count(f"KeyError: {job.id!r}") == 1


async def test_a_job_waits_for_the_cleaning_up_of_an_earlier_one(journal: Journal) -> None:
    """It is no other job, for whose sake a person would have to be refused."""
    store = HangingStore()
    world = World(store=store)
    with pytest.raises(KilledError):
        await process(world, journal, Life(6)).run()
    store.hangs = True
    jobs = process(world, journal, Life()).jobs

    async def work(_: JobLog, __: Publish) -> str:
        return "done"

    recovering = asyncio.create_task(jobs.recover())
    await store.asked.wait()
    running = asyncio.create_task(jobs.run(COMMAND, work))
    await asyncio.wait({running}, timeout=0.1)
    assert not running.done()
    recovering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await recovering
    store.hangs = False

    assert await running == "done"


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        (Trigger.CLI, "the command was stopped in it"),
        (Trigger.CHAT, "the bot was stopped in it"),
        (Trigger.SCHEDULE, "the bot was stopped in it"),
    ],
)
async def test_what_was_stopped_is_named(journal: Journal, trigger: Trigger, words: str) -> None:
    world, command = World(), replace(COMMAND, trigger=trigger)
    with pytest.raises(KilledError):
        await process(world, journal, Life(6)).run(command)
    await process(world, journal, Life()).jobs.recover()
    cancelled = asyncio.ensure_future(process(world, journal, Life()).run(command))
    while not world.store.objects:  # noqa: ASYNC110 - a step of the loop, not a time
        await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled

    ended = await journal.jobs.jobs()
    assert [(job.state, job.message) for job in ended] == [(JobState.INTERRUPTED, words)] * 2
