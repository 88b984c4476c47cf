"""Whoever stops something waits for none of the looks that they asked for before."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.errors import PortError
from bot.domain.jobs import Trigger
from bot.domain.messages import RunBackup
from bot.entrypoints.telegram.lanes import Lanes, Turn, Work
from tests.telegram_chat.test_lanes import STORE, asks_something_slow, goes_on, turns
from tests.telegram_chat.world import LONG_ENOUGH, NOW, TurnedClock, World

LANE = (42, 42)


@pytest.fixture
def lanes(clock: TurnedClock) -> Lanes:
    return Lanes(clock)


async def test_cancel_overtakes_looks_of_the_same_person(world: World) -> None:
    async with world.talking():
        world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
        await asks_something_slow(world)
        world.anna.says("/jobs")
        await goes_on(world)
        stopped = await world.asks(world.anna, "/cancel")
        assert world.clock.now() - NOW < timedelta(seconds=1)
        assert world.anna.chat.from_bot == [stopped]
        await goes_on(world)
        world.clock.advance(10)
        await world.said(STORE)
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) >= 3)

    assert "Stopping: backup" in stopped.text
    assert world.operations.cancelled == ["Anna (42)"]


async def test_cancel_overtakes_nothing_that_is_set_going(world: World) -> None:
    """It is about that: what was asked for first begins first, and is stopped."""
    held = world.operations.held = asyncio.Event()
    async with world.talking():
        world.anna.says("/backup")
        await goes_on(world)
        world.anna.says("/status")
        await goes_on(world)
        world.anna.says("/cancel")
        await goes_on(world)
        assert not world.operations.cancelled
        assert not world.anna.chat.from_bot
        held.set()
        await world.said("Stopping: backup")

    assert world.operations.cancelled == ["Anna (42)"]


@pytest.mark.parametrize(
    ("text", "age"), [("/cancel later", timedelta()), ("/cancel", timedelta(minutes=3))]
)
async def test_what_is_not_carried_out_overtakes_nothing(
    world: World, text: str, age: timedelta
) -> None:
    async with world.talking():
        await asks_something_slow(world)
        world.anna.says(text, age=age)
        await goes_on(world)
        await world.asks(world.boris, "/help")
        assert world.anna.chat.from_bot == []
        world.clock.advance(10)
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 2)

    assert STORE in world.anna.chat.texts[0]


async def test_what_follows_waits_for_what_has_overtaken(lanes: Lanes, clock: TurnedClock) -> None:
    """Also where that must be tried again: a backup that was asked for later is not stopped."""
    done: list[str] = []
    go_on = asyncio.Event()

    async def look(_: int) -> None:
        await go_on.wait()
        done.append("look")

    async def stop(attempt: int) -> None:
        if attempt == 1:
            raise PortError("the journal is busy", retryable=True)
        done.append("stop")

    def act(name: str) -> Work:
        async def work(_: int) -> None:
            done.append(name)

        return work

    async with asyncio.timeout(LONG_ENOUGH), lanes:
        lanes.join(LANE, look, Turn.LOOKS)
        await turns()
        lanes.join(LANE, stop, Turn.STOPS)
        lanes.join(LANE, act("act"), Turn.IN_ORDER)
        lanes.join(LANE, act("second stop"), Turn.STOPS)
        go_on.set()
        await turns()
        assert done == ["look"]
        clock.advance(1)
        await lanes.settle(1)

    assert done == ["look", "stop", "act", "second stop"]
