"""The list of backups: looked through in its place, and what its buttons set going."""

import asyncio

import pytest

from bot.domain.errors import PortError
from bot.domain.jobs import JobState
from bot.domain.messages import RunDrill
from bot.entrypoints.telegram.press_texts import UNKNOWN_MESSAGE
from tests.bot_api.chats import Message
from tests.bot_api.faults import LateAnswer, answer_lost
from tests.telegram_chat.samples import make_preview, record
from tests.telegram_chat.world import ANNA, World

RECORDS = [record(hours) for hours in range(1, 15)]


@pytest.fixture
def world(world: World) -> World:
    world.operations.records = RECORDS
    world.operations.preview = make_preview()
    return world


async def one(world: World, label: str = "24 Nov 10:00") -> Message:
    """The list, turned to one backup."""
    shown = await world.asks(world.anna, "/backups")
    world.anna.presses(shown, label)
    await world.telegram.until(lambda: "Backup of" in shown.text)
    return shown


async def test_the_list_is_looked_through_in_one_message(world: World) -> None:
    async with world.talking():
        shown = await world.asks(world.anna, "/backups")
        assert "Page 1 of 3, 14 backups in all." in shown.text
        assert shown.labels[-1] == "Older →"
        query = world.boris.presses(shown, "Older →")
        await world.telegram.until(lambda: "Page 2 of 3" in shown.text)
        world.anna.presses(shown, shown.labels[0])
        await world.telegram.until(lambda: "Backup of" in shown.text)
        assert RECORDS[6].id in shown.text
        world.anna.presses(shown, "← All backups")
        await world.telegram.until(lambda: "Page 2 of 3" in shown.text)
        await world.telegram.until(lambda: world.telegram.queries[query].notice)

    assert world.anna.chat.from_bot == [shown]


async def test_a_page_pressed_in_an_absence_turns(world: World) -> None:
    async with world.talking():
        shown = await world.asks(world.anna, "/backups")
        await world.all_sent()
    world.anna.presses(shown, "Older →")
    world.clock.advance(600)
    async with world.talking():
        await world.telegram.until(lambda: "Page 2 of 3" in shown.text)


async def test_whoever_presses_before_the_bot_knows_that_its_message_arrived_is_waited_for(
    world: World,
) -> None:
    late = LateAnswer()
    world.telegram.fail("sendMessage", late, chat=ANNA)
    async with world.talking():
        shown = await world.asks(world.anna, "/backups")
        query = world.anna.presses(shown, "Older →")
        await world.asks(world.boris, "/help")
        assert shown.edits == []
        late.release()
        await world.telegram.until(lambda: "Page 2 of 3" in shown.text)
        await world.telegram.until(lambda: world.telegram.queries[query].notice)


async def test_a_list_that_the_bot_does_not_know_says_so(world: World) -> None:
    """Telegram's answer was lost, so that only the repeat is known."""
    world.telegram.fail("sendMessage", answer_lost)
    async with world.talking():
        unknown = await world.asks(world.anna, "/backups")
        await world.eventually(lambda: unknown is not world.anna.chat.last)
        query = world.anna.presses(unknown, "Older →")
        notice = await world.telegram.until(lambda: world.telegram.queries[query].notice)

    assert notice.text == UNKNOWN_MESSAGE
    assert unknown.edits == []


async def test_a_backup_that_has_gone_meanwhile_is_said_to_be_gone(world: World) -> None:
    async with world.talking():
        shown = await world.asks(world.anna, "/backups")
        world.operations.records = RECORDS[3:]
        world.anna.presses(shown, "24 Nov 10:00")
        await world.telegram.until(lambda: "is not there any more" in shown.text)
        assert shown.labels == ["← All backups"]


async def test_a_store_that_does_not_answer_is_said_in_the_list(world: World) -> None:
    async with world.talking():
        shown = await world.asks(world.anna, "/backups")
        world.operations.failure = PortError("list the backups: no answer")
        world.anna.presses(shown, "Older →")
        await world.telegram.until(lambda: "list the backups: no answer" in shown.text)
        world.operations.failure = None
        world.anna.presses(shown, "Try again")
        await world.telegram.until(lambda: "Page 2 of 3" in shown.text)


async def test_a_drill_begins_from_the_list_and_another_one_after_it(world: World) -> None:
    async with world.talking():
        shown = await one(world)
        world.anna.presses(shown, "Drill")
        await world.said("Drill is running")
        world.anna.presses(shown, "Drill")
        await world.said("Not now: drill since")
        world.operations.end(JobState.DONE, "it came back")
        await world.said("Drill passed")
        world.anna.presses(shown, "Drill")
        await world.telegram.until(lambda: len(world.operations.commands) == 2)

    for command in world.operations.commands:
        assert isinstance(command, RunDrill)
        assert command.backup == RECORDS[1].id
        assert command.actor == "Anna (42)"
    assert shown.labels, "the list stays as it is"


async def test_the_outcome_of_what_a_button_began_is_told_where_it_stands(world: World) -> None:
    group = world.telegram.supergroup(topics={7: "Ops"})
    async with world.talking():
        shown = await world.asks(world.anna, "/backups", group, 7)
        world.boris.presses(shown, "24 Nov 10:00")
        await world.telegram.until(lambda: "Backup of" in shown.text)
        world.boris.presses(shown, "Drill")
        await world.said("Drill is running", group)
        world.operations.end(JobState.DONE, "it came back")
        outcome = await world.said("Drill passed", group)

    assert outcome.thread == 7
    assert "Asked for by Boris (43)" in outcome.text


async def test_a_pin_is_shown_where_it_was_pressed(world: World) -> None:
    async with world.talking():
        shown = await one(world)
        world.anna.presses(shown, "Pin")
        await world.telegram.until(lambda: "📌 pinned" in shown.text)
        assert world.operations.records[1].pinned
        world.anna.presses(shown, "Unpin")
        await world.telegram.until(lambda: "pinned" not in shown.text)
        assert not world.operations.records[1].pinned
        world.operations.failure = PortError("write the pin: no answer")
        world.anna.presses(shown, "Pin")
        await world.said("The backup is as it was.")

    assert "Pin" in shown.labels


async def test_a_restore_from_the_list_is_asked_about(world: World) -> None:
    async with world.talking():
        shown = await one(world)
        world.anna.presses(shown, "Restore …")
        plan = await world.said("Go on?")

    assert plan.labels == ["Go on", "No"]
    [asked] = world.operations.asked
    assert asked.backup == RECORDS[1].id
    assert world.operations.starts == []


@pytest.mark.parametrize("label", ["Verify", "Drill", "Pin", "Restore …"])
async def test_what_was_pressed_in_an_absence_waits_for_a_second_press(
    world: World, label: str
) -> None:
    async with world.talking():
        shown = await one(world)
        await world.all_handled()
        await world.all_sent()
    world.anna.presses(shown, label)
    world.clock.advance(600)
    async with world.talking():
        await world.telegram.until(lambda: "Press again if it still holds" in shown.text)
        await world.all_handled()
        await world.all_sent()

    operations = world.operations
    assert operations.starts == []
    assert not operations.verified
    assert not operations.asked
    assert not operations.records[1].pinned
    assert label in shown.labels


async def test_a_kill_after_a_drill_began_from_the_list_begins_no_other(world: World) -> None:
    async with world.talking():
        shown = await one(world)
        world.operations.begun_but_silent = asyncio.Event()
        world.anna.presses(shown, "Drill")
        await world.operations.begun_but_silent.wait()
    world.operations.begun_but_silent = None
    async with world.talking():
        await world.said("Drill is running")
        await world.all_handled()

    assert len(world.operations.commands) == 1
    assert "I did nothing" not in shown.text


async def test_a_button_that_nobody_made_does_nothing(world: World) -> None:
    async with world.talking():
        shown = await world.asks(world.anna, "/backups")
        row = shown.versions[-1].markup["inline_keyboard"][0]  # type: ignore[index]
        row[0] = {"text": "forged", "callback_data": "b:r:../../etc:0"}
        query = world.anna.presses(shown, "forged")
        await world.telegram.until(lambda: world.telegram.queries[query].notice)
        await world.all_handled()

    assert not world.operations.asked
    assert world.anna.chat.from_bot == [shown]
