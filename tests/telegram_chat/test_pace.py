"""How fast a chat is written to: what shows progress shares a pace, all else goes before it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus

import pytest

from bot.domain.messages import BackupStarted, BytesPassed, ComponentProgressed
from bot.entrypoints.telegram.pace import FOR_PROGRESS, GROUP_INTERVAL, MINUTE, MOST_IN_GROUP, Pace
from bot.services.journal_ports import Message
from tests.bot_api.limits import RateLimits
from tests.telegram_chat.samples import MB, record
from tests.telegram_chat.world import World

START = 1000.0
NUMBER, OTHER = 1, 2  # of messages that show progress


def asked(
    *seconds: float,
    is_group: bool = True,
    progress: Sequence[float] = (),
    other: Sequence[float] = (),
) -> Pace:
    pace = Pace(is_group=is_group)
    numbers = dict.fromkeys(progress, NUMBER) | dict.fromkeys(other, OTHER)
    for second in sorted([*seconds, *progress, *other]):
        pace.asked(START + second, numbers.get(second))
    return pace


@pytest.mark.parametrize(
    ("pace", "second", "message", "progress"),
    [
        pytest.param(asked(), 0, 0, 0, id="nothing was asked"),
        pytest.param(asked(*[0] * 14), 0, 0, 0, id="room for both"),
        pytest.param(asked(*[0] * 15), 1, 0, 60, id="the rest is for answers"),
        pytest.param(asked(*range(20)), 30, 31, 36, id="a minute's requests were made"),
        pytest.param(asked(*range(20)), 62, 0, 4, id="the first are forgotten"),
        pytest.param(asked(0, progress=[5], other=[1]), 6, 0, 3, id="another progress was shown"),
        pytest.param(asked(0, progress=[5], other=[1]), 10, 0, 0, id="a while ago"),
        pytest.param(asked(0, progress=[5]), 6, 0, 0, id="it only ends"),
        pytest.param(asked(*[0] * 99, is_group=False), 0, 0, 0, id="a person has no minute"),
        pytest.param(
            asked(is_group=False, progress=[5], other=[1]), 5.25, 0, 0.75, id="once a second"
        ),
    ],
)
def test_how_long_a_request_waits(
    pace: Pace, second: float, message: float, progress: float
) -> None:
    waits = [pace.before(START + second, number) for number in (None, OTHER)]
    assert waits == [message, progress]


def test_what_was_shown_last_ends_at_once() -> None:
    pace = asked(0, progress=[5])
    assert pace.before(START + 5, NUMBER) == 0
    pace.asked(START + 5, OTHER)
    assert pace.before(START + 5, NUMBER) == 4


def test_the_pace_is_one_that_telegram_takes() -> None:
    telegram = RateLimits()
    assert telegram.group_per_minute >= MOST_IN_GROUP
    assert telegram.group_per_minute - 5 >= FOR_PROGRESS, "the rest is for answers and outcomes"
    assert MINUTE / GROUP_INTERVAL < FOR_PROGRESS + 1


async def test_two_that_show_progress_in_a_group_share_its_pace_and_keep_nobody_waiting(
    world: World,
) -> None:
    world.telegram.limits = RateLimits()
    world.operations.records = [record(1)]
    world.operations.reading = asyncio.Event()
    group = world.telegram.supergroup(topics={7: "Ops", 8: "Dev"})
    async with world.talking():
        backup = await world.asks(world.anna, "/backup", group, thread=7)
        verify = await world.asks(world.boris, "/verify latest", group, thread=8)
        await world.telegram.until(lambda: world.operations.verified)
        job = world.operations.all_jobs[0]
        world.operations.tell(BackupStarted(job.id, 1000 * MB, 1000 * MB))
        for step in range(1, 26):
            edits = len(backup.edits) + len(verify.edits)
            world.operations.tell(ComponentProgressed("postgres", step * MB, step * MB))
            world.operations.publish(BytesPassed(step * MB, 1000 * MB))
            await world.eventually(
                lambda edits=edits: len(backup.edits) + len(verify.edits) > edits,  # type: ignore[misc]
                seconds=2,
            )
            if step % 10 == 0:
                await world.asks(world.olga, "/help", group, thread=8)  # while no time passes
        world.operations.end()
        await world.telegram.until(lambda: group.saying("Backup done, verified"))

    refused = [
        each
        for each in world.telegram.requests
        if each.answer and each.answer.status == HTTPStatus.TOO_MANY_REQUESTS
    ]
    assert refused == []
    assert min(len(backup.edits), len(verify.edits)) >= 10, "none waits for the other's end"
    moments = sorted(each.at for each in [*backup.edits, *verify.edits])
    in_a_minute = [
        sum(at <= each < at + timedelta(minutes=1) for each in moments) for at in moments
    ]
    assert max(in_a_minute) <= FOR_PROGRESS


async def test_more_than_a_group_takes_in_a_minute_arrives_without_a_refusal(world: World) -> None:
    world.telegram.limits = RateLimits(burst=99)
    group = world.telegram.supergroup()
    for number in range(30):
        message = Message(key=str(number), chat=group.id, text=f"no {number}")
        await world.outbox.put(message, world.clock.now())
    async with world.talking():
        await world.eventually(lambda: len(group.from_bot) == 30, seconds=10)

    assert group.texts == [f"no {number}" for number in range(30)]
    assert len(world.telegram.seen("sendMessage")) == 30
