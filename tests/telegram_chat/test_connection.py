import asyncio
import gc
import ssl

import pytest
from telegram.error import InvalidToken

from bot.domain.errors import ConfigError
from bot.entrypoints.telegram.client import make_bot, words
from tests.bot_api.errors import ApiError
from tests.bot_api.faults import (
    answer_lost,
    bad_gateway,
    conflict,
    dropped,
    malformed,
    server_error,
    too_many,
    unauthorized,
)
from tests.bot_api.responses import failed
from tests.bot_api.server import BotApi
from tests.telegram_chat.world import OTHER_TOKEN, World


async def test_it_connects_and_says_so(world: World) -> None:
    chat = world.chat()
    assert chat.state.condition == "starting"
    async with world.talking() as chat:
        assert chat.state.condition == "ok"
        assert "@test4242_bot" in chat.state.words


async def test_a_chat_that_nobody_may_use_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.allowed = world.operators = world.viewers = frozenset()
    async with world.talking() as chat:
        assert chat.state.condition == "nobody"
        assert "AKBOT_TELEGRAM_ADMINS is empty" in chat.state.words
        world.anna.says("/help")
        await world.all_handled()

    warnings = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert "AKBOT_TELEGRAM_ADMINS is empty" in warnings[0]
    assert world.anna.chat.from_bot == []


@pytest.mark.parametrize(
    "fault", [server_error, bad_gateway, dropped, malformed, answer_lost, too_many(7)]
)
async def test_an_outage_is_outlived_and_no_update_is_lost(world: World, fault: object) -> None:
    for method in ("getMe", "setMyCommands", "getUpdates"):
        world.telegram.fail(method, fault, times=2)  # type: ignore[arg-type]
    async with world.talking(listening=False) as chat:
        world.anna.says("/help")
        await world.eventually(lambda: world.anna.chat.from_bot)
        await world.eventually(lambda: chat.state.condition == "ok")

    assert len(world.anna.chat.from_bot) == 1


async def test_an_outage_is_a_state_with_a_time(world: World) -> None:
    async with world.talking() as chat:
        began = world.clock.now()
        world.telegram.down()
        await world.eventually(lambda: chat.state.condition == "unreachable")
        world.clock.advance(hours=1)
        assert chat.state.since == began
        assert "Telegram" in chat.state.words


async def test_another_copy_is_a_state_that_stands_for_a_while(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.telegram.fail("getUpdates", conflict, times=2)
    async with world.talking(listening=False) as chat:
        await world.eventually(lambda: chat.state.condition == "conflict")
        assert chat.state.words == "another copy of this bot is running with the same token"
        await world.eventually(lambda: world.telegram.updates.polled, seconds=5)
        await world.asks(world.anna, "/help")
        assert chat.state.condition == "conflict"
        world.clock.advance(150)
        await world.asks(world.anna, "/help")
        await world.eventually(lambda: chat.state.condition == "ok")

    assert caplog.text.count("another copy") == 1


async def test_a_refused_token_ends_the_chat_and_nothing_else(world: World) -> None:
    world.token = OTHER_TOKEN
    chat = world.chat()
    running = asyncio.create_task(chat.run())
    await world.eventually(running.done)

    assert chat.state.condition == "refused"
    assert "refuses the token" in chat.state.words


def test_a_refused_token_is_not_quoted() -> None:
    error = InvalidToken(f"The token `{OTHER_TOKEN}` was rejected by the server.")

    assert words(error) == "the token is refused"


async def test_one_refusal_is_not_the_end_of_the_chat(world: World) -> None:
    async with world.talking():
        world.telegram.fail("getUpdates", unauthorized, times=2)
        world.anna.says("/help")
        await world.said("/backup")


async def test_a_token_that_is_revoked_ends_the_chat(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.talking() as chat:
        world.telegram.fail("getUpdates", unauthorized, times=3)
        world.anna.says("/help")
        await world.eventually(lambda: chat.state.condition == "refused")

    assert "ERROR" in caplog.text


async def test_an_empty_token_is_a_mistake_in_the_settings(world: World) -> None:
    world.token = ""

    with pytest.raises(ConfigError, match="token is empty"):
        await world.chat().run()


async def test_a_webhook_that_took_the_updates_is_removed(telegram: BotApi, world: World) -> None:
    active = ApiError(409, "Conflict: can't use getUpdates method while webhook is active")
    telegram.fail("getUpdates", lambda _, __: failed(active))
    async with world.talking(listening=False):
        await world.eventually(lambda: telegram.seen("deleteWebhook"))
        await world.eventually(lambda: telegram.updates.polled)


async def test_an_update_of_an_unknown_shape_stops_no_other(world: World) -> None:
    async with world.talking():
        world.telegram.updates.add("message", {"message_id": "?", "date": "never"})
        await world.asks(world.anna, "/help")
        await world.all_handled()


async def test_what_was_stored_before_a_kill_is_handled_after_it(world: World) -> None:
    message = world.anna.says("/help").json()
    await world.inbox.store([{"update_id": 7, "message": message}], world.clock.now())
    world.telegram.updates.forget()
    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        await world.all_handled()


def trusting() -> int:
    """How many sets of the machine's certificates are in memory, each of a mebibyte."""
    gc.collect()
    return sum(isinstance(each, ssl.SSLContext) for each in gc.get_objects())


def test_the_chat_reads_the_certificates_of_the_machine_once() -> None:
    before = trusting()
    bot = make_bot("1:test", "http://127.0.0.1:1/bot")

    assert trusting() - before == 1
    assert bot.token == "1:test"
