"""Who has asked for something slow waits for it, in order; nobody else does."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.domain.jobs import Job, JobState, Trigger
from bot.domain.messages import RunBackup
from bot.domain.roles import ChatPlace
from bot.entrypoints.telegram.lanes import AT_ONCE, Lanes, Work
from tests.telegram_chat.test_burst import Watched
from tests.telegram_chat.world import LONG_ENOUGH, NOW, ToldOperations, TurnedClock, World

SHORTLY = 0.25
GROUP = -77
STORE = "the store has not answered within 10 s"


async def asks_something_slow(world: World) -> None:
    """Anna asks for the status while the store is silent, and the bot goes on to listen."""
    world.operations.listing = asyncio.Event()
    world.anna.says("/status")
    await goes_on(world)


async def goes_on(world: World) -> None:
    """Let the little time pass for which the bot waits before it listens again."""
    async with asyncio.timeout(LONG_ENOUGH):
        while not world.clock.is_awaited(SHORTLY):  # noqa: ASYNC110 - a clock has no events
            await asyncio.sleep(0.005)
    world.clock.advance(SHORTLY)
    await world.telegram.until(lambda: world.telegram.updates.polled)


async def test_a_slow_look_keeps_no_other_chat_waiting(world: World) -> None:
    async with world.talking():
        await asks_something_slow(world)
        answer = await world.asks(world.boris, "/help")
        assert world.clock.now() - NOW < timedelta(seconds=1)
        assert world.anna.chat.from_bot == []
        world.clock.advance(10)
        told = await world.said(STORE)

    assert "I back up" in answer.text
    assert "Stack authentik" in told.text


async def test_a_person_is_answered_in_order(world: World) -> None:
    async with world.talking():
        await asks_something_slow(world)
        world.anna.says("/help")
        await goes_on(world)
        await world.asks(world.boris, "/help")
        assert world.anna.chat.from_bot == []
        world.clock.advance(10)
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 2)

    assert STORE in world.anna.chat.texts[0]
    assert "I back up" in world.anna.chat.texts[1]


async def test_a_slow_look_keeps_nobody_else_in_the_group_waiting(world: World) -> None:
    """Not those who stop something or need no look; whoever asked for it waits in order."""
    world.groups = frozenset({ChatPlace(GROUP)})
    group = world.telegram.group(GROUP)
    async with world.talking():
        world.operations.listing = asyncio.Event()
        world.anna.says("/status", group)
        await goes_on(world)
        helped = await world.asks(world.boris, "/help", group)
        await goes_on(world)
        world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
        stopped = await world.asks(world.boris, "/cancel", group)
        await goes_on(world)
        listed = await world.asks(world.boris, "/jobs", group)
        await goes_on(world)
        world.boris.presses(listed, listed.labels[0])
        await world.telegram.until(lambda: len(listed.versions) > 1)
        await goes_on(world)
        world.anna.says("/version", group)
        await goes_on(world)
        answers = len(group.from_bot)
        world.operations.listing.set()
        await world.telegram.until(lambda: group.saying("Stack authentik"))
        await world.telegram.until(lambda: group.saying("Authentik 20"))

    assert "I back up" in helped.text
    assert "Stopping: backup" in stopped.text
    assert answers == 3, "Anna's own are answered in order"
    assert world.operations.cancelled == ["Boris (43)"]


async def test_two_who_press_the_same_button_at_once_begin_one_job(world: World) -> None:
    world.groups = frozenset({ChatPlace(GROUP)})
    group = world.telegram.group(GROUP)
    looks = HeldLooks(world.clock)
    world.operations = looks
    async with world.talking():
        await world.asks(world.anna, "/backup", group)
        world.operations.end(JobState.FAILED, "no space")
        failed = await world.said("no space", group)
        looks.go_on.clear()
        queries = [each.presses(failed, "Try again") for each in (world.anna, world.boris)]
        notices = world.telegram.queries
        await world.telegram.until(lambda: any(notices[each].notice for each in queries))
        looks.go_on.set()
        await world.telegram.until(lambda: all(notices[each].notice for each in queries))
        await world.all_handled()

    told = sorted(notice.text for each in queries if (notice := notices[each].notice))
    assert told == ["It has been tried again already.", "Trying again."]
    assert len(looks.starts) == 2


class HeldLooks(ToldOperations):
    """Nobody sees the jobs before *go_on* is set."""

    def __init__(self, clock: TurnedClock) -> None:
        super().__init__(clock)
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def jobs_as_they_stand(self, limit: int) -> Sequence[Job]:
        await self.go_on.wait()
        return await super().jobs_as_they_stand(limit)


async def test_what_is_under_way_is_not_begun_again(world: World) -> None:
    world.operations.held = asyncio.Event()
    inbox = Watched(world.inbox, lambda *_: None)
    world.inbox = inbox  # type: ignore[assignment]
    async with world.talking():
        world.anna.says("/backup x")
        for _ in range(3):
            await goes_on(world)
            await world.asks(world.boris, "/help")
        world.operations.held.set()
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        world.clock.advance(SHORTLY)
        await world.all_handled()

    assert [command.label for command in world.operations.starts] == ["x"]
    assert inbox.calls["handled"] == 4


async def test_a_kill_loses_nothing_that_is_under_way_and_repeats_nothing_that_is_done(
    world: World,
) -> None:
    async with world.talking():
        await asks_something_slow(world)
        world.anna.says("/backup x")
        await goes_on(world)
        await world.asks(world.boris, "/help")
        await world.all_sent()
        assert world.anna.chat.from_bot == []
    assert world.operations.starts == []

    world.operations.listing = None
    async with world.talking():
        await world.said("is running")
        await world.all_handled()
        await world.all_sent()

    assert "Stack authentik" in world.anna.chat.texts[0]
    assert [command.label for command in world.operations.starts] == ["x"]
    assert len(world.boris.chat.from_bot) == 1


async def test_an_update_that_was_handled_while_the_inbox_was_read_is_not_handled_again(
    world: World,
) -> None:
    """The inbox's answer is older than what has happened until it is heard."""
    inbox = LateInbox(world.inbox)
    world.inbox = inbox  # type: ignore[assignment]
    async with world.talking():
        await asks_something_slow(world)
        inbox.is_late = True
        world.boris.says("/help")
        await asyncio.wait_for(inbox.has_read.wait(), LONG_ENOUGH)
        assert world.operations.listing
        world.operations.listing.set()
        await world.said("Stack authentik")
        await until_handled(world, 1)
        inbox.is_late = False
        inbox.go_on.set()
        await world.telegram.until(lambda: world.boris.chat.from_bot)
        await world.all_handled()

    assert sorted(inbox.handled_ones) == sorted(set(inbox.handled_ones))
    assert len(inbox.handled_ones) == 2


class LateInbox:
    """Does what *inner* does; while *is_late*, `unhandled` answers what was before *go_on*."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.is_late = False
        self.has_read, self.go_on = asyncio.Event(), asyncio.Event()
        self.handled_ones: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def unhandled(self) -> object:
        found = await self._inner.unhandled()  # type: ignore[attr-defined]
        if self.is_late:
            self.has_read.set()
            await self.go_on.wait()
        return found

    async def handled(self, update_id: int) -> None:
        self.handled_ones.append(update_id)
        await self._inner.handled(update_id)  # type: ignore[attr-defined]


async def until_handled(world: World, left: int) -> None:
    async with asyncio.timeout(LONG_ENOUGH):
        while len(await world.inbox._inner.unhandled()) > left:  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_the_end_of_the_chat_waits_for_no_slow_look(world: World) -> None:
    async with asyncio.timeout(LONG_ENOUGH), world.talking():
        await asks_something_slow(world)

    assert world.anna.chat.from_bot == []


@pytest.fixture
def lanes(clock: TurnedClock) -> Lanes:
    return Lanes(clock)


async def test_more_than_are_served_at_once_all_get_their_turn(lanes: Lanes) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()

    def work_of(person: int) -> Work:
        async def work(_: int) -> None:
            begun.append(person)
            await go_on.wait()

        return work

    async with lanes:
        for person in range(AT_ONCE + 3):
            lanes.join((GROUP, person), work_of(person))
        await turns()
        assert begun == list(range(AT_ONCE))
        go_on.set()
        await lanes.settle(1)

    assert begun == list(range(AT_ONCE + 3))


async def test_what_fails_is_tried_again_and_lets_others_have_its_turn(
    lanes: Lanes, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[int] = []
    others: list[int] = []

    async def fails(attempt: int) -> None:
        attempts.append(attempt)
        if attempt < 3:
            raise ZeroDivisionError

    async def other(attempt: int) -> None:
        others.append(attempt)

    async with lanes:
        for person in range(AT_ONCE):
            lanes.join((GROUP, person), fails)
        lanes.join((GROUP, AT_ONCE), other)
        await turns()
        assert attempts == [1] * AT_ONCE
        assert others == [1], "who waits to try again is in nobody's way"
        for seconds in (1, 2):
            clock.advance(seconds)
            await turns()

    assert attempts == [1] * AT_ONCE + [2] * AT_ONCE + [3] * AT_ONCE
    assert [each.levelno for each in caplog.records] == [logging.ERROR] * 2 * AT_ONCE


async def test_all_is_waited_for_but_not_long(lanes: Lanes, clock: TurnedClock) -> None:
    never = asyncio.Event()

    async def hangs(_: int) -> None:
        await never.wait()

    async with asyncio.timeout(LONG_ENOUGH), lanes:
        await lanes.settle(1)  # there is nothing
        lanes.join((GROUP, 1), hangs)
        settling = asyncio.create_task(lanes.settle(1))
        await turns()
        assert not settling.done()
        clock.advance(1)
        await settling


async def turns() -> None:
    """Whatever can go on without time or anything else does."""
    for _ in range(200):
        await asyncio.sleep(0)
