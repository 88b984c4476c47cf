from pathlib import Path

import pytest
from telegram import Update

from bot.domain.jobs import JobState
from bot.entrypoints.telegram.pressed import Deed, DeedData
from tests.telegram_chat.world import World


async def test_a_stranger_gets_no_answer_and_no_request_is_made_for_one(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    group = world.telegram.supergroup()
    async with world.talking():
        by_itself = {"getMe", "getUpdates", "setMyCommands", "deleteMyCommands"}
        world.stranger.says("/backup")
        world.stranger.says("/help", group)
        world.stranger.says("hello")
        answer = await world.asks(world.anna, "/help")
        await world.all_handled()

    assert world.stranger.chat.from_bot == []
    assert group.from_bot == []
    assert answer.text
    assert world.operations.commands == []
    methods = [it.method for it in world.telegram.requests if it.method not in by_itself]
    assert methods == ["sendMessage"]
    notes = [record for record in caplog.records if "not allowed" in record.getMessage()]
    assert len(notes) == 1
    assert "user 66 in private is not allowed" in notes[0].getMessage()
    assert "Mallory" not in caplog.text


async def test_a_stranger_is_noted_again_after_an_hour(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.talking():
        world.stranger.says("/backup")
        await world.all_handled()
        world.clock.advance(hours=2)
        world.stranger.says("/backup")
        await world.all_handled()

    assert caplog.text.count("is not allowed: no answer") == 2


async def test_of_a_crowd_of_strangers_the_first_are_noted_and_the_others_together(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    gate = world.chat()._handlers.gate

    def crowd_writes() -> None:
        for person in range(5000, 6100):
            chat = {"id": person, "type": "private", "first_name": "x"}
            sender = {"id": person, "is_bot": False, "first_name": "x"}
            message = {"message_id": 1, "date": 1, "chat": chat, "from": sender, "text": "hi"}
            update = {"update_id": person, "message": message}
            gate.keep(update, Update.de_json(update), "test4242_bot")

    crowd_writes()
    crowd_writes()
    assert caplog.text.count("is not allowed: no answer") == 1000
    assert caplog.text.count("others get no answer either") == 1
    world.clock.advance(hours=2)
    crowd_writes()
    assert caplog.text.count("is not allowed: no answer") == 2000
    assert caplog.text.count("others get no answer either") == 2


async def test_a_button_pressed_by_a_stranger_does_nothing(world: World) -> None:
    group = world.telegram.supergroup()
    async with world.talking():
        world.anna.says("/backup", group)
        await world.telegram.until(lambda: group.from_bot)
        world.operations.end(JobState.FAILED, "no space")
        await world.eventually(lambda: group.last.labels)
        query = world.stranger.presses(group.last, "Try again")
        await world.all_handled()

    assert world.telegram.queries[query].notice is None
    assert len(world.operations.commands) == 1


async def test_nobody_commands_in_the_name_of_a_group(world: World) -> None:
    group = world.telegram.supergroup()
    async with world.talking():
        world.anna.says("/backup", group, anonymous=True)
        await world.all_handled()

    assert group.from_bot == []
    assert world.operations.commands == []


async def test_an_edited_message_does_not_run(world: World) -> None:
    async with world.talking():
        message = world.anna.says("what a day")
        world.anna.edits(message, "/backup")
        # Telegram does not deliver what was not asked for; a proxy in between might.
        world.telegram.updates.allowed = None
        world.anna.edits(message, "/backup now")
        await world.all_handled()

    assert world.anna.chat.from_bot == []
    assert world.operations.commands == []


async def test_a_command_that_another_bot_has_written_is_nobodys(world: World) -> None:
    """What an inline bot offers is chosen by a person, who has not written it."""
    async with world.talking():
        message = world.anna.says("what a day").json()
        written = {
            **message,
            "text": "/backup",
            "entities": [{"type": "bot_command", "offset": 0, "length": len("/backup")}],
            "via_bot": {"id": 9, "is_bot": True, "first_name": "Offers"},
        }
        world.telegram.updates.add("message", written)
        await world.all_handled()

    assert world.anna.chat.from_bot == []
    assert world.operations.commands == []


async def test_a_press_under_a_message_that_nobody_sees_any_more_does_nothing(
    world: World,
) -> None:
    """Telegram then shows of it where it was, and a date of 0."""
    async with world.talking():
        await world.asks(world.anna, "/help")
        shown = world.anna.chat.last.json()
        press = {
            "id": "late",
            "from": world.anna.json(),
            "chat_instance": "1",
            "message": {"chat": shown["chat"], "message_id": shown["message_id"], "date": 0},
            "data": DeedData(Deed.DRILL).line(),
        }
        world.telegram.updates.add("callback_query", press)
        await world.all_handled()
        await world.all_sent()

    assert world.operations.starts == []
    assert len(world.anna.chat.from_bot) == 1


async def test_what_is_not_for_the_bot_does_not_reach_its_journal(
    world: World, tmp_path: Path
) -> None:
    group = world.telegram.supergroup()
    async with world.talking():
        world.stranger.says("/backup my-secret-1")
        world.stranger.says("my-secret-2", group)
        world.anna.says("my-secret-3", group)
        world.anna.says("/dance@other_bot my-secret-4", group)
        world.anna.says("/dance my-secret-5", group)
        world.anna.says("/backup my-secret-6", group, anonymous=True)
        world.telegram.updates.add("message", {"message_id": "?", "date": "my-secret-7"})
        await world.asks(world.anna, "/backup known")
        await world.all_handled()

    files = list((tmp_path / "state").glob("journal.db*"))
    kept = b"".join(file.read_bytes() for file in files)
    assert b"known" in kept
    assert b"my-secret" not in kept
    assert b"Mallory" not in kept


async def test_of_a_stranger_there_is_a_number_and_a_time(world: World) -> None:
    async with world.talking():
        await world.all_handled()
        update = world.stranger.says("/backup").json()
        gate = world.chat()._handlers.gate
        message = Update.de_json({"update_id": 7, "message": update})
        kept = gate.keep({"update_id": 7, "message": update}, message, "test4242_bot")

    assert kept == {"update_id": 7, "from": 66, "date": int(world.clock.now().timestamp())}
