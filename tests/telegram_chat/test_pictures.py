"""The picture that follows the status: beside the text, never in its way."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.charts import MemorySample, MemoryUse
from bot.domain.errors import PortError
from bot.domain.incident import Incident, Trouble
from bot.domain.incident_history import PastIncident
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup
from bot.services.journal_ports import Message
from tests.bot_api.errors import bad_request
from tests.bot_api.faults import Hold, answer_lost
from tests.bot_api.responses import failed
from tests.fakes_charts import PNG
from tests.telegram_chat.samples import MB, record
from tests.telegram_chat.world import ANNA, NOW, World


@pytest.fixture
def two_backups(world: World) -> World:
    world.operations.records = [record(1), record(25, 200 * MB)]
    world.gauge.uses = [MemoryUse("server", (MemorySample(NOW, 612 * MB),))]
    return world


async def test_the_status_is_followed_by_a_picture_that_says_the_same_in_words(
    two_backups: World,
) -> None:
    world = two_backups
    async with world.talking():
        answer = await world.asks(world.anna, "/status")
        picture = await world.said("Backup size")

    assert answer.file is None
    assert "healthy: postgresql" in answer.text
    assert picture.file
    assert picture.file.content == PNG
    assert picture.text.splitlines() == [
        "Backup size: 215.0 MB on 24 Nov, 200.0 MB on 23 Nov; 2 backups",
        "Memory: server 612.0 MB",
    ]
    assert picture.silent
    assert not answer.silent


async def test_a_picture_shows_when_an_incident_kept_people_out(two_backups: World) -> None:
    world = two_backups
    began = NOW - timedelta(hours=10)
    crash = Incident(
        root="server", trouble=Trouble.CRASHED, detail="", image="", began=began, opened=began
    )
    world.reporter.incidents = [PastIncident(crash, began + timedelta(minutes=30))]
    async with world.talking():
        await world.asks(world.anna, "/status")
        await world.said("Nobody could log in: 24 Nov server crashed, 30 min")


async def test_a_picture_shows_how_long_backups_took(two_backups: World) -> None:
    world = two_backups
    for _ in range(2):
        world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
        world.clock.advance(30)
        world.operations.end(JobState.DONE)
    jobs = world.operations.all_jobs
    world.operations.records = [replace(record(0), id=job.id) for job in jobs]
    async with world.talking():
        await world.asks(world.anna, "/status")
        await world.said("Backup duration: 30 s")


@pytest.mark.parametrize("backups", [0, 1])
async def test_where_nothing_has_a_course_there_is_no_picture(world: World, backups: int) -> None:
    world.operations.records = [record(1)][:backups]
    async with world.talking():
        await world.asks(world.anna, "/status")
        await world.asks(world.anna, "/help")
        await world.all_sent()

    assert len(world.anna.chat.from_bot) == 2
    assert world.painter.drawn == []


async def test_what_cannot_be_drawn_is_said_in_words_alone(
    two_backups: World, caplog: pytest.LogCaptureFixture
) -> None:
    world = two_backups
    world.painter.failure = PortError("draw a picture: exit code 1: no memory")
    async with world.talking():
        await world.asks(world.anna, "/status")
        words = await world.said("Backup size")

    assert words.file is None
    assert "exit code 1: no memory" in caplog.text


async def test_without_figures_of_memory_the_rest_is_drawn(two_backups: World) -> None:
    world = two_backups
    world.gauge.failure = PortError("measure server: gone")
    async with world.talking():
        await world.asks(world.anna, "/status")
        picture = await world.said("Backup size")

    assert picture.file
    assert "Memory" not in picture.text


async def test_a_slow_picture_keeps_nobody_waiting_and_is_drawn_once(two_backups: World) -> None:
    world = two_backups
    world.painter.held = asyncio.Event()
    async with world.talking():
        for _ in range(5):
            await world.asks(world.anna, "/status")
        assert len(world.painter.drawn) == 1
        world.painter.held.set()
        await world.said("Backup size")
        await world.all_sent()

    assert [bool(each.file) for each in world.anna.chat.from_bot] == [False] * 5 + [True]


async def test_a_picture_is_found_again_after_a_kill_inside_its_send(two_backups: World) -> None:
    world = two_backups
    hold = Hold(then=answer_lost)
    world.telegram.fail("sendPhoto", hold)
    async with world.talking():
        await world.asks(world.anna, "/status")
        await world.telegram.until(lambda: world.telegram.seen("sendPhoto"))
    hold.release()
    await world.telegram.until(lambda: world.anna.chat.saying("Backup size"))

    async with world.talking():
        await world.eventually(lambda: len(world.anna.chat.from_bot) == 3)
        await world.all_sent()

    repeat = world.anna.chat.last
    assert repeat.file
    assert repeat.file.content == PNG
    assert "(perhaps a repeat)" in repeat.text
    [kept] = await world.outbox.named("picture:")
    assert kept.message.picture is None  # nobody needs it any more


async def test_where_pictures_are_not_allowed_their_words_come(two_backups: World) -> None:
    world = two_backups
    refusal = bad_request("not enough rights to send photos to the chat")
    world.telegram.fail("sendPhoto", lambda _, __: failed(refusal))
    async with world.talking():
        await world.asks(world.anna, "/status")
        words = await world.said("Backup size")
        await world.all_sent()

    assert words.file is None


async def test_old_pictures_are_not_merged_with_old_texts(world: World) -> None:
    for number in range(8):
        picture = PNG if number == 3 else None
        message = Message(key=str(number), chat=ANNA, text=f"no {number}", picture=picture)
        await world.outbox.put(message, world.clock.now())
    world.clock.advance(hours=10)
    async with world.talking():
        await world.all_sent()

    before, pictured, after = world.anna.chat.from_bot
    assert "no 2" in before.text
    assert (bool(pictured.file), pictured.text.splitlines()[-1]) == (True, "no 3")
    assert "no 4" in after.text
