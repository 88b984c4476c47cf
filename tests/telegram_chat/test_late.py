"""What arrives noticeably later than it was written says so, and claims nothing of now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.incident import Closed, Incident, Opened, Trouble
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup
from bot.entrypoints.telegram.away_texts import LATE
from bot.services.journal_ports import Message
from tests.bot_api.faults import server_error
from tests.fakes_charts import PNG
from tests.telegram_chat.samples import record
from tests.telegram_chat.world import ANNA, BORIS, NOW, World

CRASH = Incident(
    root="worker",
    trouble=Trouble.CRASHED,
    detail="exit code 1",
    image="x",
    began=NOW,
    opened=NOW,
)
MARK = "🕰 From 12:00 (9 h ago)"


async def write(world: World, *messages: Message) -> None:
    for message in messages:
        assert await world.outbox.put(message, world.clock.now())


async def test_an_alarm_nine_hours_late_says_when_it_was_and_not_that_it_is_new(
    world: World,
) -> None:
    chat = world.chat()
    await chat.incidents.opened(Opened(CRASH, ()))
    await chat.incidents.closed(Closed(CRASH, NOW, "x", frozenset()))
    world.clock.advance(hours=9)
    async with world.talking():
        opened = await world.said("has crashed")
        closed = await world.said("is well again since")

    assert opened.text.startswith(f"{MARK}\n🔴 worker has crashed at 12:00\nExit code 1.")
    assert closed.text.startswith(f"{MARK}\n🟢 worker is well again since 12:00, after")


async def test_what_comes_merged_says_once_how_long_ago_it_was(world: World) -> None:
    chat = world.chat()
    for number in range(6):
        began = NOW + timedelta(seconds=number)
        crash = replace(CRASH, root=f"w{number}", began=began, opened=began)
        await chat.incidents.opened(Opened(crash, ()))
    world.clock.advance(hours=9)
    async with world.talking():
        told = await world.said("6 things happened while I was away")

    assert "\n\n12:00 (9 h ago)\n🔴 w0 has crashed at 12:00\n" in told.text
    assert "🕰" not in told.text
    assert "just now" not in told.text


async def test_a_page_with_one_message_alone_is_marked_as_any_other(world: World) -> None:
    long = Message(key="long", chat=ANNA, text="long " * 790)
    few = [Message(key=str(number), chat=ANNA, text=f"no {number}") for number in range(6)]
    await write(world, long, *few)
    world.clock.advance(hours=9)
    async with world.talking():
        await world.said("no 5")
        await world.all_sent()

    first, rest = world.anna.chat.texts
    assert first.startswith(f"{MARK}\nlong long")
    assert "(2 to 7)" in rest


async def test_an_answer_that_telegram_did_not_take_for_hours_is_not_of_now(world: World) -> None:
    world.operations.records = [record(0.05)]
    async with world.talking():
        await world.all_handled()
        world.telegram.fail("sendMessage", server_error)
        world.anna.says("/status")
        await world.telegram.until(lambda: world.telegram.seen("sendMessage"))
        world.telegram.down()
        world.clock.advance(hours=3)
        world.telegram.up()
        answer = await world.said("Last good backup")

    assert answer.text.startswith("🕰 From 12:00 (3 h ago)\nStack authentik")
    assert "Last good backup: 11:57, 215.0 MB" in answer.text


async def test_an_outcome_of_which_nobody_could_be_told_says_when_it_ended(world: World) -> None:
    world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
    world.clock.advance(30)
    world.operations.end(JobState.FAILED, "no space")
    world.clock.advance(hours=9)
    async with world.talking():
        told = await world.said("Backup failed after 30 s")

    assert told.text.startswith(f"{MARK}\n❌ Backup failed after 30 s")
    assert told.labels


async def test_what_came_late_says_so_as_long_as_it_stands(world: World) -> None:
    world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
    world.operations.end(JobState.FAILED, "no space")
    world.clock.advance(hours=9)
    async with world.talking():
        told = await world.said("Backup failed")
        before = told.text
        world.anna.presses(told, "Try again")
        await world.telegram.until(lambda: "Try again" not in told.labels)
        await world.all_sent()

    assert before.startswith(f"{MARK}\n❌ Backup failed")
    assert told.text == before


@pytest.mark.parametrize(
    ("seconds", "is_marked"), [(LATE.total_seconds(), False), (LATE.total_seconds() + 1, True)]
)
async def test_what_is_hardly_late_stays_as_it_was_written(
    world: World, seconds: float, *, is_marked: bool
) -> None:
    await write(world, Message(key="a", chat=ANNA, text="It crashed at 12:00 (just now)."))
    world.clock.advance(seconds)
    async with world.talking():
        told = await world.said("It crashed")

    late = "🕰 From 12:00 (2 min ago)\nIt crashed at 12:00."
    assert told.text == (late if is_marked else "It crashed at 12:00 (just now).")


async def test_of_another_day_the_mark_has_the_day(world: World) -> None:
    await write(world, Message(key="a", chat=ANNA, text="It ends at 14:00 (in 2 h 0 min)."))
    world.clock.advance(hours=24)
    async with world.talking():
        told = await world.said("It ends")

    assert told.text == "🕰 From 24 Nov 12:00 (24 h ago)\nIt ends at 14:00."


async def test_what_is_told_in_place_of_another_is_as_old_as_that(world: World) -> None:
    world.boris.blocks_bot()
    await write(world, Message(key="b", chat=BORIS, text="It crashed at 12:00 (just now)."))
    world.clock.advance(hours=9)
    async with world.talking():
        told = await world.said("A message for chat 43")

    assert told.text.startswith(f"{MARK}\n⚠️ A message for chat 43")
    assert told.text.endswith("It crashed at 12:00.")


async def test_files_have_it_in_their_captions(world: World) -> None:
    await write(
        world,
        Message(key="d", chat=ANNA, text="A file", document=("x.txt", "x")),
        Message(key="p", chat=ANNA, text="A picture", picture=PNG),
    )
    world.clock.advance(hours=9)
    async with world.talking():
        await world.said("A picture")

    assert world.anna.chat.texts == [f"{MARK}\nA file", f"{MARK}\nA picture"]


async def test_progress_questions_and_edits_have_no_mark(world: World) -> None:
    yes = ((("Yes", "q:x:0"),),)
    looking = "Looking at the backup of 03:30 (8 h ago)"
    await write(world, Message(key="before", chat=ANNA, text="before"))
    async with world.talking():
        await world.said("before")
        await world.all_sent()
    await write(
        world,
        Message(key="question:x", chat=ANNA, text="Sure?", buttons=yes),
        Message(key="progress:x", chat=ANNA, text="Half of it"),
        Message(key="looking:x", chat=ANNA, text=looking),
    )
    await world.outbox.change("before", "before, and changed")
    world.clock.advance(hours=9)
    async with world.talking():
        await world.all_sent()

    assert "🕰" not in "".join(world.anna.chat.texts)
    assert world.anna.chat.texts[0] == "before, and changed"


async def test_the_longest_text_keeps_its_markup_below_the_mark(world: World) -> None:
    await write(world, Message(key="a", chat=ANNA, text=f"<b>{'x' * 3993}</b>"))
    world.clock.advance(hours=24 * 40)
    async with world.talking():
        told = await world.said("xxx")

    assert "(cut)" not in told.text
    assert told.text.startswith("🕰 From 24 Nov 2026 12:00 (40 days ago)\nxxx")
