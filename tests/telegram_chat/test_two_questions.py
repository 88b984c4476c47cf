"""Two questions of one person at once: a word is for the one that it replies to, or for none."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from bot.domain.jobs import JobState
from bot.domain.messages import RunRestore, RunRollback
from tests.bot_api.chats import Chat, Message
from tests.telegram_chat.restores import NEWEST, OLDER, UNDO, WORD
from tests.telegram_chat.rolls import SWAPS, make_rollback
from tests.telegram_chat.samples import make_preview
from tests.telegram_chat.stumbling import Stumbling
from tests.telegram_chat.world import World

TOPIC = 7000
SEVERAL = "more than one question of yours stands for that word"
NOT_THERE = "the message that you replied to is no open question of yours"


@dataclass(frozen=True)
class Deed:
    """What *command* leads to, once *word* is typed; *finds* lets the bot find what it does."""

    command: str
    word: str
    finds: Callable[[World], None]
    is_done_by: Callable[[Any], bool]

    async def question(self, world: World, chat: Chat, thread: int | None) -> Message:
        self.finds(world)
        said = len(chat.from_bot)

        def new(part: str) -> Message | None:
            return next((each for each in chat.from_bot[said:] if part in each.text), None)

        world.anna.says(self.command, chat, thread=thread)
        if self.word == WORD:
            plan = await world.telegram.until(lambda: new("Go on?"))
            world.anna.presses(plan, "Go on")
        part = "Last question" if self.word == WORD else "Take the update to"
        asked = await world.telegram.until(lambda: new(part))
        await quiet(world)
        world.clock.advance(5)
        return asked


def restore_finds(world: World, preview: Any) -> None:
    world.operations.records = [NEWEST, OLDER]
    world.operations.preview = preview


def rollback_finds(world: World, written: int) -> None:
    world.rolls.rollback = make_rollback(change=SWAPS, written=written)


def restore(backup: str) -> Deed:
    return Deed(
        f"/restore {backup}",
        WORD,
        partial(restore_finds, preview=make_preview()),
        lambda begun: isinstance(begun, RunRestore) and begun.backup == backup,
    )


def rollback(written: int) -> Deed:
    agreed = make_rollback(change=SWAPS, written=written).plan_hash
    return Deed(
        "/rollback",
        "rollback",
        partial(rollback_finds, written=written),
        lambda begun: isinstance(begun, RunRollback) and begun.agreed == agreed,
    )


TAKE_BACK = Deed(
    "/restore undo",
    WORD,
    partial(restore_finds, preview=UNDO),
    lambda begun: isinstance(begun, RunRestore) and begun.undo,
)
PAIRS = {
    "restore, restore": (restore(NEWEST.id), restore(OLDER.id)),
    "restore, undo": (restore(NEWEST.id), TAKE_BACK),
    "undo, restore": (TAKE_BACK, restore(OLDER.id)),
    "rollback, rollback": (rollback(12), rollback(1204)),
    "restore, rollback": (restore(NEWEST.id), rollback(12)),
    "rollback, restore": (rollback(12), restore(NEWEST.id)),
}
OF_ONE_WORD = [PAIRS[name] for name in list(PAIRS)[:4]]

Pair = tuple[Deed, Deed]


@dataclass(frozen=True)
class Place:
    chat: Chat
    thread: int | None = None


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest) -> Pair:
    return PAIRS[request.param]


@pytest.fixture(params=["private", "group", "topic"])
def place(request: pytest.FixtureRequest, world: World) -> Place:
    if request.param == "private":
        return Place(world.anna.chat)
    if request.param == "group":
        return Place(world.telegram.supergroup())
    return Place(world.telegram.supergroup(topics={TOPIC: "Ops"}), TOPIC)


@pytest.fixture
def group(world: World) -> Place:
    return Place(world.telegram.supergroup())


async def quiet(world: World) -> None:
    await world.all_handled()
    await world.all_sent()


async def both(world: World, pair: Pair, place: Place) -> list[Message]:
    return [await deed.question(world, place.chat, place.thread) for deed in pair]


async def types(world: World, word: str, place: Place, reply_to: Message | None = None) -> None:
    world.anna.says(word, place.chat, thread=place.thread, reply_to=reply_to)
    await quiet(world)


@pytest.mark.parametrize("which", [0, 1], ids=["older", "newer"])
async def test_a_reply_is_for_what_it_replies_to(
    world: World, pair: Pair, place: Place, which: int
) -> None:
    async with world.talking():
        asked = await both(world, pair, place)
        await types(world, pair[which].word, place, asked[which])

    [begun] = world.operations.starts
    assert pair[which].is_done_by(begun)


@pytest.mark.parametrize("which", [0, 1], ids=["older", "newer"])
async def test_a_reply_after_a_restart(world: World, pair: Pair, group: Place, which: int) -> None:
    async with world.talking():
        asked = await both(world, pair, group)
    async with world.talking():
        await quiet(world)
        await types(world, pair[which].word, group, asked[which])

    [begun] = world.operations.starts
    assert pair[which].is_done_by(begun)


@pytest.mark.parametrize("pair", OF_ONE_WORD, ids=list(PAIRS)[:4])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_word_by_itself_that_may_mean_either(
    world: World, pair: Pair, place: Place, *, restart: bool
) -> None:
    async with world.talking():
        asked = await both(world, pair, place)
        if not restart:
            await types(world, pair[0].word, place)
    if restart:
        async with world.talking():
            await quiet(world)
            await types(world, pair[0].word, place)

    assert world.operations.starts == []
    assert all(each.labels for each in asked), "both stand"
    answer = place.chat.last
    assert SEVERAL in answer.text
    assert answer.thread == place.thread


@pytest.mark.parametrize("which", [0, 1], ids=["older", "newer"])
@pytest.mark.parametrize("name", list(PAIRS)[4:])
async def test_a_word_by_itself_that_means_one(
    world: World, name: str, place: Place, which: int
) -> None:
    pair = PAIRS[name]
    async with world.talking():
        await both(world, pair, place)
        await types(world, pair[which].word, place)

    [begun] = world.operations.starts
    assert pair[which].is_done_by(begun)


@pytest.mark.parametrize("which", [0, 1], ids=["older", "newer"])
@pytest.mark.parametrize("pair", OF_ONE_WORD, ids=list(PAIRS)[:4])
async def test_a_no_to_one_leaves_a_word_for_the_other(
    world: World, pair: Pair, group: Place, which: int
) -> None:
    async with world.talking():
        asked = await both(world, pair, group)
        declined = asked[1 - which]
        world.anna.presses(declined, declined.labels[0])
        await quiet(world)
        await types(world, pair[which].word, group)

    [begun] = world.operations.starts
    assert pair[which].is_done_by(begun)


@pytest.mark.parametrize("restart", [False, True])
async def test_a_reply_to_another_persons_message(
    world: World, pair: Pair, group: Place, *, restart: bool
) -> None:
    async with world.talking():
        other = world.boris.says("what was that word?", group.chat)
        asked = await both(world, pair, group)
        if not restart:
            await types(world, pair[0].word, group, other)
    if restart:
        async with world.talking():
            await quiet(world)
            await types(world, pair[0].word, group, other)

    assert world.operations.starts == []
    assert all(each.labels for each in asked), "both stand"
    assert NOT_THERE in group.chat.last.text


async def test_a_reply_to_the_plan(world: World, group: Place) -> None:
    """Which is the question before the last one, and asks for no word."""
    async with world.talking():
        await restore(NEWEST.id).question(world, group.chat, None)
        plan = group.chat.saying("Restore the backup of")
        await types(world, WORD, group, plan)

    assert world.operations.starts == []
    assert NOT_THERE in group.chat.last.text


async def test_a_reply_to_another_persons_question(world: World, group: Place) -> None:
    async with world.talking():
        [older, _] = await both(world, PAIRS["restore, restore"], group)
        world.boris.says(WORD, group.chat, reply_to=older)
        await quiet(world)

    assert world.operations.starts == []
    assert group.chat.last.text == "This question is for somebody else."


async def test_a_reply_to_each(world: World, pair: Pair, group: Place) -> None:
    """One action at a time; the other is told that something runs."""
    async with world.talking():
        asked = await both(world, pair, group)
        for deed, question in zip(pair, asked, strict=True):
            await types(world, deed.word, group, question)

    [begun] = world.operations.commands
    assert pair[0].is_done_by(begun)


@pytest.mark.parametrize("pair", OF_ONE_WORD, ids=list(PAIRS)[:4])
async def test_a_word_said_again_is_not_for_the_older_one(
    world: World, pair: Pair, group: Place
) -> None:
    async with world.talking():
        _, newer = await both(world, pair, group)
        await types(world, pair[1].word, group, newer)
        world.operations.end(JobState.DONE, "it serves")
        await types(world, pair[1].word, group)
        assert SEVERAL in group.chat.last.text
        await types(world, pair[1].word, group, newer)

    assert len(world.operations.starts) == 1
    assert group.chat.last.text == f"This question has been answered: {pair[1].word}."


@pytest.mark.parametrize(("wait", "begins"), [(110, False), (121, True)])
async def test_an_older_one_that_looks_open_still(
    world: World, group: Place, wait: float, *, begins: bool
) -> None:
    """It had or had not expired when the newer one was put; when the word came it had."""
    older, newer = PAIRS["restore, restore"]
    async with world.talking():
        await older.question(world, group.chat, None)
        world.clock.advance(wait - 5)
        await newer.question(world, group.chat, None)
        world.clock.advance(15)
        await types(world, WORD, group)

    assert [newer.is_done_by(each) for each in world.operations.starts] == [True] * begins
    assert bool(group.chat.saying(SEVERAL)) is not begins


async def test_a_reply_to_one_that_has_expired(world: World, group: Place) -> None:
    older, newer = PAIRS["restore, restore"]
    async with world.talking():
        expired = await older.question(world, group.chat, None)
        world.clock.advance(110)
        stands = await newer.question(world, group.chat, None)
        world.clock.advance(10)
        await types(world, WORD, group, expired)
        answer = await world.said("Ask anew", group.chat)
        await quiet(world)

    assert world.operations.starts == []
    assert "Nothing was done" in answer.text
    assert not expired.labels
    assert stands.labels


async def test_a_reply_to_a_message_of_another_chat(world: World, group: Place) -> None:
    """It is no word by itself, although no message of this chat is replied to."""
    async with world.talking():
        asked = await restore(NEWEST.id).question(world, group.chat, None)
        origin = {"type": "user", "date": 0, "sender_user": world.boris.json()}
        word = {
            **world.anna.says("what was it?", group.chat).json(),
            "text": WORD,
            "external_reply": {"origin": origin},
        }
        world.telegram.updates.add("message", word)
        await quiet(world)

    assert world.operations.starts == []
    assert asked.labels
    assert NOT_THERE in group.chat.last.text


async def test_people_may_say_the_word_to_each_other(world: World, group: Place) -> None:
    """As long as nobody is asked for it; a reply to the bot is answered."""
    async with world.talking():
        helped = await world.asks(world.anna, "/help", group.chat)
        other = world.boris.says("what was that word?", group.chat)
        await types(world, WORD, group, other)
        assert group.chat.last is helped
        await types(world, WORD, group, helped)

    assert NOT_THERE in group.chat.last.text
    assert world.operations.starts == []


async def test_a_reply_that_is_handled_twice_is_answered_once(world: World, group: Place) -> None:
    """The journal stumbles once the answer is written, so that the word is handled again."""
    outbox = world.outbox = Stumbling(world.outbox)  # type: ignore[assignment]
    pair = PAIRS["restore, restore"]
    async with world.talking():
        older, _ = await both(world, pair, group)
        outbox.about, outbox.times["change"] = "question:", 1
        world.anna.says(WORD, group.chat, reply_to=older)
        await world.telegram.until(lambda: not outbox.times["change"])
        await quiet(world)

    [begun] = world.operations.commands
    assert pair[0].is_done_by(begun)
    assert not group.chat.saying("has been answered")
