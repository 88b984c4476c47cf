"""A press of a button, and a kill before, in and after what it sets going: it happens once."""

import asyncio
from datetime import timedelta

from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup
from tests.bot_api.chats import Message
from tests.telegram_chat.world import World

TWO_HOURS = timedelta(hours=2)
NOTHING = "I did nothing"


async def offered(world: World, *texts: str) -> Message:
    """An offer of *texts*, and a bot that has ended since."""
    for text in texts:
        world.anna.says(text, age=TWO_HOURS)
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        await world.telegram.until(lambda: texts[-1] in world.anna.chat.last.text)
        await world.all_handled()
        await world.all_sent()
    return world.anna.chat.last


async def failed(world: World) -> Message:
    """The outcome of a failed backup, and a bot that has ended since."""
    async with world.talking():
        await world.asks(world.anna, "/backup x")
        world.operations.end(JobState.FAILED, "no space")
        await world.eventually(lambda: world.anna.chat.last.labels)
        await world.all_sent()
    return world.anna.chat.last


async def killed_in_start(world: World, message: Message, label: str) -> None:
    """Press, and kill the bot while nothing has begun yet."""
    world.operations.held = asyncio.Event()
    async with world.talking():
        before = len(world.operations.starts)
        world.anna.presses(message, label)
        await world.eventually(lambda: len(world.operations.starts) > before)
    world.operations.held = None


async def killed_after_begin(world: World, message: Message, label: str) -> None:
    """Press, and kill the bot when the job is in the journal, and nobody was told so."""
    world.operations.begun_but_silent = asyncio.Event()
    async with world.talking():
        world.anna.presses(message, label)
        await world.operations.begun_but_silent.wait()
    world.operations.begun_but_silent = None


async def test_an_offer_accepted_before_a_kill_runs_once_when_it_is_pressed_again(
    world: World,
) -> None:
    offer = await offered(world, "/backup x")
    await killed_in_start(world, offer, "Run it")

    async with world.talking():
        await world.telegram.until(lambda: NOTHING in offer.text)
        assert world.operations.commands == []
        world.anna.presses(offer, "Run it")
        await world.telegram.until(lambda: not offer.labels)
        await world.all_handled()

    assert [command.label for command in world.operations.commands] == ["x"]


async def test_an_accepted_offer_whose_job_had_begun_is_not_said_to_have_done_nothing(
    world: World,
) -> None:
    offer = await offered(world, "/backup x")
    await killed_after_begin(world, offer, "Run it")

    async with world.talking():
        await world.telegram.until(lambda: "Anna chose: Run it" in offer.text)
        await world.telegram.until(lambda: world.anna.chat.saying("is running"))
        await world.all_handled()

    assert NOTHING not in offer.text
    assert not offer.labels
    assert len(world.operations.commands) == 1


async def test_an_accepted_offer_runs_though_its_command_had_a_job_before(world: World) -> None:
    offer = await offered(world, "/backup x")
    asked = world.anna.chat.all_messages[0]
    origin = f"telegram:4242:{world.anna.id}:0:{asked.id}"
    world.operations.begin(RunBackup(trigger=Trigger.CHAT, actor="Anna (42)", origin=origin))
    world.operations.end(JobState.INTERRUPTED, "the bot was stopped in it")

    async with world.talking():
        world.anna.presses(offer, "Run it")
        await world.telegram.until(lambda: world.operations.commands)
        await world.telegram.until(lambda: world.anna.chat.saying("is running"))
        world.operations.end()
        await world.eventually(lambda: world.anna.chat.saying("Backup done, verified"))

    assert len(world.operations.commands) == 1


async def test_an_old_command_whose_job_had_begun_is_not_offered(world: World) -> None:
    world.operations.begun_but_silent = asyncio.Event()
    async with world.talking():
        world.anna.says("/backup x")
        await world.operations.begun_but_silent.wait()
    world.operations.begun_but_silent = None
    world.operations.end(JobState.INTERRUPTED, "the bot was stopped in it")
    world.clock.advance(600)

    async with world.talking():
        await world.eventually(lambda: world.anna.chat.saying("Backup interrupted after"))
        await world.all_handled()
        await world.all_sent()

    assert not world.anna.chat.saying("while I was away")
    assert len(world.operations.commands) == 1


async def test_several_that_were_cut_off_in_the_middle_go_on_when_pressed_again(
    world: World,
) -> None:
    offer = await offered(world, "/backup x", "/status")
    await killed_after_begin(world, offer, "Run them")

    async with world.talking():
        await world.telegram.until(lambda: "stopped in the middle" in offer.text)
        assert not world.anna.chat.saying("Stack authentik")
        world.anna.presses(offer, "Run them")
        await world.telegram.until(lambda: world.anna.chat.saying("Stack authentik"))
        await world.telegram.until(lambda: not offer.labels)

    assert NOTHING not in offer.text
    assert len(world.operations.commands) == 1


async def test_an_old_no_needs_no_second_press(world: World) -> None:
    offer = await offered(world, "/backup x")
    world.anna.presses(offer, "No")
    world.clock.advance(600)

    async with world.talking():
        await world.telegram.until(lambda: "Anna chose: No" in offer.text)

    assert not offer.labels
    assert world.operations.commands == []


async def test_trying_again_whose_job_had_begun_is_not_said_to_have_done_nothing(
    world: World,
) -> None:
    outcome = await failed(world)
    await killed_after_begin(world, outcome, "Try again")

    async with world.talking():
        await world.telegram.until(lambda: not outcome.labels)
        await world.telegram.until(lambda: world.anna.chat.last.text != outcome.text)
        await world.all_handled()

    assert NOTHING not in outcome.text
    assert len(world.operations.commands) == 2


async def test_trying_again_before_a_kill_runs_once_when_it_is_pressed_again(
    world: World,
) -> None:
    outcome = await failed(world)
    await killed_in_start(world, outcome, "Try again")

    async with world.talking():
        await world.telegram.until(lambda: NOTHING in outcome.text)
        world.anna.presses(outcome, "Try again")
        await world.telegram.until(lambda: not outcome.labels)
        await world.all_handled()

    assert len(world.operations.commands) == 2
