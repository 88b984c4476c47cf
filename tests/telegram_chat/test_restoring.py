"""`/restore`: a plan, two questions, one job; and nothing on any other way."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import PortError
from bot.domain.jobs import Trigger
from bot.domain.messages import RunBackup
from tests.domain.test_manifest import MANIFEST, summary_of
from tests.telegram_chat.restores import (
    FILES,
    NEWEST,
    NO,
    OLDER,
    UNDO,
    YES,
    confirmed,
    last_question,
    planned,
    restore_in,
)
from tests.telegram_chat.samples import record
from tests.telegram_chat.stumbling import Stumbling
from tests.telegram_chat.world import ANNA, World

TWO_HOURS = timedelta(hours=2)


@pytest.fixture
def world(world: World) -> World:
    world.operations.records = [NEWEST, OLDER]
    world.operations.preview = FILES
    return world


async def test_latest_is_never_what_a_restore_has_put_away(world: World) -> None:
    away = summary_of(replace(MANIFEST, trigger=Trigger.SAFETY))
    world.operations.records = [record(0, summary=away), NEWEST, OLDER]
    async with world.talking():
        await planned(world)

    assert [each.backup for each in world.operations.asked] == [NEWEST.id]


@pytest.mark.parametrize(
    ("text", "backup"),
    [
        ("/restore latest", NEWEST.id),
        (f"/restore {OLDER.id[:11]}", OLDER.id),
    ],
)
async def test_a_restore_is_shown_asked_twice_and_then_names_its_backup(
    world: World, text: str, backup: str
) -> None:
    async with world.talking():
        plan = await planned(world, text)
        assert plan.labels == ["Go on", "No"]
        assert "Restore the backup of" in plan.text
        assert world.operations.commands == []
        last = await last_question(world, plan)
        assert last.labels == [NO, YES], "the dangerous one is where the harmless one was"
        assert backup in last.text
        assert world.operations.commands == []
        world.anna.presses(last, YES)
        await world.said("Restoring since")
        await world.telegram.until(lambda: not plan.labels and not last.labels)

    command = restore_in(world)
    assert (command.backup, command.undo, command.trigger) == (backup, False, Trigger.CHAT)
    assert command.actor == "Anna (42)"
    assert command.origin == f"telegram:4242:{ANNA}:0:{last.id}"
    assert world.operations.preview
    (asked,) = world.operations.asked
    shown = await world.operations.plan_restore(asked)
    assert command.agreed == shown.plan_hash
    assert not plan.labels
    assert not last.labels


async def test_the_plan_and_the_questions_ring_and_what_comes_before_does_not(
    world: World,
) -> None:
    async with world.talking():
        looking = await world.asks(world.anna, "/restore latest")
        assert "Looking at what that would change" in looking.text
        assert looking.silent
        plan = await world.said("Go on?")
        assert not plan.silent
        assert not (await last_question(world, plan)).silent


async def test_an_undo_is_asked_about_alike(world: World) -> None:
    world.operations.preview = UNDO
    async with world.talking():
        job = await confirmed(world, "/restore UNDO")

    command = restore_in(world)
    assert (command.undo, command.agreed, job.label) == (True, UNDO.plan_hash, "undo")
    assert world.anna.chat.saying("Take the restore of 11:30 (30 min ago) back?")


@pytest.mark.parametrize("label", ["No", NO])
async def test_no_means_no(world: World, label: str) -> None:
    async with world.talking():
        plan = await planned(world)
        asked = plan if label == "No" else await last_question(world, plan)
        world.anna.presses(asked, label)
        await world.telegram.until(lambda: f"Anna chose: {label}" in asked.text)
        await world.all_handled()

    assert world.operations.starts == []


async def test_another_person_can_press_neither_button(world: World) -> None:
    group = world.telegram.supergroup()
    async with world.talking():
        plan = await planned(world, chat=group)
        first = world.boris.presses(plan, "Go on")
        await world.telegram.until(lambda: world.telegram.queries[first].notice)
        last = await last_question(world, plan, group)
        second = world.boris.presses(last, YES)
        await world.telegram.until(lambda: world.telegram.queries[second].notice)
        assert world.operations.starts == []
        world.anna.presses(last, YES)
        await world.telegram.until(lambda: world.operations.commands)

    for query in (first, second):
        notice = world.telegram.queries[query].notice
        assert notice
        assert notice.text == "This question is for somebody else."


@pytest.mark.parametrize("label", ["Go on", YES])
async def test_after_two_minutes_a_press_is_too_late(world: World, label: str) -> None:
    async with world.talking():
        asked = await planned(world)
        if label == YES:
            asked = await last_question(world, asked)
        await world.all_handled()
        world.clock.advance(121)
        world.anna.presses(asked, label)
        await world.telegram.until(lambda: "the question has expired" in asked.text)
        await world.all_handled()

    assert world.operations.starts == []


async def test_pressed_twice_it_runs_once(world: World) -> None:
    async with world.talking():
        plan = await planned(world)
        last = await last_question(world, plan)
        again = world.anna.presses(plan, "Go on", stale=True)
        world.anna.presses(last, YES)
        more = world.anna.presses(last, YES, stale=True)
        await world.telegram.until(lambda: world.telegram.queries[more].notice)
        world.telegram.updates.deliver_again()
        await world.all_handled()
        await world.all_sent()

    assert len(world.operations.starts) == 1
    assert len([text for text in world.anna.chat.texts if "Last question" in text]) == 1
    notice = world.telegram.queries[again].notice
    assert notice
    assert "has been answered: Go on" in notice.text


async def test_looking_keeps_no_other_command_waiting(world: World) -> None:
    world.operations.looking = asyncio.Event()
    async with world.talking():
        await world.asks(world.anna, "/restore latest")
        await world.asks(world.anna, "/help")
        world.operations.looking.set()
        await world.said("Go on?")


async def test_an_old_command_is_offered_and_shows_no_plan_by_itself(world: World) -> None:
    world.anna.says("/restore latest", age=TWO_HOURS)
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        assert world.operations.asked == []
        world.anna.presses(world.anna.chat.last, "Run it")
        await world.said("Go on?")
        assert world.operations.starts == []


async def test_the_same_command_twice_asks_once(world: World) -> None:
    async with world.talking():
        await planned(world)
        await world.all_handled()
        world.telegram.updates.deliver_again()
        await world.asks(world.boris, "/help")
        await world.all_sent()

    assert len(world.operations.asked) == 1


@pytest.mark.parametrize("text", ["/restore latest", "/verify latest"])
async def test_a_command_that_is_handled_again_looks_once(world: World, text: str) -> None:
    """As after a kill between what it said and the note that it was handled."""
    inbox = world.inbox = Stumbling(world.inbox)  # type: ignore[assignment]
    operations = world.operations
    operations.reading = operations.looking = asyncio.Event()
    async with world.talking():
        inbox.times["handled"] = 1
        world.anna.says(text)
        await world.eventually(lambda: not inbox.times["handled"])
        await world.eventually(lambda: world.telegram.updates.polled, seconds=5)
        await world.all_handled(passing=1)
        operations.looking.set()
        await world.said("Go on?" if text == "/restore latest" else "Backup verified")

    assert len(operations.asked) + len(operations.verified) == 1
    assert not world.anna.chat.saying("already")


async def test_while_a_job_runs_there_is_no_plan(world: World) -> None:
    world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
    async with world.talking():
        answer = await world.asks(world.anna, "/restore latest")

    assert "Not now: backup since" in answer.text
    assert world.operations.asked == []


async def test_a_job_that_began_meanwhile_is_in_the_way_of_the_last_yes(world: World) -> None:
    async with world.talking():
        last = await last_question(world, await planned(world))
        world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
        world.anna.presses(last, YES)
        await world.said("Not now: backup since")
        await world.all_handled()

    assert world.operations.commands == []
    assert world.anna.chat.saying("Nothing was begun")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/restore undo", "there is no restore to take back. Restore one instead."),
        ("/restore 2031", 'Which backup? there is no backup "2031". Send /backups'),
        ("/restore the one of monday", "is no backup's id. Send /restore latest for the newest"),
        ("/restore latest --yes", "is no backup's id"),
    ],
)
async def test_what_cannot_be_restored_is_refused_before_a_question(
    world: World, text: str, words: str
) -> None:
    world.operations.preview = None
    async with world.talking():
        world.anna.says(text)
        await world.said(words)
        await world.all_handled()

    assert not world.anna.chat.last.labels
    assert world.operations.starts == []


async def test_a_stack_that_cannot_be_seen_is_told(world: World) -> None:
    async with world.talking():
        world.operations.failure = PortError("find the stack: no answer", hint="Start Docker.")
        world.anna.says("/restore latest")
        await world.said("no answer. Start Docker.")


async def test_strangers_hear_nothing(world: World) -> None:
    async with world.talking():
        for text in ("/restore", "/restore undo", "/verify"):
            world.stranger.says(text)
        await world.all_handled()
        await world.all_sent()

    assert world.stranger.chat.from_bot == []
    assert not world.operations.asked
    assert not world.operations.verified


async def test_in_a_topic_all_of_it_stays_there(world: World) -> None:
    group = world.telegram.supergroup(topics={7: "Ops"})
    async with world.talking():
        world.anna.says("/restore latest", group, thread=7)
        last = await last_question(world, await world.said("Go on?", group), group)
        world.anna.presses(last, YES)
        await world.said("Restoring since", group)

    assert {message.thread for message in group.from_bot} == {7}
    assert restore_in(world).origin.startswith(f"telegram:4242:{group.id}:7:")
