"""Time that tests turn on passes only while the bot can do nothing but wait."""

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta

from tests.bot_api.chats import Message
from tests.bot_api.faults import server_error
from tests.bot_api.request import Answer, Request
from tests.telegram_chat.world import NOW, World

SLOW = 30  # looks


async def test_it_stands_still_however_long_an_answer_takes(world: World) -> None:
    looks, over = itertools.count(), threading.Event()

    def slow(_: Request, perform: Callable[[], Answer]) -> Answer:
        over.wait()
        return perform()

    def answered() -> list[Message]:
        if next(looks) == SLOW:
            over.set()
        return world.anna.chat.from_bot

    world.telegram.fail("sendMessage", slow)
    async with world.talking():
        world.anna.says("/help")
        await world.eventually(answered)

    assert next(looks) > SLOW
    assert world.clock.now() == NOW


async def test_it_passes_while_the_bot_waits_to_try_again(world: World) -> None:
    world.telegram.fail("sendMessage", server_error)
    async with world.talking():
        world.anna.says("/help")
        await world.eventually(lambda: world.anna.chat.from_bot)

    assert NOW < world.clock.now() < NOW + timedelta(minutes=1)
