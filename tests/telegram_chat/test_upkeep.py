"""No part of the chat ends without a word."""

import pytest

from bot.domain.jobs import JobState
from bot.services.journal_ports import Outbox
from tests.telegram_chat.stumbling import Stumbling
from tests.telegram_chat.world import World


@pytest.mark.parametrize(
    ("method", "part"),
    [("waiting", "sender"), ("named", "teller of late starts")],
)
async def test_a_part_that_fails_is_logged_and_begun_again(
    world: World, caplog: pytest.LogCaptureFixture, method: str, part: str
) -> None:
    outbox = Stumbling(world.outbox, KeyError("20261124T120000Z-k3f9"))
    stumbling: Outbox = outbox  # type: ignore[assignment]
    world.outbox = stumbling
    outbox.times[method] = 1
    async with world.talking():
        await world.eventually(lambda: f"the {part} has failed" in caplog.text)
        world.anna.says("/backup")
        await world.eventually(lambda: world.anna.chat.saying("is running"))
        world.operations.end(JobState.DONE)
        await world.eventually(lambda: world.anna.chat.saying("Backup done, verified"))

    assert "KeyError: '20261124T120000Z-k3f9'" in caplog.text


async def test_a_notifier_that_fails_tells_all_the_same(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Stumbling(world.outbox, KeyError("20261124T120000Z-k3f9"))
    stumbling: Outbox = outbox  # type: ignore[assignment]
    world.outbox = stumbling
    async with world.talking():
        progress = await world.asks(world.anna, "/backup")
        await world.all_sent()
        outbox.times["change"] = 2
        world.operations.end(JobState.DONE)
        await world.eventually(lambda: world.anna.chat.saying("Backup done, verified"))
        await world.eventually(lambda: "Backup done" in progress.text)

    assert "telling the news failed" in caplog.text
