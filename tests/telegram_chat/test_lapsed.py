"""A question arrives while it can be answered, or it arrives closed."""

from datetime import timedelta

import pytest

from bot.domain.jobs import JobKind
from bot.entrypoints.telegram.button_texts import RUN_IT
from bot.entrypoints.telegram.pace import MOST_IN_GROUP
from bot.entrypoints.telegram.question_texts import NEVER_ASKED, TOO_LATE
from tests.bot_api.faults import too_many
from tests.bot_api.limits import RateLimits
from tests.telegram_chat.restores import FILES, NEWEST, last_question, planned
from tests.telegram_chat.test_questions import asking
from tests.telegram_chat.world import World


@pytest.fixture
def world(world: World) -> World:
    world.operations.records = [NEWEST]
    world.operations.preview = FILES
    return world


@pytest.mark.parametrize("command", ["/restore latest", "/restore", "/pause"])
async def test_a_question_that_expired_on_its_way_arrives_without_buttons(
    world: World, command: str
) -> None:
    async with world.talking():
        await world.all_handled()
        world.telegram.fail("sendMessage", too_many(150))
        world.anna.says(command)
        asked = await world.said(NEVER_ASKED)
        await world.all_sent()

    assert asked.labels == []
    assert asked.edits == [], "there was never anything to press"
    assert world.operations.starts == []


async def test_the_last_question_as_well(world: World) -> None:
    async with world.talking():
        plan = await planned(world)
        await world.all_sent()
        world.telegram.fail("sendMessage", too_many(150))
        world.anna.presses(plan, "Go on")
        asked = await world.said("Last question")
        listed = await world.asks(world.anna, "/jobs")

    assert asked.labels == []
    assert NEVER_ASKED in asked.text
    assert "expired: restore" in listed.text


async def test_one_that_comes_a_minute_late_can_be_answered(world: World) -> None:
    async with world.talking():
        await world.all_handled()
        world.telegram.fail("sendMessage", too_many(60))
        last = await last_question(world, await planned(world))
        world.anna.presses(last, last.labels[-1])
        await world.telegram.until(lambda: world.operations.commands)

    assert world.operations.commands[0].kind is JobKind.RESTORE


async def test_an_offer_stands_longer_than_it_waits(world: World) -> None:
    async with world.talking():
        await world.all_handled()
        world.telegram.fail("sendMessage", too_many(150))
        world.anna.says("/backup", age=timedelta(minutes=3))
        offer = await world.said("/backup")

    assert offer.labels == [RUN_IT, "No"]


async def test_what_a_job_asks_is_closed_by_whoever_knows_what_follows(world: World) -> None:
    async with world.talking() as chat:
        await world.all_handled()
        world.telegram.fail("sendMessage", too_many(150))
        answer = asking(chat)
        asked = await world.said("Go on with plan 1?")
        assert await answer is None
        await world.telegram.until(lambda: not asked.labels)

    assert TOO_LATE in asked.text
    assert NEVER_ASKED not in asked.text


async def test_a_busy_group_keeps_nobody_from_their_question(world: World) -> None:
    world.telegram.limits = RateLimits(burst=99)
    group = world.telegram.supergroup()
    asked_for = 3 * MOST_IN_GROUP
    async with world.talking():
        for _ in range(asked_for):
            world.vera.says("/help", group)
        await world.telegram.until(lambda: len(group.from_bot) == MOST_IN_GROUP)
        await world.all_handled(passing=0)
        last = await last_question(world, await planned(world, chat=group), group)
        before = len(group.from_bot)
        world.anna.presses(last, last.labels[-1])
        await world.eventually(lambda: world.operations.commands)

    assert before < asked_for, "answers still wait"
