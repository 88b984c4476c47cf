"""A journal that another process keeps busy costs nobody a command."""

import pytest

from bot.domain.jobs import JobState
from bot.services.journal_ports import Inbox, Outbox, Questions
from tests.telegram_chat.stumbling import Stumbling
from tests.telegram_chat.test_questions import asking
from tests.telegram_chat.world import ANNA, World


@pytest.fixture
def outbox(world: World) -> Stumbling:
    stumbling: Outbox = (outbox := Stumbling(world.outbox))  # type: ignore[assignment]
    world.outbox = stumbling
    return outbox


@pytest.fixture
def questions(world: World) -> Stumbling:
    stumbling: Questions = (questions := Stumbling(world.questions))  # type: ignore[assignment]
    world.questions = stumbling
    return questions


@pytest.mark.parametrize("method", ["find", "put"])
async def test_a_command_is_tried_again(world: World, outbox: Stumbling, method: str) -> None:
    async with world.talking():
        outbox.times[method] = 2
        world.anna.says("/help")
        world.anna.says("/status")
        await world.eventually(lambda: len(world.anna.chat.from_bot) == 2)
        await world.all_handled()

    assert "I back up" in world.anna.chat.texts[0]
    assert "Stack authentik" in world.anna.chat.texts[1]


@pytest.mark.parametrize("method", ["find", "put"])
async def test_a_backup_runs_once_however_often_it_is_tried(
    world: World, outbox: Stumbling, method: str
) -> None:
    async with world.talking():
        outbox.times[method] = 2
        world.anna.says("/backup x")
        await world.eventually(lambda: world.anna.chat.saying("is running"))
        await world.all_handled()

    assert [command.label for command in world.operations.commands] == ["x"]
    assert len(world.anna.chat.from_bot) == 1


async def test_a_command_that_fails_too_often_is_told_and_holds_up_no_other(
    world: World, outbox: Stumbling, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.talking():
        outbox.about = f":{ANNA}:"
        outbox.times["find"] = 3
        world.anna.says("/backup")
        world.boris.says("/help")
        await world.telegram.until(lambda: world.boris.chat.from_bot)
        assert world.anna.chat.from_bot == []
        await world.eventually(lambda: world.anna.chat.from_bot)
        await world.all_handled()
        await world.all_sent()

    (told,) = world.anna.chat.texts
    assert "That did not work: read the journal: another process" in told
    assert world.operations.commands == []
    assert "an update is given up" in caplog.text


@pytest.mark.parametrize("method", ["find", "answer"])
async def test_a_press_is_tried_again_and_has_its_effect_once(
    world: World, questions: Stumbling, method: str
) -> None:
    async with world.talking() as chat:
        answer = asking(chat)
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        questions.times[method] = 2
        world.anna.presses(world.anna.chat.last, "Yes")
        await world.eventually(lambda: not world.anna.chat.last.labels)
        assert await answer == "Yes"

    assert "Anna chose: Yes" in world.anna.chat.last.text


async def test_a_press_that_fails_too_often_is_told(world: World, outbox: Stumbling) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup x")
        world.operations.end(JobState.FAILED, "no space")
        await world.eventually(lambda: world.anna.chat.last.labels)
        await world.all_sent()
        outbox.times["find"] = 3
        world.anna.presses(world.anna.chat.last, "Try again")
        await world.eventually(lambda: world.anna.chat.saying("That did not work"))
        await world.all_handled()


async def test_an_update_that_was_handled_is_not_handled_again_for_a_busy_journal(
    world: World,
) -> None:
    inbox = Stumbling(world.inbox)
    stumbling: Inbox = inbox  # type: ignore[assignment]
    world.inbox = stumbling
    async with world.talking():
        inbox.times["handled"] = 2
        world.anna.says("/backup")
        await world.eventually(lambda: not inbox.times["handled"])
        await world.all_handled(passing=1)

    assert len(world.operations.commands) == 1
    assert len(world.anna.chat.from_bot) == 1
