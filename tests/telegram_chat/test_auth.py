import pytest

from bot.domain.jobs import JobState
from tests.telegram_chat.world import World


async def test_a_stranger_gets_no_answer_and_no_request_is_made_for_one(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    group = world.telegram.supergroup()
    async with world.talking():
        before = {request.method for request in world.telegram.requests} - {"getUpdates"}
        world.stranger.says("/backup")
        world.stranger.says("/help", group)
        world.stranger.says("hello")
        answer = await world.asks(world.anna, "/help")
        await world.all_handled()

    assert world.stranger.chat.from_bot == []
    assert group.from_bot == []
    assert answer.text
    assert world.operations.commands == []
    methods = [it.method for it in world.telegram.requests if it.method not in before]
    assert [it for it in methods if it != "getUpdates"] == ["sendMessage"]
    notes = [record for record in caplog.records if "not allowed" in record.getMessage()]
    assert len(notes) == 1
    assert "user 66 in chat 66" in notes[0].getMessage()
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
