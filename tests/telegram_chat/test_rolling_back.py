"""`/rollback`: what comes back, what is lost, and a word where rows are."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.errors import PortError
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunRollback, RunUpdate
from bot.entrypoints.telegram.asked import Place
from bot.entrypoints.telegram.typed import stands_before
from bot.services.journal_ports import Message as OutgoingMessage
from bot.services.journal_ports import Queued
from tests.bot_api.chats import Chat, Message
from tests.bot_api.faults import LateAnswer
from tests.telegram_chat.rolls import SWAPS, UPDATE_JOB, begun, make_rollback
from tests.telegram_chat.stumbling import Stumbling
from tests.telegram_chat.world import ANNA, NOW, World

LOSES = make_rollback(change=SWAPS, written=1204, gone=1, kept_hours=72)


async def shown(world: World, text: str = "/rollback", chat: Chat | None = None) -> Message:
    world.anna.says(text, chat)
    return await world.said("Take the update to 2025.4.4 back?", chat)


async def test_where_nothing_is_lost_a_button_does(world: World) -> None:
    world.rolls.rollback = make_rollback()
    async with world.talking():
        asked = await shown(world)
        assert asked.labels == ["Roll back", "No"]
        assert "2025.2.1 serves again, as before the update of 10:00 (2 h ago)" in asked.text
        assert "Nothing is lost: the database had not been touched." in asked.text
        assert "backed up first" in asked.text
        world.anna.says("rollback")
        await world.all_handled()
        assert world.operations.starts == [], "nobody asked for a word"
        world.anna.presses(asked, "Roll back")
        command = await begun(world)
        await world.said("Rollback is running")

    assert command == RunRollback(
        trigger=Trigger.CHAT,
        actor="Anna (42)",
        origin=f"telegram:4242:{ANNA}:0:{asked.id}",
        agreed=make_rollback().plan_hash,
    )


@pytest.mark.parametrize(
    "typed", ["rollback", "  Rollback\n", "Rollback.", "rollback !", "ROLLBACK! "]
)
async def test_where_rows_are_lost_a_word_must_be_typed(world: World, typed: str) -> None:
    world.rolls.rollback = LOSES
    async with world.talking():
        asked = await shown(world)
        assert asked.labels == ["No"]
        assert "Lost: all that was written, changed or deleted since 10:00 (2 h ago)" in asked.text
        assert "Counted so far: 1,204 rows more and 1 fewer." in asked.text
        assert "kept aside for 72 h at least" in asked.text
        assert "type the word rollback." in asked.text
        word = world.anna.says(typed)
        command = await begun(world)
        await world.telegram.until(lambda: "Anna chose: rollback" in asked.text)
        assert not asked.labels

    assert isinstance(command, RunRollback)
    assert (command.agreed, command.actor) == (LOSES.plan_hash, "Anna (42)")
    assert command.origin == f"telegram:4242:{ANNA}:0:{word.id}"


async def test_a_reply_counts_before_the_bot_knows_that_its_question_arrived(world: World) -> None:
    late = LateAnswer()
    world.telegram.fail("sendMessage", late, skip=1, chat=ANNA)
    world.rolls.rollback = LOSES
    async with world.talking():
        asked = await shown(world)
        world.anna.says("rollback", reply_to=asked)
        await world.asks(world.boris, "/help")
        late.release()
        assert isinstance(await begun(world), RunRollback)
        await world.telegram.until(lambda: "Anna chose: rollback" in asked.text)


async def test_where_rows_can_be_lost_a_word_must_be_typed_before_there_are_any(
    world: World,
) -> None:
    world.rolls.rollback = make_rollback(change=SWAPS, written=0)
    async with world.talking():
        asked = await shown(world)
        assert asked.labels == ["No"]
        assert "Lost: all that was written, changed or deleted since 10:00 (2 h ago)" in asked.text
        assert "What was changed in a row that was there, such as a password, is not" in asked.text
        assert "Nothing is lost" not in asked.text
        world.rolls.rollback = LOSES
        world.anna.says("rollback")
        command = await begun(world)

    assert isinstance(command, RunRollback)
    assert command.agreed != LOSES.plan_hash, "what she agreed to is not what would be done"


@pytest.mark.parametrize(
    "typed",
    [
        *("roll back", "rollback please", "/rollbac", "rollback\nrollback", "rollback?"),
        *(
            "rollback!?",
            "rollback, please",
            "no rollback.",
            "rollback\u0441",
            ".rollback",
            "rollbacks!",
        ),
    ],
)
async def test_another_word_does_nothing(world: World, typed: str) -> None:
    world.rolls.rollback = LOSES
    async with world.talking():
        await shown(world)
        world.anna.says(typed)
        await world.all_handled()

    assert world.operations.starts == []


async def test_the_word_counts_once(world: World) -> None:
    world.rolls.rollback = LOSES
    async with world.talking():
        await shown(world)
        world.anna.says("rollback")
        await begun(world)
        world.operations.end(JobState.DONE, "2025.2.1 serves again")
        world.anna.says("rollback")
        await world.all_handled()

    assert len(world.operations.starts) == 1


async def test_the_word_of_nobody_else_counts_nor_in_another_chat(world: World) -> None:
    world.rolls.rollback = LOSES
    group = world.telegram.supergroup()
    async with world.talking():
        asked = await shown(world, chat=group)
        assert "reply to this message with the word" in asked.text
        world.boris.says("rollback", group)
        world.stranger.says("rollback", group)
        world.anna.says("rollback")
        world.anna.says("rollback", group, anonymous=True)
        await world.all_handled()
        assert world.operations.starts == []
        world.anna.says("rollback", group, reply_to=asked)
        await begun(world)


async def test_the_word_counts_only_in_the_topic_of_its_question(world: World) -> None:
    world.rolls.rollback = LOSES
    forum = world.telegram.supergroup(-1_001_000_000_012, topics={7: "Ops", 8: "Chatter", 9: "Off"})
    async with world.talking():
        for topic in (7, 8):
            world.anna.says("/rollback", forum, thread=topic)
            await shown_in_topic(world, forum, topic)
        world.anna.says("rollback", forum, thread=9)
        world.anna.says("rollback", forum)
        await world.all_handled()
        assert world.operations.starts == []
        world.anna.says("rollback", forum, thread=7)
        command = await begun(world)

    assert command.origin.startswith(f"telegram:4242:{forum.id}:7:"), "though 8 has a newer one"


async def shown_in_topic(world: World, forum: Chat, topic: int) -> Message:
    def found() -> list[Message]:
        return [each for each in forum.from_bot if each.thread == topic and each.labels]

    [asked] = await world.eventually(found)
    return asked


@pytest.mark.parametrize("age", [timedelta(minutes=5), timedelta(hours=3)])
async def test_a_word_from_before_its_question_is_no_answer(world: World, age: timedelta) -> None:
    world.rolls.rollback = LOSES
    async with world.talking():
        asked = await shown(world)
        await world.all_sent()
        world.anna.says("rollback", age=age)
        await world.all_handled()
        assert world.operations.starts == []
        assert asked.labels, "the question stands"
        world.anna.says("rollback")
        await begun(world)


@pytest.mark.parametrize(
    ("queued", "number", "sent", "counts"),
    [
        pytest.param({"message_id": 20}, 21, 0, True, id="after it"),
        pytest.param({"message_id": 20}, 19, 0, False, id="before it"),
        pytest.param({"message_id": 20}, 21, -90, True, id="after it, of a clock that is slow"),
        pytest.param({"message_id": 20}, 21, -121, False, id="long before it was written"),
        pytest.param({}, 21, 5, False, id="it was not sent yet"),
        pytest.param({"attempted": True}, 21, 0, True, id="nobody knows its number, same second"),
        pytest.param({"attempted": True}, 21, -1, False, id="nobody knows its number, too early"),
    ],
)
def test_which_words_come_after_the_question(
    queued: dict[str, Any], number: int, sent: int, *, counts: bool
) -> None:
    message = OutgoingMessage(key="question:k1", chat=ANNA, text="Take it back?")
    written = NOW + timedelta(milliseconds=700)
    place = Place(bot=1, chat=ANNA, thread=None, message_id=number)

    after = stands_before(
        Queued(1, message, written, **queued), place, NOW + timedelta(seconds=sent)
    )

    assert after is counts


async def test_after_two_minutes_the_word_is_too_late(world: World) -> None:
    world.rolls.rollback = LOSES
    async with world.talking():
        asked = await shown(world)
        await world.all_handled()
        world.clock.advance(121)
        world.anna.says("rollback")
        answer = await world.said("Ask anew")
        await world.telegram.until(lambda: not asked.labels)

    assert answer.text.endswith("Nothing was done. Ask anew: /rollback.")
    assert "the question has expired" in asked.text
    assert world.operations.starts == []


async def test_a_word_said_a_day_later_was_not_meant(world: World) -> None:
    world.rolls.rollback = LOSES
    async with world.talking():
        await shown(world)
        await world.all_sent()
        world.clock.advance(hours=25)
        world.anna.says("rollback")
        await world.all_handled()
        await world.all_sent()

    assert not world.anna.chat.saying("too late")


async def test_a_word_whose_job_had_begun_is_not_too_late_after_a_kill(world: World) -> None:
    world.rolls.rollback = LOSES
    async with world.talking():
        asked = await shown(world)
        await world.all_sent()
        begun_but_silent = world.operations.begun_but_silent = asyncio.Event()
        world.anna.says("rollback")
        await begun_but_silent.wait()
    world.operations.begun_but_silent = None
    world.clock.advance(600)
    async with world.talking():
        await world.eventually(lambda: "Anna chose: rollback" in asked.text)
        await world.all_handled()

    assert not world.anna.chat.saying("too late")
    assert len(world.operations.commands) == 1


async def test_the_word_survives_a_kill_and_a_journal_that_stumbles(world: World) -> None:
    world.rolls.rollback = LOSES
    stumbling = Stumbling(world.questions)
    world.questions = stumbling  # type: ignore[assignment]
    async with world.talking():
        await shown(world)
        stumbling.times["answer"] = 1
        world.anna.says("rollback")
        await world.eventually(lambda: world.operations.commands)
        await world.eventually(lambda: world.anna.chat.saying("Anna chose: rollback"))
        await world.all_handled()

    assert len(world.operations.starts) == 1


async def test_no_takes_the_question_away(world: World) -> None:
    world.rolls.rollback = LOSES
    async with world.talking():
        asked = await shown(world)
        world.anna.presses(asked, "No")
        await world.telegram.until(lambda: "Anna chose: No" in asked.text)
        world.anna.says("rollback")
        await world.all_handled()

    assert world.operations.starts == []


async def test_nothing_to_take_back(world: World) -> None:
    async with world.talking():
        world.anna.says("/rollback")
        answer = await world.said("Nothing is taken back")

    assert "Restore a backup instead." in answer.text


async def test_words_after_it_are_not_guessed_at(world: World) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, "/rollback 2025.2.1 <b>")

    assert "needs no words" in answer.text
    assert world.rolls.asked == []


async def test_an_engine_that_is_away(world: World) -> None:
    world.rolls.failure = PortError("list containers: no answer", retryable=True)
    async with world.talking():
        world.anna.says("/rollback")
        await world.said("That did not work: list containers")


async def test_the_button_under_an_update_takes_that_one_back_and_no_later_one(
    world: World,
) -> None:
    async with world.talking():
        world.operations.begin(
            RunUpdate(trigger=Trigger.CHAT, actor="Anna (42)", origin=f"telegram:4242:{ANNA}:0:7")
        )
        job = world.operations.end(JobState.DONE, "2025.4.4 serves, 2025.2.1 before")
        outcome = await world.said("Update done")
        assert outcome.labels == ["Take it back …", "Status"]
        world.rolls.rollback = replace(LOSES, update=job.id)
        world.anna.presses(outcome, "Take it back …")
        await world.said("Take the update to 2025.4.4 back?")
        world.rolls.rollback = replace(LOSES, update=UPDATE_JOB)
        await world.all_handled()
        world.anna.presses(outcome, "Take it back …")
        await world.said("is not the last one any more")

    assert world.operations.commands == []
