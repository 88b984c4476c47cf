"""A thousand updates at once, and half a day without Telegram: nobody waits, nothing is lost."""

import asyncio
import gc
import re
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.domain.incident import Closed, Opened
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup
from bot.entrypoints.telegram.ages import LARGEST_BATCH
from tests.telegram_chat.test_late import CRASH
from tests.telegram_chat.test_release_news import NEWS
from tests.telegram_chat.world import ANNA, LONG_ENOUGH, NOW, World

UPDATES, FROM_ANNA, STRANGERS = 1000, 20, 98
FAILURES = 30  # more than one message holds
GROWTH = 50_000  # bytes that a second burst may leave behind


class Watched:
    """Does what *inner* does, counts the calls, and tells *watch* of each before it begins."""

    def __init__(self, inner: object, watch: Callable[[str, tuple[Any, ...]], None]) -> None:
        self.inner = inner
        self.watch = watch
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def method(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            self.watch(name, args)
            return await getattr(self.inner, name)(*args, **kwargs)

        return method


def burst(world: World) -> None:
    """A thousand messages in one moment, every fiftieth of them Anna's."""
    crowd = [world.telegram.user(1000 + number, f"No {number}") for number in range(STRANGERS)]
    with world.telegram.changed:
        for number in range(UPDATES):
            if number % (UPDATES // FROM_ANNA) == 0:
                world.anna.says("/help")
            else:
                crowd[number % STRANGERS].says("/backup now")


async def test_in_a_burst_of_strangers_everybody_on_the_list_is_answered_with_their_batch(
    world: World,
) -> None:
    fetches: list[int] = []  # polls there were when each answer was written

    def note(name: str, args: tuple[Any, ...]) -> None:
        if name == "put" and args[0].chat == ANNA:
            fetches.append(len(world.telegram.seen("getUpdates")) - before)

    outbox, inbox = Watched(world.outbox, note), Watched(world.inbox, lambda *_: None)
    world.outbox, world.inbox = outbox, inbox  # type: ignore[assignment]
    async with world.talking():
        await world.all_handled()
        before = len(world.telegram.seen("getUpdates"))
        inbox.calls.clear()
        began = time.monotonic()
        burst(world)
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == FROM_ANNA, LONG_ENOUGH)
        took = time.monotonic() - began
        await world.all_handled()

    print(f"20 answers in a burst of 1,000 updates: the last one after {took:.2f} s")
    batches = UPDATES // LARGEST_BATCH
    in_batch = [number // (FROM_ANNA // batches) for number in range(FROM_ANNA)]
    assert fetches == in_batch, "each is answered before the next batch is fetched"
    assert inbox.calls["handled"] == FROM_ANNA, "what strangers write costs no write of its own"
    assert inbox.calls["store"] <= batches + 3
    assert [
        person
        for person in world.telegram.chats
        if person >= 1000 and world.telegram.chats[person].from_bot
    ] == []


def many_chats(world: World) -> None:
    """A thousand messages in one moment, each in a chat of its own; none asks for an answer."""
    there, numbers = world.telegram.chats, range(-5000, -5000 + UPDATES)
    groups = [there.get(number) or world.telegram.group(number) for number in numbers]
    with world.telegram.changed:
        for group in groups:
            world.anna.says("restore", group)


@pytest.mark.parametrize("burst", [burst, many_chats])
async def test_a_burst_leaves_nothing_behind_in_memory(
    world: World, burst: Callable[[World], None]
) -> None:
    async with world.talking():
        tracemalloc.start()
        try:
            kept = [await _kept_after(world, burst) for _ in range(2)]
        finally:
            tracemalloc.stop()

    print(f"kept by the chat after one burst and two: {kept[0]:,} and {kept[1]:,} bytes")
    assert kept[1] - kept[0] < GROWTH


async def _kept_after(world: World, burst: Callable[[World], None]) -> int:
    """The bytes that chat, library and JSON's reader have allocated and not given back."""
    burst(world)
    await world.telegram.until(lambda: not world.telegram.updates.pending, LONG_ENOUGH)
    await world.all_handled()
    await world.all_sent()
    gc.collect()
    places = ("*/bot/*", "*/site-packages/telegram/*", "*/json/decoder.py")
    chat_only = [tracemalloc.Filter(True, place) for place in places]  # noqa: FBT003 - the library's
    taken = tracemalloc.take_snapshot().filter_traces(chat_only)
    return sum(trace.size for trace in taken.traces)


async def test_after_ten_hours_without_telegram_all_arrives_in_order_and_merged(
    world: World,
) -> None:
    async with world.talking() as chat:
        world.telegram.down()
        for number in range(FAILURES):
            world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
            job = world.operations.end(JobState.FAILED, f"attempt {number} of {FAILURES}")
            await is_written(world, f"outcome:{job.id}@{ANNA}")
            if number == 9:
                await chat.tell_news(NEWS)
            if number == 14:
                await chat.incidents.opened(Opened(CRASH))
            if number == 22:
                await chat.incidents.closed(Closed(CRASH, NOW, "x", frozenset()))
            world.clock.advance(36_000 / FAILURES)
        world.telegram.up()
        last = f"attempt {FAILURES - 1} of"
        for person in (world.anna, world.boris):
            await world.eventually(lambda chat=person.chat: chat.saying(last))  # type: ignore[misc]
        await world.all_sent()

    for person in (world.anna, world.boris):
        told = "\n".join(person.chat.texts)
        expected = [f"attempt {number} of {FAILURES}." for number in range(FAILURES)]
        expected.insert(23, "worker is well again")
        expected.insert(15, "worker has crashed")
        expected.insert(10, "Authentik 2025.4.4 is out")
        places = [told.index(words) for words in expected]
        assert places == sorted(places)
        assert all(told.count(words) == 1 for words in expected)
        assert "things happened while I was away (1 to " in told
        assert len(person.chat.from_bot) <= 6
        # The clock leaps while a text is on its way, so how long ago differs from run to run.
        assert re.search(r"12:00 \(\d+ h ago\)", told)


async def is_written(world: World, key: str) -> None:
    async with asyncio.timeout(LONG_ENOUGH):
        while await world.outbox.find(key) is None:  # noqa: ASYNC110 - a journal has no events
            await asyncio.sleep(0.005)
