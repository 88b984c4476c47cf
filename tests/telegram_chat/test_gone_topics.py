"""Where a topic is gone its messages come into the group itself, and count there."""

import pytest

from tests.bot_api.chats import Chat
from tests.bot_api.faults import too_many
from tests.telegram_chat.restores import NEWEST, WORD, restore_in
from tests.telegram_chat.samples import make_preview
from tests.telegram_chat.world import World

OPS = 7


@pytest.fixture
def world(world: World) -> World:
    world.operations.records = [NEWEST]
    world.operations.preview = make_preview()
    return world


@pytest.fixture
def group(world: World) -> Chat:
    return world.telegram.supergroup(topics={OPS: "Ops"})


@pytest.mark.parametrize("is_reply", [False, True])
async def test_a_word_answers_a_question_whose_topic_is_gone(
    world: World, group: Chat, *, is_reply: bool
) -> None:
    async with world.talking():
        world.anna.says("/restore latest", group, thread=OPS)
        plan = await world.said("Go on? Nothing has been changed", group)
        assert plan.thread == OPS
        await world.all_sent()
        world.telegram.fail("sendMessage", too_many(5))
        before = len(world.telegram.seen("sendMessage"))
        world.anna.presses(plan, "Go on")
        await world.telegram.until(lambda: len(world.telegram.seen("sendMessage")) > before)
        group.deleted_topics.add(OPS)
        last = await world.said("Last question", group)
        assert last.thread is None
        await world.all_sent()
        world.anna.says(WORD, group, reply_to=last if is_reply else None)
        await world.eventually(lambda: world.operations.commands)

    assert restore_in(world).backup == NEWEST.id
