"""Reports in the chat: by the calendar to admins, and to whoever may look and asks."""

from datetime import timedelta

import pytest

from bot.domain.alarms import Limit
from bot.domain.errors import PortError
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup
from bot.domain.report_facts import Expected
from tests.fakes_charts import PNG
from tests.telegram_chat.samples import MB, record
from tests.telegram_chat.world import NOW, World

OLD = Expected(backup_within=Limit(timedelta(minutes=30)))


@pytest.fixture
def world(world: World) -> World:
    world.operations.records = [record(1), record(25, 200 * MB)]
    return world


def fail(world: World) -> None:
    world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
    world.operations.end(JobState.FAILED, "no space")


async def test_the_report_of_a_week_and_its_picture_come_to_admins_once(world: World) -> None:
    for _ in range(2):  # a restart looks at the newest slot again
        async with world.talking() as chat:
            await chat.reports.week(NOW)
            await chat.reports.week(NOW)
            await world.all_sent()

    for person in (world.anna, world.boris):
        text, picture = person.chat.from_bot
        assert text.text.startswith("📋 The last 7 days, until 12:00\n✅ Nothing needs you.")
        assert picture.file
        assert picture.file.content == PNG
        assert text.silent
        assert picture.silent
    assert not world.olga.chat.from_bot
    assert len(world.reporter.asked) == 1


async def test_a_report_that_needs_somebody_rings_and_says_so_first(world: World) -> None:
    world.reporter.facts = {"expected": OLD}
    async with world.talking() as chat:
        await chat.reports.week(NOW)
        told = await world.said("The last 7 days")

    assert not told.silent
    assert told.text.splitlines()[1].startswith("🆘 There is no good backup since 11:00 (1 h ago)")
    assert 'Run /backup, and "akbot run" for the schedule.' in told.text


async def test_without_an_engine_the_report_comes_without_a_picture(world: World) -> None:
    async with world.talking() as chat:
        world.operations.failure = PortError("Docker is away")
        await chat.reports.week(NOW)
        await world.said("The last 7 days")
        await world.all_sent()

    assert len(world.anna.chat.from_bot) == 1


async def test_one_backup_alone_makes_no_picture(world: World) -> None:
    world.operations.records = [record(1)]
    async with world.talking() as chat:
        await chat.reports.week(NOW)
        await world.said("The last 7 days")
        await world.all_sent()

    assert len(world.anna.chat.from_bot) == 1


async def test_the_line_of_a_day_comes_once_and_rings_only_where_it_was_not_well(
    world: World,
) -> None:
    async with world.talking() as chat:
        await chat.reports.day(NOW, only_trouble=False)
        await chat.reports.day(NOW, only_trouble=False)
        well = await world.said("All is well")
        await world.all_sent()
        world.reporter.facts = {"expected": OLD}
        await chat.reports.day(NOW + timedelta(days=1), only_trouble=False)
        trouble = await world.said("The last day")
        await world.all_sent()

    assert (
        well.text == "✅ All is well: backup 1 h ago, 215.0 MB; login up as far as akbot watched."
    )
    assert well.silent
    assert not trouble.silent
    assert "There is no good backup since" in trouble.text
    assert len(world.anna.chat.from_bot) == 2
    assert world.reporter.asked == [timedelta(days=1)] * 2


async def test_whoever_wishes_hears_of_no_day_that_was_well(world: World) -> None:
    async with world.talking() as chat:
        await chat.reports.day(NOW, only_trouble=True)
        fail(world)
        await world.said("Backup failed")
        await chat.reports.day(NOW, only_trouble=True)
        await world.said("The last day")
        await world.all_sent()

    assert not world.anna.chat.saying("All is well")


async def test_whoever_may_look_may_ask_for_any_number_of_days(world: World) -> None:
    async with world.talking():
        week = await world.asks(world.vera, "/report")
        await world.said("Backup size", world.vera.chat)
        month = await world.asks(world.vera, "/report 30")
        await world.all_sent()

    assert week.text.startswith("📋 The last 7 days")
    assert month.text.startswith("📋 The last 30 days")
    assert world.reporter.asked == [timedelta(days=7), timedelta(days=30)]
    assert world.anna.chat.from_bot == []


@pytest.mark.parametrize("words", ["soon", "0", "91", "-1", "1.5", "³", "7 days", "9" * 5000])
async def test_what_is_no_number_of_days_is_told(world: World, words: str) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, f"/report {words[:4000]}")

    assert "I do not know what" in answer.text
    assert "/report 30 for more, up to 90." in answer.text
    assert world.reporter.asked == []


async def test_a_journal_that_does_not_answer_is_told(world: World) -> None:
    world.reporter.failure = PortError("the journal is locked")
    async with world.talking() as chat:
        answer = await world.asks(world.anna, "/report")
        with pytest.raises(PortError):
            await chat.reports.week(NOW)

    assert "the journal is locked" in answer.text


async def test_foreign_words_in_a_report_are_no_markup(world: World) -> None:
    async with world.talking():
        world.reporter.facts = {"silent": {"<b>nas": "no & <route>"}}
        answer = await world.asks(world.anna, "/report")

    assert 'Store "<b>nas" does not answer: no & <route>.' in answer.text
