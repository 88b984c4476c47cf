"""A group that has become a supergroup has another number: what waits for it goes there."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.services.journal_ports import QUESTION_KEY, Message, Question, Queued
from tests.contracts.state_places import NOW

OLD, NEW, OTHER = -5, -1_005, -6
BUTTONS = ((("Yes", "q:q1:0"),),)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(StateFolder(tmp_path / "state"))
    yield journal
    await journal.close()


def question(name: str, chat: int = OLD) -> Question:
    return Question(
        id=name,
        plan_hash="abc",
        person=7,
        chat=chat,
        expires=NOW + timedelta(minutes=2),
        choices=("Yes",),
        word="rollback",
    )


async def put(journal: Journal, key: str, chat: int = OLD, *, sent: int = 0) -> None:
    buttons = BUTTONS if key.startswith(QUESTION_KEY) else ()
    message = Message(key=key, chat=chat, text=key, buttons=buttons)
    assert await journal.outbox.put(message, NOW)
    if sent:
        await journal.outbox.sent((await found(journal, key)).number, sent, message)


async def found(journal: Journal, key: str) -> Queued:
    queued = await journal.outbox.find(key)
    assert queued
    return queued


async def waiting(journal: Journal) -> list[tuple[str, int]]:
    return [(each.message.key, each.message.chat) for each in await journal.outbox.waiting()]


async def test_what_is_still_to_be_sent_goes_to_the_new_number(journal: Journal) -> None:
    await put(journal, "sent", sent=17)
    await put(journal, "unsent")
    await put(journal, "elsewhere", OTHER)
    await put(journal, "edited", sent=18)
    await journal.outbox.change("edited", "new words")

    await journal.moves.follow(OLD, NEW)
    await put(journal, "later")

    assert await waiting(journal) == [("unsent", NEW), ("elsewhere", OTHER), ("later", NEW)]
    assert (await found(journal, "sent")).message.chat == OLD, "there it stands"


async def test_nothing_is_edited_any_more_where_the_group_was(journal: Journal) -> None:
    await put(journal, "sent", sent=17)
    await journal.moves.follow(OLD, NEW)

    await journal.outbox.change("sent", "new words")

    assert (await found(journal, "sent")).message.text == "new words"
    assert await waiting(journal) == []


async def test_open_questions_are_put_anew_and_answered_ones_are_not(journal: Journal) -> None:
    for name in ("q1", "q2.3", "answered"):
        await journal.questions.ask(question(name))
        await put(journal, QUESTION_KEY + name.partition(".")[0], sent=17)
    await journal.questions.answer("answered", "Yes")

    await journal.moves.follow(OLD, NEW)

    assert await waiting(journal) == [(f"{QUESTION_KEY}q1", NEW), (f"{QUESTION_KEY}q2", NEW)]
    assert await journal.questions.find("q1") == (question("q1", NEW), "")
    assert await journal.questions.worded("rollback", 7, NEW)
    assert await journal.questions.worded("rollback", 7, OLD) == []


async def test_a_question_that_comes_too_late_for_the_old_number(journal: Journal) -> None:
    await journal.moves.follow(OLD, NEW)

    await journal.questions.ask(question("q1"))

    assert await journal.questions.find("q1") == (question("q1", NEW), "")


async def test_a_move_that_is_told_again_changes_nothing(journal: Journal, tmp_path: Path) -> None:
    await journal.questions.ask(question("q1"))
    await put(journal, f"{QUESTION_KEY}q1", sent=17)
    await journal.moves.follow(OLD, NEW)
    queued = await found(journal, f"{QUESTION_KEY}q1")
    await journal.outbox.sent(queued.number, 3, queued.message)

    await journal.moves.follow(OLD, NEW)

    assert await waiting(journal) == []
    assert await journal.moves.known() == {OLD: NEW}
    another = Journal(StateFolder(tmp_path / "state"))
    assert await another.moves.known() == {OLD: NEW}
    await another.close()
