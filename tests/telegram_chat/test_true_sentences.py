"""What is said of what somebody can do holds: for that person, and when it is read."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.messages import RunBackup
from tests.bot_api import faults
from tests.telegram_chat.restores import NEWEST, OLDER, confirmed, last_question, planned
from tests.telegram_chat.rolls import SWAPS, make_rollback, make_update
from tests.telegram_chat.samples import make_preview
from tests.telegram_chat.world import NOW, World

ALONE = "and I ask which if there are several"


@pytest.mark.parametrize("command", ["restore", "drill", "verify"])
async def test_a_command_alone_asks_which_backup(world: World, command: str) -> None:
    world.operations.records = [NEWEST, OLDER]
    async with world.talking():
        answer = await world.asks(world.anna, f"/{command} soon")
        asked = await world.asks(world.anna, f"/{command}")

    assert ALONE in answer.text
    assert f"/{command} latest for the newest good one" in answer.text
    assert asked.text.startswith("Which backup")


async def test_update_alone_shows_the_versions(world: World) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, "/update newest")

    assert "/update alone shows the newer ones." in answer.text
    assert "takes the newest" not in answer.text


async def test_only_who_may_stop_what_runs_is_told_how(world: World) -> None:
    world.operations.records = [NEWEST, OLDER]
    world.operations.preview = make_preview()
    async with world.talking():
        await confirmed(world)
        not_hers = await world.asks(world.olga, "/backup")
        choosing = await world.asks(world.olga, "/drill")
        his = await world.asks(world.boris, "/backup")

    for answer in (not_hers, choosing):
        assert "Not now: restore" in answer.text
        assert answer.text.endswith("Nothing was begun. Ask again when it has ended.")
    assert his.text.endswith("or send /cancel to stop it.")


async def test_an_operator_may_stop_a_backup_and_is_told_so(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup")
        answer = await world.asks(world.olga, "/drill latest")

    assert isinstance(world.operations.commands[0], RunBackup)
    assert answer.text.endswith("or send /cancel to stop it.")


async def test_what_was_read_back_is_not_read_any_more(world: World) -> None:
    world.operations.records = [NEWEST]
    reading = world.operations.reading = asyncio.Event()
    async with world.talking():
        said = await world.asks(world.anna, "/verify")
        assert "⏳ Reading" in said.text
        assert "/cancel stops that." in said.text
        reading.set()
        await world.eventually(lambda: "Done" in said.text)

    assert said.text.startswith("Reading the backup of 03:30")
    assert "/cancel" not in said.text


async def test_a_kill_while_it_reads_leaves_no_sign_that_it_does(world: World) -> None:
    world.operations.records = [NEWEST]
    world.operations.reading = asyncio.Event()
    async with world.talking():
        said = await world.asks(world.anna, "/verify")
        await world.all_sent()
    async with world.talking():
        await world.eventually(lambda: "Done" in said.text)

    assert said.text.startswith("Reading the backup")
    assert "/cancel" not in said.text


async def test_a_question_says_until_when_it_stands(world: World) -> None:
    world.operations.records = [NEWEST, OLDER]
    world.operations.preview = make_preview()
    world.rolls.update, world.rolls.rollback = make_update(), make_rollback(change=SWAPS)
    async with world.talking():
        plan = await planned(world)
        last = await last_question(world, plan)
        choice = await world.asks(world.boris, "/drill")
        world.anna.says("/update")
        way = await world.said("Update Authentik")
        world.anna.says("/rollback")
        back = await world.said("type the word rollback")
        world.clock.advance(120)
        world.boris.says("/restore latest")
        later = await world.said("Go on?", world.boris.chat)

    for each in (plan, last, choice, way, back):
        assert "This question stands until 12:02." in each.text
    assert "This question stands until 12:04." in later.text


async def test_a_question_that_comes_late_says_what_holds_then(world: World) -> None:
    world.operations.records = [NEWEST]
    world.operations.preview = make_preview()
    async with world.talking():
        world.telegram.fail("sendMessage", faults.too_many(200), skip=1)
        world.anna.says("/restore latest")
        plan = await world.said("Go on?")
        assert world.clock.now() - NOW > timedelta(minutes=3)

    assert "This question stands until 12:02." in plan.text
    assert "two minutes" not in plan.text


@pytest.mark.parametrize("command", ["restore", "verify", "drill", "pin"])
async def test_a_capital_of_the_keyboard_is_no_other_word(world: World, command: str) -> None:
    world.operations.records = [NEWEST, OLDER]
    world.operations.preview = make_preview()
    async with world.talking():
        answer = await world.asks(world.anna, f"/{command} Latest")

    assert "is no backup's id" not in answer.text
    assert "Which" not in answer.text
