"""Long polling: what an offset confirms, what wakes a call, and what goes wrong on the way."""

import asyncio
import time
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup

from tests.bot_api.conftest import ADA, PATIENCE, Asking
from tests.bot_api.server import BotApi
from tests.bot_api.updates import FIRST_ID

YES = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="yes")]])


def ids(updates: list[dict[str, Any]]) -> list[int]:
    return [update["update_id"] - FIRST_ID for update in updates]


def test_an_offset_confirms_what_came_before(ask: Asking) -> None:
    for text in ("one", "two", "three"):
        ask.telegram.user(ADA).says(text)
    assert ids(ask("getUpdates")) == [0, 1, 2]
    assert ids(ask("getUpdates", offset=FIRST_ID + 1)) == [1, 2]
    assert ids(ask("getUpdates")) == [1, 2]
    assert ids(ask("getUpdates", offset=FIRST_ID + 3)) == []
    assert ids(ask("getUpdates", offset=FIRST_ID)) == []


def test_a_limit_cuts_the_batch(ask: Asking) -> None:
    for _ in range(101):
        ask.telegram.user(ADA).says("x")
    assert ids(ask("getUpdates", limit=2)) == [0, 1]
    assert len(ask("getUpdates")) == 100


async def test_an_update_wakes_the_call_at_once(telegram: BotApi, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=PATIENCE))
    await telegram.until(lambda: telegram.updates.polled)
    started = time.monotonic()
    telegram.user(ADA).says("/status")
    (update,) = await poll
    assert update.message is not None
    assert update.message.text == "/status"
    assert time.monotonic() - started < PATIENCE / 2


async def test_a_press_wakes_the_call_too(telegram: BotApi, bot: Bot) -> None:
    await bot.send_message(ADA, "Sure?", reply_markup=YES)
    poll = asyncio.create_task(bot.get_updates(timeout=PATIENCE))
    await telegram.until(lambda: telegram.updates.polled)
    started = time.monotonic()
    telegram.user(ADA).presses(telegram.chat(ADA).last, "Yes")
    assert len(await poll) == 1
    assert time.monotonic() - started < PATIENCE / 2


async def test_what_comes_again_wakes_the_call_too(telegram: BotApi, bot: Bot) -> None:
    telegram.user(ADA).says("/status")
    await bot.get_updates()
    poll = asyncio.create_task(bot.get_updates(offset=FIRST_ID + 1, timeout=PATIENCE))
    await telegram.until(lambda: telegram.updates.polled)
    started = time.monotonic()
    telegram.updates.deliver_again()
    assert len(await poll) == 1
    assert time.monotonic() - started < PATIENCE / 2


def test_a_call_ends_when_its_time_is_over(ask: Asking) -> None:
    started = time.monotonic()
    assert ask("getUpdates", timeout=1) == []
    assert 1 <= time.monotonic() - started < PATIENCE


def test_only_allowed_updates_are_kept(ask: Asking) -> None:
    ada, group = ask.telegram.user(ADA), ask.telegram.group(-5)
    ask("getUpdates", allowed_updates=["message"])
    ada.edits(ada.says("/status"), "/backup")
    ada.kicks_bot(group)
    assert [list(update)[1] for update in ask("getUpdates")] == ["message"]
    ask("getUpdates", allowed_updates=[], offset=FIRST_ID + 9)
    ada.adds_bot(group)
    assert [list(update)[1] for update in ask("getUpdates")] == ["my_chat_member"]


def test_some_updates_come_only_on_request(ask: Asking) -> None:
    ask.telegram.updates.add("message_reaction", {})
    assert ask("getUpdates") == []
    ask("getUpdates", allowed_updates=["message_reaction"])
    ask.telegram.updates.add("message_reaction", {})
    assert ids(ask("getUpdates")) == [1]


def test_a_confirmed_update_may_come_again(ask: Asking) -> None:
    for text in ("one", "two"):
        ask.telegram.user(ADA).says(text)
    assert ids(ask("getUpdates")) == [0, 1]
    ask("getUpdates", offset=FIRST_ID + 2)
    ask.telegram.updates.deliver_again()
    assert ids(ask("getUpdates", offset=FIRST_ID + 2)) == [1]
    assert ids(ask("getUpdates", offset=FIRST_ID + 2)) == []


def test_updates_may_come_in_the_wrong_order(ask: Asking) -> None:
    with ask.telegram.updates.reordered():
        ask.telegram.user(ADA).says("first")
        ask.telegram.user(ADA).says("second")
        assert ask("getUpdates") == []
    texts = [update["message"]["text"] for update in ask("getUpdates")]
    assert texts == ["second", "first"]
