"""What becomes of a start that takes longer than a person waits for an answer."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.errors import BusyError, PortError
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup
from tests.telegram_chat.stumbling import Stumbling
from tests.telegram_chat.world import World

AWAY = PortError("find the stack: the Docker Engine does not answer", hint="Start it.")


@pytest.fixture
def held(world: World) -> asyncio.Event:
    world.operations.held = asyncio.Event()
    return world.operations.held


async def is_promised(world: World) -> None:
    """Let so much time pass that nobody can be kept waiting."""
    await world.eventually(lambda: world.anna.chat.saying("about to begin"))


async def test_a_start_that_fails_late_is_told(world: World, held: asyncio.Event) -> None:
    async with world.talking():
        world.anna.says("/backup")
        await is_promised(world)
        world.operations.failure = AWAY
        held.set()
        failed = await world.telegram.until(lambda: world.anna.chat.saying("did not begin"))

    assert "the Docker Engine does not answer. Start it." in failed.text
    assert "untouched" in failed.text
    assert not failed.silent


async def test_a_late_start_that_finds_another_job_says_so(
    world: World, held: asyncio.Event
) -> None:
    async with world.talking():
        world.anna.says("/backup")
        await is_promised(world)
        world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
        world.operations.failure = BusyError("busy")
        held.set()
        await world.telegram.until(lambda: world.anna.chat.saying("Not now: backup since"))


async def test_a_late_start_that_fails_on_an_error_of_ours_is_told(
    world: World, held: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.talking():
        world.anna.says("/backup")
        await is_promised(world)
        world.operations.failure = ZeroDivisionError()
        held.set()
        await world.telegram.until(lambda: world.anna.chat.saying("an error in akbot itself"))

    assert "ZeroDivisionError" in caplog.text


async def test_what_a_late_start_came_to_is_told_as_soon_as_the_journal_takes_it(
    world: World, held: asyncio.Event
) -> None:
    outbox = world.outbox = Stumbling(world.outbox)  # type: ignore[assignment]
    async with world.talking():
        world.anna.says("/backup")
        await is_promised(world)
        outbox.times["put"] = 3
        world.operations.failure = AWAY
        held.set()
        await world.eventually(lambda: world.anna.chat.saying("did not begin"))


async def test_a_late_start_that_begins_is_followed_to_its_end(
    world: World, held: asyncio.Event
) -> None:
    async with world.talking():
        world.anna.says("/backup")
        await is_promised(world)
        held.set()
        await world.eventually(lambda: world.anna.chat.saying("is running"))
        world.operations.end()
        await world.eventually(lambda: world.anna.chat.saying("Backup done, verified"))

    assert not world.anna.chat.saying("did not begin")
    assert len(world.operations.commands) == 1


async def test_a_kill_after_the_promise_is_told_once(world: World, held: asyncio.Event) -> None:
    async with world.talking():
        world.anna.says("/backup")
        await is_promised(world)
        await world.all_sent()
    assert not held.is_set()

    for _ in range(3):
        async with world.talking():
            await world.eventually(lambda: world.anna.chat.saying("never began"))
            await world.asks(world.boris, "/help")
            await world.all_sent()
            world.clock.advance(hours=5)

    assert len([text for text in world.anna.chat.texts if "never began" in text]) == 1
    assert world.operations.commands == []


async def test_a_kill_after_the_promise_and_the_beginning_is_told_as_the_jobs_end(
    world: World,
) -> None:
    world.operations.begun_but_silent = asyncio.Event()
    async with world.talking():
        world.anna.says("/backup")
        await is_promised(world)
        await world.all_sent()
    world.operations.listeners = []
    world.operations.end(JobState.INTERRUPTED, "the bot was stopped in it")

    async with world.talking():
        await world.eventually(lambda: world.anna.chat.saying("Backup interrupted after"))
        await world.asks(world.boris, "/help")

    assert not world.anna.chat.saying("never began")


async def test_a_stop_in_order_waits_until_a_promise_is_kept(
    world: World, held: asyncio.Event
) -> None:
    async with world.talking() as chat:
        world.anna.says("/backup")
        await is_promised(world)
        await world.all_sent()
        farewell = asyncio.create_task(chat.farewell(60))
        await asyncio.sleep(0.05)
        assert not farewell.done()
        world.operations.failure = PortError("the bot is being stopped")
        held.set()
        while not farewell.done():
            world.clock.advance(0.2)
            await asyncio.sleep(0.01)
        assert world.anna.chat.saying("did not begin: the bot is being stopped")


async def test_trying_again_may_be_late_as_well(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup x")
        world.operations.end(JobState.FAILED, "no space")
        await world.eventually(lambda: world.anna.chat.last.labels)
        held = world.operations.held = asyncio.Event()
        world.anna.presses(world.anna.chat.last, "Try again")
        await is_promised(world)
        world.operations.failure = AWAY
        held.set()
        await world.telegram.until(lambda: world.anna.chat.saying("did not begin"))


async def test_an_accepted_offer_may_be_late_as_well(world: World, held: asyncio.Event) -> None:
    world.anna.says("/backup", age=timedelta(hours=2))
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        world.anna.presses(world.anna.chat.last, "Run it")
        await is_promised(world)
        world.operations.failure = AWAY
        held.set()
        await world.telegram.until(lambda: world.anna.chat.saying("did not begin"))
