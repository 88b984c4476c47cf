"""The question of the gate: all holds inside, only the public URL fails."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.errors import PortError
from bot.domain.jobs import Trigger
from bot.domain.messages import RunUpdate
from bot.domain.update_gate import Judgement, Verdict
from bot.entrypoints.telegram.chat import Chat
from tests.telegram_chat.stumbling import Stumbling
from tests.telegram_chat.world import ANNA, LONG_ENOUGH, NOW, World

REASON = "all holds inside, only https://auth.example.org answers 502: look there"
JUDGED = Judgement(Verdict.ASK, REASON, ("<upstream> said 502",))
IN_CHAT = RunUpdate(
    trigger=Trigger.CHAT, actor="Anna (42)", origin=f"telegram:4242:{ANNA}:0:7", tag="2025.4.4"
)
ELSEWHERE = RunUpdate(trigger=Trigger.SCHEDULE, actor="schedule", tag="2025.4.4")


UNTIL = NOW + timedelta(minutes=10)


def asking(chat: Chat, command: RunUpdate = IN_CHAT) -> "asyncio.Task[bool | None]":
    async def ask() -> bool | None:
        return await chat.ask_whoever_began(command)(JUDGED, UNTIL)

    return asyncio.create_task(ask())


@pytest.mark.parametrize(("label", "stays"), [("Keep it", True), ("Roll back", False)])
async def test_whoever_asked_for_the_update_decides(
    world: World, label: str, *, stays: bool
) -> None:
    async with world.talking() as chat:
        answer = asking(chat)
        asked = await world.said("2025.4.4 is up: keep it?")
        assert asked.labels == ["Keep it", "Roll back"]
        assert "only https://auth.example.org answers 502" in asked.text
        assert "<upstream> said 502" in asked.text
        assert "Without an answer until 12:10 (in 10 min 0 s) it is rolled back" in asked.text
        assert not asked.silent
        assert not world.boris.chat.from_bot
        world.anna.presses(asked, label)

        assert await answer is stays
        await world.telegram.until(lambda: f"Anna chose: {label}" in asked.text)


async def test_in_a_group_only_that_person_decides(world: World) -> None:
    group = world.telegram.supergroup()
    command = RunUpdate(
        trigger=Trigger.CHAT, actor="Anna (42)", origin=f"telegram:4242:{group.id}:0:7"
    )
    async with world.talking() as chat:
        answer = asking(chat, command)
        asked = await world.said("The new version is up: keep it?", group)
        query = world.boris.presses(asked, "Roll back")
        await world.telegram.until(lambda: world.telegram.queries[query].notice)
        assert not answer.done()
        world.anna.presses(asked, "Keep it")

        assert await answer is True


@pytest.mark.parametrize(("label", "stays"), [("Keep it", True), ("Roll back", False)])
async def test_begun_elsewhere_the_first_answer_of_anybody_counts(
    world: World, label: str, *, stays: bool
) -> None:
    async with world.talking() as chat:
        answer = asking(chat, ELSEWHERE)
        annas = await world.said("keep it?")
        boriss = await world.said("keep it?", world.boris.chat)
        world.boris.presses(boriss, label)

        assert await answer is stays
        await world.telegram.until(lambda: "This question is closed" in annas.text)
        assert not annas.labels


async def test_without_an_answer_it_is_rolled_back(world: World) -> None:
    async with world.talking() as chat:
        answer = asking(chat)
        asked = await world.said("keep it?")
        await world.all_sent()
        world.clock.advance(500)
        await asyncio.sleep(0.01)
        assert not answer.done()
        await world.eventually(answer.done, seconds=60)

        assert await answer is False
        await world.telegram.until(lambda: "Nobody answered in time" in asked.text)
        assert not asked.labels


async def test_while_the_chat_is_away_it_is_rolled_back_at_the_end_of_the_time(
    world: World,
) -> None:
    chat = world.chat()  # it does not run: nothing is sent
    answer = asking(chat)
    async with asyncio.timeout(LONG_ENOUGH):
        while not await world.outbox.waiting():  # noqa: ASYNC110 - a journal has no events
            await asyncio.sleep(0.01)
    await world.eventually(answer.done, seconds=60)

    assert await answer is False
    async with world.talking():
        late = await world.said("Nobody answered in time")
    assert not late.labels


async def test_a_journal_that_does_not_answer_rolls_back(world: World) -> None:
    stumbling = Stumbling(world.questions, PortError("write the journal: no space left"))
    stumbling.times["ask"] = 1
    world.questions = stumbling  # type: ignore[assignment]
    async with world.talking() as chat:
        assert await asking(chat) is False


async def test_where_there_is_nobody_that_is_said_at_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.allowed = frozenset()
    async with world.talking() as chat:
        assert await asking(chat, ELSEWHERE) is None

    assert "nobody can be asked" in caplog.text


async def test_a_job_that_is_stopped_takes_its_question_away(world: World) -> None:
    async with world.talking() as chat:
        answer = asking(chat)
        asked = await world.said("keep it?")
        await world.all_sent()
        answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answer
        await world.telegram.until(lambda: "This question is closed" in asked.text)


async def test_after_a_restart_it_is_closed_and_says_why(world: World) -> None:
    async with world.talking() as chat:
        answer = asking(chat)
        asked = await world.said("keep it?")
        await world.all_sent()
    async with world.talking():
        await world.telegram.until(lambda: "I was restarted while this question" in asked.text)
        assert not asked.labels
    assert not answer.done()
    answer.cancel()


async def test_after_a_restart_it_is_put_once_more_for_what_is_left(world: World) -> None:
    async with world.talking() as chat:
        of_the_killed = asking(chat)
        first = await world.said("keep it?")
        await world.all_sent()
    world.clock.advance(400)
    minutes, seconds = divmod(round((UNTIL - world.clock.now()).total_seconds()), 60)
    async with world.talking() as chat:
        answer = asking(chat)
        await world.telegram.until(lambda: "I ask once more" in first.text)
        await world.telegram.until(lambda: world.anna.chat.from_bot[-1].labels)
        second = world.anna.chat.from_bot[-1]
        left = f"in {minutes} min {seconds} s"
        assert f"Without an answer until 12:10 ({left}) it is rolled back" in second.text
        await world.all_sent()
        world.clock.advance(150)
        await asyncio.sleep(0.01)
        assert not answer.done()
        world.clock.advance(60)
        await world.telegram.until(answer.done)

        assert await answer is False
        await world.telegram.until(lambda: "Nobody answered in time" in second.text)
    of_the_killed.cancel()


async def test_the_answer_to_the_second_one_counts(world: World) -> None:
    async with world.talking() as chat:
        of_the_killed = asking(chat)
        first = await world.said("keep it?")
        await world.all_sent()
    world.anna.presses(first, "Roll back")  # while the bot is away
    async with world.talking() as chat:
        answer = asking(chat)
        await world.telegram.until(lambda: not first.labels)
        await world.telegram.until(lambda: world.anna.chat.from_bot[-1].labels)
        world.anna.presses(world.anna.chat.from_bot[-1], "Keep it")

        assert await answer is True
    of_the_killed.cancel()


async def test_a_question_of_this_process_is_left_alone(world: World) -> None:
    async with world.talking() as chat:
        answer = asking(chat)
        asked = await world.said("keep it?")
        await chat._desk.close_left("closed")
        world.anna.presses(asked, "Keep it")

        assert await answer is True
