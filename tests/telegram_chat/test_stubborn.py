"""What Telegram never takes goes otherwise or is given up; the rest of its chat goes on."""

import asyncio
from collections.abc import Callable

import pytest

from bot.services.journal_ports import Message
from tests.bot_api.chats import Chat
from tests.bot_api.errors import ApiError, bad_request
from tests.bot_api.faults import EVERY, Fault, dropped, server_error
from tests.bot_api.request import Answer, Request
from tests.bot_api.responses import failed
from tests.fakes_charts import PNG
from tests.telegram_chat.world import ANNA, BORIS, World

ALWAYS = 99_999
DOCS_FORBIDDEN = "not enough rights to send documents to the chat"
LINES = [f"2026-11-24T11:00:00.000000000Z line {number} " + "<x>&" * 25 for number in range(100)]
POISON = "poison"


def too_large(_: Request, __: Callable[[], Answer]) -> Answer:
    """Refuse as nginx does before an own Bot API: not even in JSON."""
    return Answer(413, b"<html><title>413 Request Entity Too Large</title></html>", "text/html")


def no_documents(_: Request, __: Callable[[], Answer]) -> Answer:
    return failed(bad_request(DOCS_FORBIDDEN))


def poisoned(request: Request, perform: Callable[[], Answer]) -> Answer:
    """Fail for one text alone."""
    is_meant = POISON in request.text("text")
    return failed(ApiError(500, "Internal Server Error")) if is_meant else perform()


async def write(world: World, *messages: Message) -> None:
    for message in messages:
        assert await world.outbox.put(message, world.clock.now())


def text(words: str, chat: int = ANNA) -> Message:
    return Message(key=f"{chat} {words}", chat=chat, text=words)


def document(chat: int = ANNA) -> Message:
    content = "\n".join(LINES)
    return Message(key="d", chat=chat, text="The <b>log</b>", document=("worker.log", content))


def is_end_of_lines(message: str) -> bool:
    return LINES[-1] in message and LINES[0] not in message


@pytest.mark.parametrize("fault", [too_large, server_error, dropped, no_documents])
async def test_a_document_that_never_goes_comes_as_the_end_of_its_text(
    world: World, fault: Fault
) -> None:
    world.telegram.fail("sendDocument", fault, times=ALWAYS)
    await write(world, document(), text("behind it"))
    async with world.talking():
        await world.said("behind it")
        await world.all_sent()

    [told] = [each for each in world.anna.chat.from_bot if each.file is None and "log" in each.text]
    assert told.text.startswith("The log\n")
    assert "worker.log cannot be sent as a file here. Its end:" in told.text
    assert is_end_of_lines(told.text)


async def test_a_short_document_comes_whole_in_words(world: World) -> None:
    world.telegram.fail("sendDocument", too_large, times=ALWAYS)
    short = Message(key="d", chat=ANNA, text="The log", document=("worker.log", "a < b\nc\n"))
    await write(world, short)
    async with world.talking():
        told = await world.said("The log")

    assert told.text == "The log\n\nworker.log cannot be sent as a file here. All of it:\na < b\nc"


async def test_of_a_last_line_longer_than_a_message_comes_what_fits(world: World) -> None:
    world.telegram.fail("sendDocument", too_large, times=ALWAYS)
    await write(
        world, Message(key="d", chat=ANNA, text="It", document=("x", "first\n" + "&" * 9000))
    )
    async with world.talking():
        told = await world.said("Its end:")

    assert told.text.count("&") > 500


@pytest.mark.parametrize("fault", [too_large, server_error])
async def test_a_picture_that_never_goes_comes_as_its_caption(world: World, fault: Fault) -> None:
    world.telegram.fail("sendPhoto", fault, times=ALWAYS)
    await write(world, Message(key="p", chat=ANNA, text="A caption", picture=PNG), text("behind"))
    async with world.talking():
        await world.said("behind")
        await world.all_sent()

    assert [bool(each.file) for each in world.anna.chat.from_bot] == [False, False]
    assert world.anna.chat.texts[0].startswith("A caption")


async def test_a_log_in_a_group_without_documents_is_answered_there(world: World) -> None:
    group = world.telegram.supergroup()
    world.lookout.lines = LINES
    world.telegram.fail("sendDocument", no_documents, times=ALWAYS, chat=group.id)
    async with world.talking():
        answer = await world.asks(world.olga, "/logs worker 100", group)
        await world.all_sent()

    assert is_end_of_lines(answer.text)
    assert world.anna.chat.from_bot == []


async def passes(world: World, minutes: int, until: Callable[[], object]) -> None:
    """Let time pass in small steps, so that all that waits is tried."""
    for _ in range(minutes * 12):
        if until():
            return
        world.clock.advance(5)
        await asyncio.sleep(0.01)


async def test_a_text_that_never_goes_delays_no_other_and_is_told_elsewhere_at_last(
    world: World,
) -> None:
    world.telegram.fail("sendMessage", poisoned, times=ALWAYS, chat=ANNA)
    await write(world, text(POISON))
    async with world.talking():
        for number in range(6):
            await write(world, text(f"no {number}"))
            await world.said(f"no {number}")
            await passes(world, 3, world.boris.chat.texts.copy)
        told = await world.said("A message for chat 42", world.boris.chat)
        await world.all_sent()

    assert "Telegram answers 500" in told.text
    assert told.text.endswith(POISON)
    assert len(world.telegram.seen("sendMessage")) < 60


async def test_one_of_many_that_come_merged_takes_none_of_them_along(world: World) -> None:
    poison = "b&lt;ad"

    def fails(request: Request, perform: Callable[[], Answer]) -> Answer:
        is_meant = poison in request.text("text")
        return failed(ApiError(500, "Internal Server Error")) if is_meant else perform()

    world.telegram.fail("sendMessage", fails, times=ALWAYS, chat=ANNA)
    await write(world, *(text(poison if number == 3 else f"no {number}") for number in range(8)))
    world.clock.advance(hours=3)
    async with world.talking():
        for number in (0, 1, 2, 4, 5, 6, 7):
            await world.eventually(lambda each=number: world.anna.chat.saying(f"no {each}"))  # type: ignore[misc]


@pytest.mark.parametrize("method", [EVERY, "send"])
async def test_while_telegram_fails_altogether_nothing_is_lost_and_all_comes_in_order(
    world: World, method: str
) -> None:
    """Once with every request, once with all that say something: an outage of a part."""
    sends = ("sendMessage", "sendDocument", "sendPhoto")
    methods = [EVERY] if method == EVERY else sends
    is_away = True

    def away(request: Request, perform: Callable[[], Answer]) -> Answer:
        return server_error(request, perform) if is_away else perform()

    await write(world, text("first"), document(), text("second"), text("third"))
    await write(world, Message(key="p", chat=ANNA, text="A caption", picture=PNG))
    await write(world, text("for boris", BORIS))
    for each in methods:
        world.telegram.fail(each, away, times=ALWAYS)
    async with world.talking(listening=False):
        await passes(world, 120, lambda: False)
        await nothing_is_under_way(world)
        is_away = False
        await world.eventually(lambda: _names(world.anna.chat) >= {"worker.log", "picture.png"})
        await world.said("third")
        await world.said("for boris", world.boris.chat)
        await world.all_sent()

    told = "\n".join(world.anna.chat.texts)
    assert all(words in told for words in ("first", "The log", "second", "third", "A caption"))
    assert "could not be delivered" not in "\n".join(world.boris.chat.texts)
    assert "cannot be sent as a file" not in told
    if method == EVERY:
        order = [told.index(words) for words in ("first", "The log", "second", "third")]
        assert order == sorted(order)


async def test_what_comes_merged_stays_so_over_an_outage_with_answers(world: World) -> None:
    is_away = True

    def away(request: Request, perform: Callable[[], Answer]) -> Answer:
        return server_error(request, perform) if is_away else perform()

    world.telegram.fail(EVERY, away, times=ALWAYS)
    await write(world, *(text(f"no {number}") for number in range(8)))
    world.clock.advance(hours=3)
    async with world.talking(listening=False):
        await passes(world, 20, lambda: False)
        await nothing_is_under_way(world)
        is_away = False
        await world.said("no 7")
        await world.all_sent()

    assert len(world.telegram.seen("sendMessage")) > 6
    assert len(world.anna.chat.from_bot) == 1


async def nothing_is_under_way(world: World) -> None:
    """Wait until all that is asked now has been answered: what is tried next waits for time."""
    quiet, seen = 0, 0
    while quiet < 30:
        await asyncio.sleep(0.01)
        quiet = quiet + 1 if len(world.telegram.requests) == seen else 0
        seen = len(world.telegram.requests)


def _names(chat: Chat) -> set[str]:
    return {each.file.name for each in chat.from_bot if each.file}
