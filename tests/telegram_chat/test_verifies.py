"""`/verify`: read back beside everything else, one after another, and told as a new message."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.errors import IntegrityError, PortError
from bot.domain.messages import BytesPassed, ComponentVerified, StepBegan
from bot.domain.summary import summarise
from tests.telegram_chat.samples import manifest, record
from tests.telegram_chat.stumbling import Stumbling
from tests.telegram_chat.world import NOW, World

NEWEST, OLDER = record(1), record(30)


@pytest.fixture
def world(world: World) -> World:
    world.operations.records = [NEWEST, OLDER]
    return world


@pytest.fixture
def reading(world: World) -> asyncio.Event:
    """While it is not set no backup is read to its end."""
    world.operations.reading = asyncio.Event()
    return world.operations.reading


@pytest.mark.parametrize(
    ("text", "backup"), [("/verify latest", NEWEST.id), (f"/verify {OLDER.id[:10]}", OLDER.id)]
)
async def test_what_was_found_is_a_new_message(world: World, text: str, backup: str) -> None:
    async with world.talking():
        began = await world.asks(world.anna, text)
        found = await world.said("Backup verified")
        await world.telegram.until(lambda: "Done: what came of it" in began.text)

    assert "back, all 215.0 MB of it." in began.text
    assert began.silent
    assert not found.silent
    assert "Every byte of the backup of" in found.text
    assert "decrypted and read to its end" in found.text
    assert backup in found.text
    assert world.operations.verified == [backup]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (IntegrityError('component "media": cut'), "do not count on the backup of 11:00 (1 h ago)"),
        (PortError("read: timeout"), "nothing new is known of the backup of 11:00 (1 h ago)"),
    ],
)
async def test_damage_is_another_alarm_than_a_store_that_is_away(
    world: World, damage: Exception, words: str
) -> None:
    world.operations.damage = damage
    async with world.talking():
        world.anna.says("/verify latest")
        found = await world.said(words)

    assert str(damage) in found.text


async def test_what_is_no_backup_is_not_read(world: World) -> None:
    async with world.talking():
        odd = await world.asks(world.anna, "/verify all of them")
        none = await world.asks(world.anna, "/verify 2031")

    assert "is no backup's id" in odd.text
    assert 'Which backup? there is no backup "2031". Send /backups' in none.text
    assert not world.operations.verified


async def test_reading_keeps_nobody_waiting_and_each_backup_is_read_once(
    world: World, reading: asyncio.Event
) -> None:
    async with world.talking():
        await world.asks(world.anna, "/verify latest")
        await world.telegram.until(lambda: world.operations.verified)
        again = await world.asks(world.boris, "/verify latest")
        await world.asks(world.boris, f"/verify {OLDER.id}")
        backup = await world.asks(world.anna, "/backup")
        assert world.operations.verified == [NEWEST.id], "the other one waits for its turn"
        reading.set()
        await world.telegram.until(lambda: world.boris.chat.saying("Backup verified"))
        await world.said("Backup verified")

    assert f"I am reading {NEWEST.id} back already" in again.text
    assert "Backup is running" in backup.text
    assert world.operations.verified == [NEWEST.id, OLDER.id]


async def test_cancel_stops_reading_where_no_job_runs(world: World, reading: asyncio.Event) -> None:
    async with world.talking():
        await world.asks(world.anna, "/verify latest")
        await world.asks(world.anna, f"/verify {OLDER.id}")
        answer = await world.asks(world.boris, "/cancel")
        await world.telegram.until(
            lambda: len([text for text in world.anna.chat.texts if "Stopped by Boris" in text]) == 2
        )
        reading.set()
        await world.asks(world.anna, "/verify latest")
        await world.said("Backup verified")

    assert f"I stop reading back {NEWEST.id}, {OLDER.id}." in answer.text
    assert OLDER.id not in world.operations.verified


async def test_a_job_goes_before_what_is_read_when_it_is_cancelled(
    world: World, reading: asyncio.Event
) -> None:
    async with world.talking():
        await world.asks(world.anna, "/verify latest")
        await world.asks(world.anna, "/backup")
        answer = await world.asks(world.anna, "/cancel")
        assert "Stopping: backup since" in answer.text
        reading.set()
        await world.said("Backup verified")


async def test_a_kill_while_it_reads_is_told_once_and_nothing_is_read_again(
    world: World, reading: asyncio.Event
) -> None:
    async with world.talking():
        await world.asks(world.anna, "/verify latest")
        await world.telegram.until(lambda: world.operations.verified)
        await world.all_handled()
        await world.all_sent()
    assert not reading.is_set()
    for _ in range(3):
        async with world.talking():
            await world.said("I was stopped before I had seen all")
            await world.asks(world.boris, "/help")
            await world.all_sent()

    assert world.operations.verified == [NEWEST.id]
    assert len([text for text in world.anna.chat.texts if "I was stopped before" in text]) == 1


async def listed(world: World) -> str:
    """The newest line of all that was asked for."""
    answer = await world.asks(world.anna, "/jobs")
    return answer.text.replace("\n  ", "")


async def test_who_asked_for_it_is_listed_from_then_on_and_then_with_what_was_found(
    world: World, reading: asyncio.Event
) -> None:
    async with world.talking():
        await world.asks(world.olga, "/verify latest")
        runs = await listed(world)
        reading.set()
        await world.said("Backup verified", world.olga.chat)
        done = await listed(world)
        world.operations.damage = IntegrityError("cut")
        await world.asks(world.olga, f"/verify {OLDER.id}")
        await world.said("do not count on", world.olga.chat)
        failed = await listed(world)

    when = "12:00 (just now) asked for by Olga (44)"
    assert runs == f"⏳ running: verify {NEWEST.id}, {when}"
    assert done == f"✅ done: verify {NEWEST.id}, {when}"
    assert failed.splitlines()[0] == f"❌ failed: verify {OLDER.id}, {when} Reason: cut"
    _, newest = await world.order_log.orders(5)
    assert newest.message == "215.0 MB, read in 0.0 s"
    assert (newest.trigger, newest.ended) == ("chat", NOW)


async def test_what_cannot_be_read_is_listed_as_well(world: World, reading: asyncio.Event) -> None:
    assert not reading.is_set()
    async with world.talking():
        await world.asks(world.anna, "/verify 2031")
        await world.asks(world.anna, "/verify latest")
        await world.asks(world.anna, "/verify latest")
        await world.asks(world.boris, "/cancel")
        await world.said("Stopped by Boris")
        world.operations.failure = PortError("list: timeout")
        await world.asks(world.anna, "/verify latest")

    told = [(each.label, each.state, each.message) for each in await world.order_log.orders(5)]
    assert told == [
        ("latest", "failed", "list: timeout"),
        (NEWEST.id, "done", "it was being read back already"),
        (NEWEST.id, "cancelled", "stopped by Boris (43)"),
        ("2031", "failed", 'there is no backup "2031"'),
    ]


async def test_a_kill_while_it_reads_is_listed_by_the_next_start(
    world: World, reading: asyncio.Event
) -> None:
    async with world.talking():
        await world.asks(world.anna, "/verify latest")
        await world.telegram.until(lambda: world.operations.verified)
        await world.all_handled()
    assert not reading.is_set()
    assert [each.state for each in await world.order_log.running()] == ["running"]
    async with world.talking():
        await world.said("I was stopped before I had seen all")
        await world.asks(world.boris, f"/verify {OLDER.id}")
        await world.telegram.until(lambda: len(world.operations.verified) == 2)
        one, other = await world.order_log.orders(5)
        assert (one.label, one.state) == (OLDER.id, "running")
        assert (other.label, other.state) == (NEWEST.id, "interrupted")
        assert other.message == "the bot was stopped in it"


async def test_what_was_found_is_listed_as_soon_as_the_journal_takes_it(world: World) -> None:
    log = world.order_log = Stumbling(world.order_log)  # type: ignore[assignment]
    log.times["begin"], log.times["note"] = 1, 2
    async with world.talking():
        world.anna.says("/verify latest")
        await world.eventually(lambda: world.anna.chat.saying("Backup verified"))

    (order,) = await world.order_log.orders(5)
    assert order.state == "done"
    assert world.operations.verified == [NEWEST.id]


async def test_what_was_found_is_told_as_soon_as_the_journal_takes_it(world: World) -> None:
    outbox = world.outbox = Stumbling(world.outbox)  # type: ignore[assignment]
    reading = world.operations.reading = asyncio.Event()
    async with world.talking():
        await world.asks(world.anna, "/verify latest")
        outbox.times["put"] = 3
        reading.set()
        await world.said("Backup verified")


async def test_an_error_of_ours_is_admitted(world: World) -> None:
    world.operations.damage = ZeroDivisionError()
    async with world.talking():
        world.anna.says("/verify latest")
        await world.said("an error in akbot itself")
        world.operations.damage = None
        world.anna.says("/verify latest")
        await world.said("Backup verified")


async def test_how_far_it_is_stands_where_its_beginning_was_said(
    world: World, reading: asyncio.Event
) -> None:
    of_it = manifest(NEWEST.id)
    world.operations.records = [replace(NEWEST, summary=summarise(of_it, b""))]
    async with world.talking():
        began = await world.asks(world.anna, "/verify")
        await world.telegram.until(lambda: world.operations.verified)
        tell = world.operations.publish
        for event in (StepBegan("reading it in store nas"), BytesPassed(50, 200)):
            tell(event)
        await world.telegram.until(lambda: "Read: 50 B of 200 B" in began.text)
        assert "25%" in began.text
        assert "now: reading it in store nas" in began.text
        tell(ComponentVerified(of_it.components[0]))
        done = f"1 of {len(of_it.components)} components are as they were sent."
        await world.eventually(lambda: done in began.text)
        reading.set()
        await world.said("Backup verified")
        await world.telegram.until(lambda: "Done: what came of it" in began.text)

    assert "25%" not in began.text
