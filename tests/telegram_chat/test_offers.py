from datetime import timedelta

from bot.domain.jobs import JobState
from tests.telegram_chat.world import World

TWO_HOURS = timedelta(hours=2)


async def test_an_old_command_is_offered_and_runs_only_when_the_button_is_pressed(
    world: World,
) -> None:
    world.anna.says("/backup <b>&", age=TWO_HOURS)
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        offer = world.anna.chat.last
        assert world.operations.commands == []
        assert offer.text == (
            "You asked for /backup <b>& at 10:00 (2 h ago), while I was away. Run it now?\n"
            "This question stands until 13:00."
        )
        assert offer.labels == ["Run it", "No"]

        world.anna.presses(offer, "Run it")
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 2)
        await world.telegram.until(lambda: not offer.labels)

    (command,) = world.operations.commands
    assert command.label == "<b>&"
    assert "Anna chose: Run it" in offer.text


async def test_no_means_no(world: World) -> None:
    world.anna.says("/backup", age=TWO_HOURS)
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        world.anna.presses(world.anna.chat.last, "No")
        await world.telegram.until(lambda: not world.anna.chat.last.labels)
        await world.all_handled()

    assert world.operations.commands == []
    assert len(world.anna.chat.from_bot) == 1


async def test_a_command_of_a_minute_ago_is_run(world: World) -> None:
    world.anna.says("/backup", age=timedelta(seconds=110))
    async with world.talking():
        await world.telegram.until(lambda: world.operations.commands)


async def test_many_old_commands_become_one_offer_for_the_last_of_each(world: World) -> None:
    for text in ("/status", "/backup one", "/status", "/backup two"):
        world.anna.says(text, age=TWO_HOURS)
    world.boris.says("/jobs", age=TWO_HOURS)
    async with world.talking():
        await world.telegram.until(lambda: world.boris.chat.from_bot)
        offer = world.anna.chat.last
        await world.telegram.until(lambda: "/backup two" in offer.text)
        await world.all_handled()
        assert world.anna.chat.from_bot == [offer]
        assert "one" not in offer.text
        assert offer.text.count("/status") == 1

        world.anna.presses(offer, "Run them")
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 3)

    assert [command.label for command in world.operations.commands] == ["two"]
    assert any("Stack authentik" in text for text in world.anna.chat.texts)


async def test_an_offer_outlives_a_restart(world: World) -> None:
    world.anna.says("/backup x", age=TWO_HOURS)
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        await world.all_handled()
        await world.all_sent()
    async with world.talking():
        world.anna.presses(world.anna.chat.last, "Run it")
        await world.telegram.until(lambda: world.operations.commands)


async def test_an_offer_expires(world: World) -> None:
    world.anna.says("/backup", age=TWO_HOURS)
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        await world.all_handled()
        world.clock.advance(hours=3)
        query = world.anna.presses(world.anna.chat.last, "Run it")
        await world.telegram.until(lambda: not world.anna.chat.last.labels)
        await world.telegram.until(lambda: world.telegram.queries[query].notice)

    assert world.operations.commands == []


async def test_a_button_pressed_in_an_absence_does_nothing_until_it_is_pressed_again(
    world: World,
) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup x")
        world.operations.end(JobState.FAILED, "no space")
        await world.eventually(lambda: world.anna.chat.last.labels)
        await world.all_sent()
    outcome = world.anna.chat.last
    world.anna.presses(outcome, "Try again")
    world.clock.advance(600)

    async with world.talking():
        await world.telegram.until(lambda: "while I was away" in outcome.text)
        assert len(world.operations.commands) == 1
        world.anna.presses(outcome, "Try again")
        await world.telegram.until(lambda: len(world.operations.commands) == 2)
        await world.telegram.until(lambda: not outcome.labels)

    assert world.operations.commands[1].label == "x"


async def test_an_offer_accepted_in_an_absence_waits_for_a_second_press(world: World) -> None:
    world.anna.says("/backup", age=TWO_HOURS)
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        await world.all_sent()
    offer = world.anna.chat.last
    world.anna.presses(offer, "Run it")
    world.clock.advance(600)

    async with world.talking():
        await world.telegram.until(lambda: "Press again" in offer.text)
        assert world.operations.commands == []
        world.anna.presses(offer, "Run it")
        await world.telegram.until(lambda: world.operations.commands)


async def test_hours_of_absence_of_telegram_run_nothing_by_themselves(world: World) -> None:
    async with world.talking() as chat:
        world.telegram.down()
        await world.eventually(lambda: chat.state.condition == "unreachable")
        world.anna.says("/backup")
        world.clock.advance(hours=5)
        world.telegram.up()
        await world.eventually(lambda: world.anna.chat.from_bot, seconds=20)
        await world.eventually(lambda: chat.state.condition == "ok", seconds=20)

    assert "5 h ago" in world.anna.chat.last.text
    assert world.operations.commands == []
