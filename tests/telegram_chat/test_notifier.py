import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from bot.domain.drill import KEYLESS, VERDICT, Verdict
from bot.domain.drilled import outcome_words
from bot.domain.jobs import Job, JobState, Trigger
from bot.domain.messages import (
    BackupStarted,
    Command,
    ComponentProgressed,
    ComponentStored,
    ComponentVerified,
    RunBackup,
    RunCopy,
    RunDrill,
    RunPrune,
    RunRestore,
    RunRollback,
    RunUpdate,
    StepBegan,
)
from bot.domain.restore import GOING_AWAY
from bot.domain.update import PLAN, encode_plan
from bot.entrypoints.telegram.asked import Place
from bot.entrypoints.telegram.notifier import Notifier
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.pace import GROUP_INTERVAL, PRIVATE_INTERVAL
from bot.services.settling import backed_up
from tests.domain.test_drill import REPORT as DRILLED
from tests.domain.test_update_recovery import PLAN as TWO_HOPS
from tests.fakes_journal import FakeOutbox
from tests.telegram_chat.samples import MB, component, finished
from tests.telegram_chat.world import ANNA, ToldOperations, TurnedClock, World

SCHEDULED = RunBackup(trigger=Trigger.SCHEDULE, actor="schedule")


def dump(world: World, megabytes: int) -> None:
    world.operations.tell(ComponentProgressed("postgres", megabytes * MB, megabytes * MB // 4))


async def test_progress_is_edited_in_place_and_the_result_is_a_new_message(world: World) -> None:
    async with world.talking():
        progress = await world.asks(world.anna, "/backup nightly")
        job = world.operations.all_jobs[0]
        world.operations.tell(BackupStarted(job.id, 1000 * MB, 1000 * MB))
        world.operations.tell(ComponentStored(component("globals")))
        world.operations.tell(ComponentVerified(component("globals")))
        dump(world, 100)
        await world.eventually(lambda: "10%" in progress.text)
        world.clock.advance(9)
        dump(world, 620)
        await world.eventually(lambda: "62%" in progress.text)
        assert "Database: 620.0 MB of about 1.0 GB" in progress.text
        assert "left" in progress.text
        assert "✅ verified: globals, 12.0 kB" in progress.text
        world.operations.tell(finished(job.id))
        world.operations.end()
        await world.eventually(lambda: len(world.anna.chat.from_bot) == 2)
        outcome = world.anna.chat.last
        await world.eventually(lambda: "Backup done" in progress.text)

    assert "Backup done, verified and signed" in outcome.text
    assert "215.0 MB in 3 components, took 2 min 5 s." in outcome.text
    assert "label “nightly”" in outcome.text
    assert not outcome.silent
    assert world.anna.chat.from_bot == [progress, outcome]


@pytest.mark.parametrize(
    ("chat", "interval"),
    [
        pytest.param(ANNA, PRIVATE_INTERVAL, id="in private"),
        pytest.param(-1_001, GROUP_INTERVAL, id="in a group"),
    ],
)
async def test_progress_is_edited_as_often_as_the_place_allows(
    clock: TurnedClock, chat: int, interval: float
) -> None:
    """In memory alone: how much of a second is worked through depends on no machine."""
    operations, outbox = ToldOperations(clock), FakeOutbox()
    there = (operations, Outgoing(outbox, clock, UTC), clock, UTC)
    notifier = Notifier(*there, alerts=(), moved={}, then=nothing)
    operations.listeners = [notifier.listener]
    telling = asyncio.create_task(notifier.run())
    place = Place(bot=4242, chat=chat, thread=None, message_id=1)
    job = operations.begin(RunBackup(trigger=Trigger.CHAT, actor="Anna (42)", origin=place.origin))
    operations.tell(BackupStarted(job.id, 1000 * MB, 1000 * MB))
    await all_that_can_be_done_now()
    shown, edited = progress_in(outbox), []
    for second in range(1, 31):
        operations.tell(ComponentProgressed("postgres", second * 10 * MB, second * MB))
        await all_that_can_be_done_now()
        clock.advance(1)
        await all_that_can_be_done_now()
        if progress_in(outbox) != shown:
            shown = progress_in(outbox)
            edited.append(second)
    telling.cancel()
    await asyncio.wait({telling})

    assert edited == [second for second in range(1, 31) if second % interval == 0]


async def shown_of(
    clock: TurnedClock, command: Command, facts: Mapping[str, str], took: timedelta | None
) -> list[str]:
    """Whether and how much time is left, minute by minute, once the job has taken a step.

    *took*: how long one like it did; *facts* become known with the step.
    """
    operations, outbox = ToldOperations(clock), FakeOutbox()
    there = (operations, Outgoing(outbox, clock, UTC), clock, UTC)
    notifier = Notifier(*there, alerts=(), moved={}, then=nothing)
    if took:
        operations.begin(command)
        clock.advance(took.total_seconds())
        former = operations.end()
        operations.all_jobs[0] = replace(former, plan=facts)
        clock.advance(10)
    operations.listeners = [notifier.listener]
    telling = asyncio.create_task(notifier.run())
    job = operations.begin(command)
    await all_that_can_be_done_now()
    clock.advance(1)
    operations.all_jobs[0] = replace(job, plan=facts)
    operations.tell(StepBegan(GOING_AWAY))
    seen = []
    for _ in range(4):
        await all_that_can_be_done_now()
        text = progress_in(outbox, job)
        seen.append(next((line for line in text.splitlines() if "left" in line), ""))
        for _ in range(62):
            clock.advance(1)
            await all_that_can_be_done_now()
    telling.cancel()
    await asyncio.wait({telling})
    return seen


PLACE = Place(bot=4242, chat=ANNA, thread=None, message_id=1)
IN_CHAT: Any = {"trigger": Trigger.CHAT, "actor": "Anna (42)", "origin": PLACE.origin}
LIKE_THE_LAST = "if it takes as long as the last one."


@pytest.mark.parametrize(
    ("command", "facts"),
    [
        pytest.param(RunDrill(**IN_CHAT), {}, id="drill"),
        pytest.param(RunRestore(**IN_CHAT, label="20261123T033000Z-k3f9"), {}, id="restore"),
        pytest.param(RunRollback(**IN_CHAT), {}, id="rollback"),
        pytest.param(RunUpdate(**IN_CHAT), {PLAN: encode_plan(TWO_HOPS)}, id="update"),
    ],
)
async def test_the_time_left_is_as_long_as_the_last_one_took(
    clock: TurnedClock, command: Command, facts: Mapping[str, str]
) -> None:
    assert await shown_of(clock, command, facts, timedelta(seconds=170)) == [
        f"About 3 min left, until 12:05, {LIKE_THE_LAST}",
        f"About 2 min left, until 12:05, {LIKE_THE_LAST}",
        f"About 1 min left, until 12:05, {LIKE_THE_LAST}",
        "",
    ]


async def test_where_nothing_is_known_no_time_left_is_shown(clock: TurnedClock) -> None:
    assert await shown_of(clock, RunDrill(**IN_CHAT), {}, None) == [""] * 4


async def nothing(_: Job) -> None:
    """Follows an outcome."""


async def all_that_can_be_done_now() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


def progress_in(outbox: FakeOutbox, job: Job | None = None) -> str:
    [text] = [
        each.message.text
        for each in outbox.messages.values()
        if job is None or each.message.key == f"progress:{job.id}"
    ]
    return text


async def test_nothing_new_is_not_edited(world: World) -> None:
    async with world.talking():
        progress = await world.asks(world.anna, "/backup")
        world.operations.tell(BackupStarted(world.operations.all_jobs[0].id, 0, 0))
        for _ in range(5):
            world.clock.advance(1)
            await world.asks(world.anna, "/help")

    assert progress.edits == []


async def test_a_failure_says_what_is_untouched_and_can_be_tried_again(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup x")
        world.clock.advance(12)
        world.operations.end(JobState.FAILED, 'write "a/b": no space <left>')
        await world.eventually(lambda: world.anna.chat.last.labels)
        outcome = world.anna.chat.last
        world.anna.presses(outcome, "Try again")
        await world.eventually(lambda: len(world.operations.commands) == 2)
        await world.eventually(lambda: not outcome.labels)
        world.anna.presses(outcome, "Try again", stale=True)
        await world.all_handled()

    assert 'write "a/b": no space <left>.' in outcome.text
    assert "The stack is untouched; no half backup is left." in outcome.text
    assert len(world.operations.commands) == 2
    assert world.operations.commands[1].label == "x"


async def test_trying_again_while_something_runs_keeps_the_button(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup x")
        world.operations.end(JobState.FAILED, "no space")
        await world.eventually(lambda: world.anna.chat.last.labels)
        outcome = world.anna.chat.last
        await world.asks(world.boris, "/backup")
        world.anna.presses(outcome, "Try again")
        await world.telegram.until(lambda: "Not now" in world.anna.chat.last.text)

    assert outcome.labels == ["Try again", "Show log"]


async def test_a_kill_between_the_effect_and_the_message_still_tells_once(world: World) -> None:
    async with world.talking():
        progress = await world.asks(world.anna, "/backup")
        await world.all_sent()
    world.operations.listeners = []
    world.operations.end(JobState.INTERRUPTED, "the bot was stopped in it")

    for _ in range(3):
        async with world.talking():
            await world.eventually(lambda: len(world.anna.chat.from_bot) == 2)
            await world.eventually(lambda: "interrupted" in progress.text)
            await world.asks(world.boris, "/help")
            await world.all_sent()
            world.clock.advance(hours=20)

    outcomes = [text for text in world.anna.chat.texts if "Backup interrupted after" in text]
    assert len(outcomes) == 1
    assert len(progress.edits) == 1


async def test_a_failed_prune_is_told_as_what_it_is(world: World) -> None:
    async with world.talking():
        world.operations.begin(RunPrune(trigger=Trigger.SCHEDULE, actor="schedule"))
        world.operations.end(JobState.FAILED, "nothing was deleted: the clock says 1970")
        await world.eventually(lambda: world.anna.chat.from_bot)

    told = world.anna.chat.last.text
    assert told.startswith("❌ Deleting old backups failed\nnothing was deleted: the clock")
    assert "Every backup that is still there is whole" in told


async def test_what_another_process_did_is_found_in_the_journal(world: World) -> None:
    async with world.talking():
        world.operations.listeners = []
        world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
        world.operations.end(JobState.FAILED, "the store is full")
        await world.eventually(lambda: world.anna.chat.from_bot, seconds=10)


async def test_what_goes_well_on_schedule_is_not_told(world: World) -> None:
    async with world.talking():
        world.operations.begin(SCHEDULED)
        world.operations.end()
        for _ in range(3):
            world.clock.advance(70)
            await world.asks(world.boris, "/help")

    assert world.anna.chat.from_bot == []


async def test_a_degraded_backup_on_schedule_is_told(world: World) -> None:
    async with world.talking():
        world.operations.begin(SCHEDULED)
        world.operations.end(message=backed_up({"offsite": "no route to host"}))
        await world.eventually(lambda: world.anna.chat.from_bot)

    told = world.anna.chat.last.text
    assert told.startswith("⚠️ Backup done, verified and signed")
    assert 'Degraded: not in store "offsite": no route to host.' in told


def only_read(world: World, *, told: bool) -> None:
    """A planned drill on a host without the private key."""
    command = RunDrill(trigger=Trigger.SCHEDULE, actor="schedule")
    begun = world.operations.begin(command)
    report = replace(DRILLED, verdict=Verdict.READ)
    plan = {VERDICT: Verdict.READ, KEYLESS: "yes"}
    world.operations.all_jobs[0] = replace(begun, plan=plan)
    world.operations.end(message=outcome_words(report, told=told))


async def test_that_planned_drills_lack_the_key_is_told_once(world: World) -> None:
    async with world.talking():
        only_read(world, told=False)
        await world.eventually(lambda: world.anna.chat.from_bot and world.boris.chat.from_bot)
        only_read(world, told=True)
        await world.asks(world.anna, "/help")
        await world.all_sent()

    told, _ = world.anna.chat.from_bot
    assert told.text.startswith("⚠️ Drill without the private key: the backup was read, and not")
    assert "lies in the store as it was sent, read in 12 s.\n" in told.text
    assert "I say so this once" in told.text
    assert "degraded" not in told.text
    assert len(world.boris.chat.from_bot) == 1


async def test_a_failed_copy_is_told_as_what_it_is(world: World) -> None:
    async with world.talking():
        world.operations.begin(RunCopy(trigger=Trigger.SCHEDULE, actor="schedule"))
        world.operations.end(JobState.FAILED, 'copy to store "offsite": no space left')
        await world.eventually(lambda: world.anna.chat.from_bot)

    told = world.anna.chat.last.text
    assert told.startswith('❌ Copying backups failed\ncopy to store "offsite": no space left.')
    assert "No backup is lost by that" in told


async def test_old_news_is_history(world: World) -> None:
    world.operations.begin(SCHEDULED)
    world.operations.end(JobState.FAILED, "long ago")
    world.clock.advance(hours=100)
    async with world.talking():
        await world.asks(world.anna, "/help")
        await world.all_handled()

    assert len(world.anna.chat.from_bot) == 1


async def test_a_very_long_reason_comes_as_a_document(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup")
        world.operations.end(JobState.FAILED, "pg_dump: error\n" * 400)
        await world.eventually(lambda: world.anna.chat.last.file)
        outcome = world.anna.chat.last
        assert outcome.file
        assert outcome.file.content.decode() == "pg_dump: error\n" * 400
        assert outcome.silent
        assert "(cut)" in world.anna.chat.from_bot[-2].text


async def test_a_job_that_ended_before_it_was_announced_is_not_said_to_run(world: World) -> None:
    asked = RunBackup(trigger=Trigger.CHAT, actor="Anna (42)", origin="telegram:1:42:0:1")
    async with world.talking() as chat:
        job = world.operations.begin(asked)
        world.operations.end()
        await world.eventually(lambda: world.anna.chat.from_bot)
        await world.all_sent()
        await chat._notifier.announce(job)
        await world.all_sent()

    assert not any("is running" in text for text in world.anna.chat.texts)


async def test_a_job_that_ends_at_once_has_only_an_outcome(world: World) -> None:
    async with world.talking():
        world.operations.begin(
            RunBackup(trigger=Trigger.CHAT, actor="Anna (42)", origin="telegram:1:42:0:1")
        )
        world.operations.end()
        await world.eventually(lambda: world.anna.chat.from_bot)
        await world.asks(world.anna, "/help")

    assert len(world.anna.chat.from_bot) == 2
    assert "Backup done" in world.anna.chat.from_bot[0].text
