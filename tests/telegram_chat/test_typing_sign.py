"""Who waits for an answer sees that it is on its way, and who gets none sees nothing."""

import asyncio

import pytest

from bot.domain.roles import ChatPlace
from bot.entrypoints.telegram.typing_sign import AGAIN_AFTER, FIRST_AFTER
from bot.services.journal_ports import Message
from tests.bot_api import faults
from tests.bot_api.request import Request
from tests.telegram_chat.restores import NEWEST
from tests.telegram_chat.world import LONG_ENOUGH, World

OPS = 7


def signs(world: World) -> list[Request]:
    return world.telegram.seen("sendChatAction")


async def passes(world: World, seconds: float) -> None:
    """Let time pass once somebody waits for so long, to the moment."""
    async with asyncio.timeout(LONG_ENOUGH):
        while not world.clock.is_awaited(seconds):  # noqa: ASYNC110 - a clock has no events
            await asyncio.sleep(0.005)
    world.clock.advance(seconds)


@pytest.fixture
def listing(world: World) -> asyncio.Event:
    """The store is silent until it is set."""
    world.operations.listing = asyncio.Event()
    return world.operations.listing


async def test_a_sign_is_there_before_the_look_ends_and_stops_with_it(
    world: World, listing: asyncio.Event
) -> None:
    async with world.talking():
        world.anna.says("/status")
        await passes(world, FIRST_AFTER)
        await world.telegram.until(lambda: signs(world))
        await passes(world, AGAIN_AFTER)
        await world.telegram.until(lambda: len(signs(world)) == 2)
        assert world.anna.chat.from_bot == []
        listing.set()
        await world.telegram.until(lambda: world.anna.chat.saying("Stack authentik"))
        world.clock.advance(AGAIN_AFTER)
        await world.asks(world.boris, "/help")

    assert [(each.number("chat_id"), each.text("action")) for each in signs(world)] == [
        (world.anna.id, "typing")
    ] * 2


async def test_it_is_shown_in_the_topic(world: World, listing: asyncio.Event) -> None:
    group = world.telegram.supergroup(topics={OPS: "Ops"})
    world.groups = frozenset({ChatPlace(group.id)})
    async with world.talking():
        world.anna.says("/backups", group, thread=OPS)
        await passes(world, FIRST_AFTER)
        await world.telegram.until(lambda: signs(world))
        listing.set()
        await world.telegram.until(lambda: group.saying("There is no backup yet"))

    [sign] = signs(world)
    assert (sign.number("chat_id"), sign.number("message_thread_id")) == (group.id, OPS)
    assert sign.answer
    assert sign.answer.status == 200


async def test_a_press_that_looks_shows_it(world: World) -> None:
    world.operations.records = [NEWEST]
    async with world.talking():
        page = await world.asks(world.anna, "/backups")
        listing = world.operations.listing = asyncio.Event()
        world.anna.presses(page, page.labels[0])
        await passes(world, FIRST_AFTER)
        await world.telegram.until(lambda: signs(world))
        assert len(page.versions) == 1
        listing.set()
        await world.telegram.until(lambda: len(page.versions) == 2)


async def test_what_is_answered_at_once_shows_none(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/status")
        world.clock.advance(FIRST_AFTER)
        await world.asks(world.anna, "/help")
        world.clock.advance(FIRST_AFTER)
        await world.asks(world.boris, "/help")

    assert signs(world) == []


async def test_strangers_and_refused_see_none_however_long_it_takes(world: World) -> None:
    outbox = SlowOutbox(world.outbox, world.vera.id)
    world.outbox = outbox  # type: ignore[assignment]
    async with world.talking():
        world.stranger.says("/status")
        world.vera.says("/restore")
        await asyncio.wait_for(outbox.is_asked.wait(), LONG_ENOUGH)
        world.clock.advance(FIRST_AFTER)
        await world.asks(world.boris, "/help")
        outbox.go_on.set()
        await world.telegram.until(lambda: world.vera.chat.saying("/restore is for admins"))

    assert signs(world) == []
    assert world.stranger.chat.from_bot == []


class SlowOutbox:
    """Does what *inner* does, but takes nothing for *chat* before *go_on* is set."""

    def __init__(self, inner: object, chat: int) -> None:
        self._inner, self._chat = inner, chat
        self.is_asked, self.go_on = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def put(self, message: Message, *args: object) -> object:
        if message.chat == self._chat:
            self.is_asked.set()
            await self.go_on.wait()
        return await self._inner.put(message, *args)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "fault",
    [faults.too_many(30), faults.server_error, faults.dropped, faults.unauthorized],
    ids=["too many", "server error", "dropped", "unauthorized"],
)
async def test_one_that_fails_does_no_harm(
    world: World, listing: asyncio.Event, fault: faults.Fault
) -> None:
    world.telegram.fail("sendChatAction", fault, times=9)
    async with world.talking():
        world.anna.says("/status")
        await passes(world, FIRST_AFTER)
        await passes(world, AGAIN_AFTER)  # which comes after the first one's end
        listing.set()
        await world.telegram.until(lambda: world.anna.chat.saying("Stack authentik"))


async def test_one_that_hangs_does_not_hold_the_answer(
    world: World, listing: asyncio.Event
) -> None:
    world.telegram.fail("sendChatAction", faults.Hold())
    async with world.talking():
        world.anna.says("/status")
        await passes(world, FIRST_AFTER)
        await world.telegram.until(lambda: signs(world))
        listing.set()
        await world.telegram.until(lambda: world.anna.chat.saying("Stack authentik"))


async def test_a_chat_that_is_to_be_left_alone_is(world: World, listing: asyncio.Event) -> None:
    """Whether Telegram said so of a sign or of a message; the answer asks anew all the same."""
    world.telegram.fail("sendChatAction", faults.too_many(6))
    async with world.talking():
        world.anna.says("/status")
        await passes(world, FIRST_AFTER)
        await world.telegram.until(lambda: signs(world))
        await passes(world, AGAIN_AFTER)
        await passes(world, AGAIN_AFTER)
        await world.telegram.until(lambda: len(signs(world)) == 2)

        world.telegram.fail("sendMessage", faults.too_many(600))
        listing.set()
        await world.telegram.until(lambda: world.telegram.seen("sendMessage"))
        listing.clear()
        world.anna.says("/backups")
        await passes(world, FIRST_AFTER)
        await passes(world, AGAIN_AFTER)
        await world.asks(world.boris, "/help")

    assert len(signs(world)) == 2
