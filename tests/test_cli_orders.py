"""An order from the command line is in the list however it ended."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bot.cli_orders import carry_out
from bot.domain.errors import RefusedError
from bot.domain.orders import OrderKind
from bot.services.orders import Orders
from tests.fakes_journal import FakeOrderLog
from tests.telegram_chat.world import NOW, TurnedClock


@pytest.fixture
def app() -> Any:
    """What is needed of an App."""
    clock = TurnedClock()
    return SimpleNamespace(clock=clock, orders=Orders(FakeOrderLog(), clock))


def noted(app: Any) -> tuple[str, str, str]:
    (order,) = app.orders.log.noted.values()
    assert (order.trigger, order.ended) == ("cli", NOW)
    return order.words, order.state, order.message


@pytest.mark.parametrize(("has_failed", "state"), [(False, "done"), (True, "failed")])
async def test_what_came_of_it_is_noted(app: Any, has_failed: bool, state: str) -> None:  # noqa: FBT001
    async def act() -> int:
        return 3

    done = await carry_out(app, OrderKind.VERIFY, "all", act, str, lambda _: has_failed)

    assert done == 3
    assert noted(app) == ("verify all", state, "3")


async def test_why_it_was_not_done_is_noted(app: Any) -> None:
    async def act() -> int:
        raise RefusedError("there is no backup")

    with pytest.raises(RefusedError, match="no backup"):
        await carry_out(app, OrderKind.VERIFY, "latest", act, str)

    assert noted(app) == ("verify latest", "failed", "there is no backup")


async def test_that_it_was_stopped_is_noted(app: Any) -> None:
    begun = asyncio.Event()

    async def act() -> None:
        begun.set()
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(carry_out(app, OrderKind.VERIFY, "latest", act, str))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert noted(app) == ("verify latest", "interrupted", "the command was stopped in it")
