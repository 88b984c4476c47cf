"""Each thing that can go wrong, as the bot meets it, and what it leaves behind."""

import asyncio

import httpx
import pytest
from telegram import Bot
from telegram.error import Conflict, InvalidToken, NetworkError, TelegramError, TimedOut

from tests.bot_api import faults
from tests.bot_api.conftest import ADA, Asking
from tests.bot_api.server import BotApi


def test_too_many_requests(ask: Asking) -> None:
    ask.telegram.fail("sendMessage", faults.too_many(17))
    answer = ask.post("sendMessage", chat_id=ADA, text="x")
    assert ask.refused(answer) == (429, "Too Many Requests: retry after 17")
    assert answer.json()["parameters"] == {"retry_after": 17}
    assert answer.headers["Retry-After"] == "17"
    assert ask.telegram.chat(ADA).messages == []


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (faults.server_error, NetworkError, "Internal Server Error"),
        (faults.bad_gateway, NetworkError, "Bad Gateway"),
        (faults.conflict, Conflict, "terminated by other getUpdates request"),
        (faults.unauthorized, InvalidToken, "Unauthorized"),
        (faults.dropped, NetworkError, "disconnected without sending a response"),
    ],
)
async def test_failures_without_effect(
    telegram: BotApi,
    bot: Bot,
    fault: faults.Fault,
    error: type[TelegramError],
    message: str,
) -> None:
    telegram.fail("sendMessage", fault)
    with pytest.raises(error, match=message):
        await bot.send_message(ADA, "lost")
    assert telegram.chat(ADA).messages == []
    await bot.send_message(ADA, "arrived")
    assert telegram.chat(ADA).texts == ["arrived"]


@pytest.mark.parametrize("fault", [faults.answer_lost, faults.malformed])
async def test_failures_after_the_effect(telegram: BotApi, bot: Bot, fault: faults.Fault) -> None:
    telegram.fail("sendMessage", fault)
    with pytest.raises(TelegramError):
        await bot.send_message(ADA, "sent, but who knows")
    assert telegram.chat(ADA).texts == ["sent, but who knows"]


async def test_a_test_need_not_wait_for_the_answer(telegram: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(ADA, "10 %")
    telegram.fail("editMessageText", faults.answer_lost)
    waiting = asyncio.create_task(telegram.until(lambda: telegram.chat(ADA).saying("20 %"), 2))
    with pytest.raises(NetworkError):
        await bot.edit_message_text("20 %", ADA, sent.message_id)
    await waiting


def test_who_was_told_what(ask: Asking) -> None:
    ask.telegram.fail("getMe", faults.answer_lost)
    with pytest.raises(httpx.RemoteProtocolError):
        ask.post("getMe")
    ask("getMe")
    assert [request.answer is not None for request in ask.telegram.seen("getMe")] == [False, True]


def test_a_fault_may_skip_some_and_last_a_while(ask: Asking) -> None:
    ask.telegram.fail("getMe", faults.server_error, skip=1, times=2)
    ask("setMyCommands", commands=[])
    assert [ask.post("getMe").status_code for _ in range(4)] == [200, 500, 500, 200]


def test_a_fault_may_concern_one_chat(ask: Asking) -> None:
    ask.telegram.user(ADA + 1)
    ask.telegram.fail("sendMessage", faults.server_error, chat=ADA)
    tried = [ADA + 1, ADA, ADA]
    codes = [ask.post("sendMessage", chat_id=chat, text="x").status_code for chat in tried]
    assert codes == [200, 500, 200]


def test_faults_of_one_method_come_one_after_the_other(ask: Asking) -> None:
    ask.telegram.fail("getMe", faults.server_error)
    ask.telegram.fail(faults.EVERY, faults.conflict)
    assert [ask.post("getMe").status_code for _ in range(3)] == [500, 409, 200]


async def test_a_held_request_times_out_and_happens_later(telegram: BotApi, bot: Bot) -> None:
    hold = faults.Hold()
    telegram.fail("sendMessage", hold)
    with pytest.raises(TimedOut):
        await bot.send_message(ADA, "late", read_timeout=0.05)
    assert telegram.chat(ADA).messages == []
    hold.release()
    await telegram.until(lambda: telegram.chat(ADA).texts == ["late"])


async def test_a_held_request_may_fail_in_the_end(telegram: BotApi, bot: Bot) -> None:
    telegram.fail("sendMessage", faults.Hold(0.01, faults.dropped))
    with pytest.raises(NetworkError, match="disconnected"):
        await bot.send_message(ADA, "never")
    assert telegram.chat(ADA).messages == []


async def test_the_end_of_a_test_releases_what_is_held(telegram: BotApi, bot: Bot) -> None:
    telegram.fail("getUpdates", faults.Hold(then=faults.conflict))
    poll = asyncio.create_task(bot.get_updates())
    await telegram.until(lambda: telegram.seen("getUpdates"))
    telegram.stop()
    with pytest.raises((NetworkError, Conflict)):
        await poll
