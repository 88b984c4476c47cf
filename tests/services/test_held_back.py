"""Schedules and chat wait while this host is paused, and for as long."""

import asyncio

import pytest

from bot.domain.errors import ConfigError
from bot.domain.pause import Pause, format_pause, parse_pause
from bot.entrypoints.held_back import HeldBack
from tests.fakes_stack import NOW, FakeClock, FakePause

PAUSE = Pause(NOW, "the old host may still live")


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "mark",
    [FakePause(PAUSE), FakePause(fails=ConfigError("it is damaged"))],
    ids=["paused", "damaged"],
)
async def test_a_part_begins_once_the_mark_is_gone_and_not_before(mark: FakePause) -> None:
    clock, begun, said = FakeClock(), asyncio.Event(), asyncio.Event()
    held = HeldBack(mark, clock)

    async def part() -> None:
        begun.set()

    async def farewell() -> None:
        said.set()

    running = asyncio.create_task(held.part(part)())
    for _ in range(3):
        await settled()
        assert not begun.is_set()
        assert "schedules and chat are paused" in await held.words()
        clock.wake()
    await held.farewell(farewell)()
    assert not said.is_set(), "nobody could send it"

    await mark.clear()
    await settled()
    clock.wake()
    await running

    assert begun.is_set()
    assert await held.words() == ""
    await held.farewell(farewell)()
    assert said.is_set()


async def test_without_a_mark_it_begins_at_once() -> None:
    begun = asyncio.Event()

    async def part() -> None:
        begun.set()

    await HeldBack(FakePause(), FakeClock()).part(part)()

    assert begun.is_set()


def test_the_mark_can_be_read_back() -> None:
    assert parse_pause(format_pause(PAUSE)) == PAUSE


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"since": 1, "reason": ""}', b"\xff"])
def test_what_is_no_mark_is_not_taken_for_one(text: bytes) -> None:
    with pytest.raises(ValueError, match="not what akbot writes"):
        parse_pause(text)
