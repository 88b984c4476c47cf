"""Where something cannot be had now, the answer says what can, by a button where there is one."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.drill import VERDICT, Verdict
from bot.domain.errors import IntegrityError, PortError
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup, RunDrill
from bot.domain.roles import ChatPlace
from tests.bot_api.chats import Message
from tests.bot_api.errors import bad_request
from tests.bot_api.people import Person
from tests.bot_api.responses import failed
from tests.telegram_chat.restores import NEWEST, OLDER
from tests.telegram_chat.world import World

SILENT = "the store has not answered within 10 s"
NOW = "Back up now"
GROUP = -1001
ASKS_THE_STORE = ["/backups", "/restore", "/drill", "/verify", "/verify latest", "/pin", "/unpin"]


async def told_in_vain(world: World, person: Person, text: str) -> Message:
    """What *person* is answered while the store is silent."""
    world.operations.listing = asyncio.Event()
    person.says(text)
    return await world.said(SILENT, person.chat)


@pytest.mark.parametrize("text", ASKS_THE_STORE)
async def test_a_silent_store_leaves_ways_on(world: World, text: str) -> None:
    world.operations.records = [NEWEST, OLDER]
    async with world.talking():
        answer = await told_in_vain(world, world.anna, text)
        assert 'run "akbot check" on the host' in answer.text
        assert "/jobs needs no store, and /status shows the containers without it." in answer.text
        assert answer.labels == ["Try again" if text == "/backups" else "Show the backups"]
        assert world.operations.listing
        world.operations.listing.set()
        world.anna.presses(answer, answer.labels[0])
        await world.telegram.until(lambda: "Newest good one" in answer.text)


async def test_what_else_is_silent_has_a_next_step(world: World) -> None:
    async with world.talking():
        answer = await told_in_vain(world, world.vera, "/status")

    assert "The backups cannot be listed" in answer.text
    assert 'run "akbot check" on the host' in answer.text


@pytest.mark.parametrize(
    "text", ["/backups", "/restore", "/restore latest", "/drill", "/verify", "/verify latest"]
)
async def test_where_there_is_no_backup_one_can_be_made(world: World, text: str) -> None:
    async with world.talking():
        world.anna.says(text)
        answer = await world.said("There is no backup yet. /backup makes one.")
        assert answer.labels == [NOW]
        assert not world.operations.starts
        world.anna.presses(answer, NOW)
        await world.telegram.until(lambda: world.operations.commands)

    assert isinstance(world.operations.commands[0], RunBackup)


async def test_whoever_may_make_none_is_not_told_to(world: World) -> None:
    async with world.talking():
        answer = await world.asks(world.vera, "/backups")

    assert answer.text == "There is no backup yet."
    assert not answer.labels


@pytest.mark.parametrize("text", ["/restore", "/drill", "/verify"])
async def test_that_there_was_none_is_written_down(world: World, text: str) -> None:
    async with world.talking():
        await world.asks(world.anna, text)
        await world.said("There is no backup yet")
        jobs = await world.asks(world.anna, "/jobs")

    assert f"{text[1:]}" in jobs.text
    assert "backup yet" in jobs.text


async def test_after_a_failed_drill_a_backup_is_a_press_away(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/drill latest")
        [job] = world.operations.all_jobs
        world.operations.all_jobs = [replace(job, plan={VERDICT: Verdict.FAIL})]
        world.operations.end(JobState.FAILED, "rows are missing")
        told = await world.said("Drill failed")
        assert told.labels[0] == NOW
        world.anna.presses(told, NOW)
        await world.telegram.until(lambda: len(world.operations.commands) > 1)

    first, second = world.operations.commands
    assert isinstance(first, RunDrill)
    assert isinstance(second, RunBackup)


async def test_what_is_damaged_can_be_backed_up_anew(world: World) -> None:
    world.operations.records = [NEWEST]
    world.operations.damage = IntegrityError("postgres is cut")
    async with world.talking():
        world.anna.says("/verify")
        told = await world.said("Backup damaged")
        assert told.labels == [NOW]
        world.operations.damage = PortError("no answer")
        world.anna.says("/verify")
        unknown = await world.said("Not verified")

    assert not unknown.labels


async def test_why_a_topic_takes_nothing_is_said_in_words(world: World) -> None:
    world.telegram.supergroup(GROUP, topics={7: "Ops"})
    world.groups = frozenset({ChatPlace(GROUP, 7)})
    world.alerts = (ChatPlace(GROUP, 7),)
    world.telegram.fail(
        "sendMessage", lambda _, __: failed(bad_request("TOPIC_CLOSED")), times=99, chat=GROUP
    )
    async with world.talking():
        world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
        world.operations.end(JobState.FAILED, "no space")
        told = await world.said("could not be delivered")

    assert "could not be delivered: its topic is closed." in told.text
