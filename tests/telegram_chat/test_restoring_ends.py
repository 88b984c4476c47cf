"""A restore that was asked for in the chat: kills on its way, how it goes on and ends."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.jobs import JobState
from bot.domain.messages import RunRestore, StepBegan
from bot.domain.restore import GOING_AWAY, KEPT, PHASE, PLAN, Phase
from tests.telegram_chat.restores import (
    FILES,
    NEWEST,
    OLDER,
    UNDO,
    YES,
    agree,
    confirmed,
    last_question,
    planned,
    restore_in,
)
from tests.telegram_chat.samples import make_preview
from tests.telegram_chat.world import World

TWO_HOURS = timedelta(hours=2)


@pytest.fixture
def world(world: World) -> World:
    world.operations.records = [NEWEST, OLDER]
    world.operations.preview = FILES
    return world


async def test_the_questions_outlive_a_restart(world: World) -> None:
    async with world.talking():
        plan = await planned(world)
        await world.all_handled()
        await world.all_sent()
    async with world.talking():
        await world.all_handled()
        last = await last_question(world, plan)
        await world.all_handled()
        await world.all_sent()
    async with world.talking():
        await world.all_handled()
        world.anna.presses(last, YES)
        await world.telegram.until(lambda: world.operations.commands)

    assert restore_in(world).backup == NEWEST.id


async def test_a_yes_of_unknown_age_waits_for_a_second_press(world: World) -> None:
    async with world.talking():
        last = await last_question(world, await planned(world))
        await world.all_handled()
        await world.all_sent()
    world.anna.presses(last, YES)
    world.clock.advance(30)

    async with world.talking():
        await world.telegram.until(lambda: "Press again" in last.text)
        assert world.operations.starts == []
        world.anna.presses(last, YES)
        await world.telegram.until(lambda: world.operations.commands)


async def test_a_kill_after_the_restore_began_begins_no_other(world: World) -> None:
    world.operations.begun_but_silent = asyncio.Event()
    async with world.talking():
        last = await last_question(world, await planned(world))
        world.anna.presses(last, YES)
        await world.operations.begun_but_silent.wait()
    world.operations.begun_but_silent = None

    async with world.talking():
        await world.telegram.until(lambda: f"Anna chose: {YES}" in last.text)
        await world.said("Restoring since")
        await world.all_handled()

    assert len(world.operations.commands) == 1
    assert "I did nothing" not in last.text


async def test_a_kill_before_the_restore_began_begins_none_by_itself(world: World) -> None:
    world.operations.held = asyncio.Event()
    async with world.talking():
        last = await last_question(world, await planned(world))
        world.anna.presses(last, YES)
        await world.eventually(lambda: world.operations.starts)
    world.operations.held = None

    async with world.talking():
        await world.telegram.until(lambda: "I did nothing" in last.text)
        assert world.operations.commands == []
        world.anna.presses(last, YES)
        await world.telegram.until(lambda: world.operations.commands)
        await world.telegram.until(lambda: not last.labels)

    assert len(world.operations.commands) == 1


async def test_a_kill_while_it_looks_is_told_once(world: World) -> None:
    world.operations.looking = asyncio.Event()
    async with world.talking():
        await world.asks(world.anna, "/restore latest")
        await world.telegram.until(lambda: world.operations.asked)
        await world.all_handled()
        await world.all_sent()
    world.operations.looking = None

    for _ in range(3):
        async with world.talking():
            await world.said("stopped before I had seen all")
            await world.asks(world.boris, "/help")
            await world.all_sent()

    assert len([text for text in world.anna.chat.texts if "before I had seen all" in text]) == 1
    assert len(world.operations.asked) == 1
    assert not world.anna.chat.saying("Go on?")


async def test_a_plan_that_was_put_before_a_kill_is_not_said_to_be_missing(world: World) -> None:
    async with world.talking():
        plan = await planned(world)
        await world.all_handled()
        await world.all_sent()
    async with world.talking():
        await world.asks(world.boris, "/help")
        await world.all_sent()

    assert not world.anna.chat.saying("before I had seen all")
    assert plan.labels


async def test_its_steps_are_shown_in_one_message_and_the_end_is_a_new_one(world: World) -> None:
    async with world.talking():
        await confirmed(world)
        progress = await world.said("Restoring since")
        for words in ("checking postgres", GOING_AWAY, "starting"):
            world.operations.tell(StepBegan(words))
        await world.eventually(lambda: "⏳ now: starting" in progress.text)
        assert "Nobody can log in until it holds." in progress.text
        world.operations.end(JobState.DONE, "backup X serves after 40 s")
        await world.said("Restored")
        await world.eventually(lambda: "The restore has ended" in progress.text)
        outcome = await world.said("Restored")

    assert "Backup X serves after 40 s." in outcome.text
    assert outcome.labels == ["Take it back …"]
    assert not outcome.silent


async def test_the_outcome_takes_that_very_restore_back(world: World) -> None:
    async with world.talking():
        job = await confirmed(world)
        world.operations.end(JobState.DONE, "backup X serves")
        outcome = await world.said("Restored")
        world.operations.preview = make_preview(manifest=None, backup_id=None, undo_of=job.id)
        world.anna.presses(outcome, "Take it back …")
        plan = await world.said("Take the restore of")
        world.anna.presses(plan, "Go on")
        agree(world, await world.said("is taken back, in place of"))
        await world.telegram.until(lambda: len(world.operations.commands) == 2)

    command = world.operations.commands[1]
    assert isinstance(command, RunRestore)
    assert command.undo
    assert command.agreed == world.operations.preview.plan_hash


async def test_a_restore_that_another_one_followed_is_not_taken_back(world: World) -> None:
    async with world.talking():
        await confirmed(world)
        world.operations.end(JobState.DONE, "backup X serves")
        outcome = await world.said("Restored")
        world.operations.preview = UNDO
        world.anna.presses(outcome, "Take it back …")
        await world.said("is not the last one any more")

    assert len(world.operations.commands) == 1


@pytest.mark.parametrize("kept", ["", "before"], ids=["the window is over", "another reason"])
async def test_the_button_of_a_restore_that_keeps_nothing_says_so(world: World, kept: str) -> None:
    async with world.talking():
        await confirmed(world)
        job = world.operations.end(JobState.DONE, "backup X serves")
        world.operations.all_jobs[0] = replace(job, plan={KEPT: kept})
        outcome = await world.said("Restored")
        world.operations.preview = None
        world.anna.presses(outcome, "Take it back …")
        answer = await world.said("no restore to take back" if kept else "cannot be taken back")

    if not kept:
        assert f"The restore {job.id} cannot be taken back any more" in answer.text
        assert "Send /backups" in answer.text
    assert len(world.operations.commands) == 1


async def test_what_was_not_run_is_asked_anew_at_a_press(world: World) -> None:
    """As where the store was full, or the backup has gone: the job said so and did nothing."""
    async with world.talking():
        await confirmed(world)
        world.operations.end(JobState.FAILED, "the store is full")
        outcome = await world.said("Not restored")
        assert "The store is full." in outcome.text
        world.operations.preview = make_preview(newest=False)
        world.anna.presses(outcome, "Show me the plan anew")
        plan = await world.said("There is a newer good one")
        world.operations.records = [OLDER]
        world.anna.presses(outcome, "Show me the plan anew")
        await world.said("Which backup? there is no")

    assert plan.labels == ["Go on", "No"]
    assert len(world.operations.commands) == 1


async def test_cancelling_a_restore_says_what_becomes_of_it(world: World) -> None:
    """Also where it cannot be stopped any more; its end is told to whoever wanted that."""
    async with world.talking():
        await confirmed(world)
        before = await world.asks(world.boris, "/cancel")
        job = world.operations.all_jobs[0]
        facts = {PLAN: "{}", PHASE: Phase.KEEP}
        world.operations.all_jobs[0] = replace(job, plan=facts)
        after = await world.asks(world.boris, "/cancel")
        world.operations.end(JobState.DONE, "it serves")
        await world.eventually(lambda: world.boris.chat.saying("✅ Restored"))

    assert "What serves was not touched, and is not." in before.text
    assert "That cannot be stopped any more: restore since" in after.text
    assert "/restore undo takes it back" in after.text
    assert world.operations.cancelled == ["Boris (43)"]
