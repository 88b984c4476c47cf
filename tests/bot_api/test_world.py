"""What people do, what the bot hears of it, and what a test sees."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update, User

from tests.bot_api.conftest import ADA, Asking, Clock
from tests.bot_api.server import BotApi

CHOICE = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="yes")]])
LINK = InlineKeyboardMarkup([[InlineKeyboardButton("Open", url="https://example.org")]])


async def only_update(bot: Bot) -> Update:
    (update,) = await bot.get_updates()
    return update


async def test_a_command_is_marked_as_one(telegram: BotApi, bot: Bot) -> None:
    telegram.user(ADA).says("\U0001f600 /status@test_bot a/b 1/2 /backup")
    message = (await only_update(bot)).message
    assert message is not None
    assert list(message.parse_entities().values()) == ["/status@test_bot", "/backup"]


async def test_a_message_may_be_old(telegram: BotApi, bot: Bot, clock: Clock) -> None:
    telegram.user(ADA).says("/backup", age=timedelta(hours=2))
    message = (await only_update(bot)).message
    assert message is not None
    assert message.date == clock.at - timedelta(hours=2)


async def test_a_message_in_a_topic(telegram: BotApi, bot: Bot) -> None:
    team = telegram.supergroup(-100, "Team", topics={5: "Backups"})
    telegram.user(ADA).says("/status", team, thread=5)
    message = (await only_update(bot)).message
    assert message is not None
    assert (message.chat.id, message.message_thread_id, message.is_topic_message) == (-100, 5, True)
    assert (message.from_user, message.sender_chat) == (User(ADA, "Ada", is_bot=False), None)


async def test_an_anonymous_admin_speaks_as_the_group(telegram: BotApi, bot: Bot) -> None:
    team = telegram.supergroup(-100)
    telegram.user(ADA).says("/restore", team, anonymous=True)
    message = (await only_update(bot)).message
    assert message is not None
    assert message.from_user is not None
    assert message.from_user.username == "GroupAnonymousBot"
    assert message.sender_chat is not None
    assert message.sender_chat.id == -100
    assert team.from_bot == []


async def test_an_edited_message_says_so(telegram: BotApi, bot: Bot) -> None:
    ada = telegram.user(ADA)
    said = ada.says("/status")
    ada.edits(said, "/restore")
    edited = (await bot.get_updates())[-1].edited_message
    assert edited is not None
    assert (edited.message_id, edited.text) == (said.id, "/restore")
    assert edited.edit_date is not None


async def test_a_reply_shows_what_it_answers(telegram: BotApi, bot: Bot) -> None:
    await bot.send_message(ADA, "Which?")
    telegram.user(ADA).says("this one", reply_to=telegram.chat(ADA).last)
    message = (await only_update(bot)).message
    assert message is not None
    assert message.reply_to_message is not None
    assert message.reply_to_message.text == "Which?"


async def test_only_buttons_that_are_there_can_be_pressed(telegram: BotApi, bot: Bot) -> None:
    ada = telegram.user(ADA)
    sent = await bot.send_message(ADA, "Sure?", reply_markup=CHOICE)
    message = telegram.chat(ADA).last
    with pytest.raises(LookupError, match="no button 'No' to press under 7/1 bot: 'Sure"):
        ada.presses(message, "No")
    await bot.edit_message_text("Started", ADA, sent.message_id, reply_markup=LINK)
    for gone in ("Yes", "Open"):
        with pytest.raises(LookupError):
            ada.presses(message, gone)
    ada.presses(message, "Yes", stale=True)
    query = (await only_update(bot)).callback_query
    assert query is not None
    assert query.data == "yes"
    ada.deletes(message)
    with pytest.raises(LookupError):
        ada.presses(message, "Yes", stale=True)


async def test_a_press_may_be_old(telegram: BotApi, bot: Bot) -> None:
    await bot.send_message(ADA, "Sure?", reply_markup=CHOICE)
    ada = telegram.user(ADA)
    query = ada.presses(telegram.chat(ADA).last, "Yes", age=timedelta(minutes=5))
    assert telegram.now() - telegram.queries[query].at == timedelta(minutes=5)


async def test_the_bot_hears_of_its_own_standing(telegram: BotApi, bot: Bot) -> None:
    ada, group = telegram.user(ADA), telegram.group(-5)
    ada.kicks_bot(group)
    ada.adds_bot(group)
    changes = [it.my_chat_member for it in await bot.get_updates() if it.my_chat_member]
    assert [(it.old_chat_member.status, it.new_chat_member.status) for it in changes] == [
        ("member", "kicked"),
        ("kicked", "member"),
    ]


async def test_the_bot_hears_nothing_where_it_is_not(telegram: BotApi, bot: Bot) -> None:
    group = telegram.group(-5)
    telegram.user(ADA).kicks_bot(group)
    telegram.user(ADA).says("/status", group)
    assert [update.message for update in await bot.get_updates()] == [None]


async def test_who_writes_to_the_bot_can_be_answered(telegram: BotApi, bot: Bot) -> None:
    telegram.user(8, "Grace", started=False).says("/start")
    await bot.send_message(8, "Welcome")
    assert telegram.chat(8).texts == ["Welcome"]
    assert telegram.chat(8).json() == {"id": 8, "type": "private", "first_name": "Grace"}


def test_versions_have_their_times(ask: Asking, clock: Clock) -> None:
    sent = ask.says("10 %")
    clock.advance(seconds=3)
    ask("editMessageText", chat_id=ADA, message_id=sent["message_id"], text="20 %")
    message = ask.telegram.chat(ADA).last
    started = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (message.date, message.edits[0].at) == (started, started + timedelta(seconds=3))
    assert (message.text, message.silent) == ("20 %", False)


def test_waiting_in_vain_shows_what_was_said(ask: Asking) -> None:
    ask.says("Backup <b>failed</b>", parse_mode="HTML", reply_markup=CHOICE.to_json())
    ask.telegram.user(ADA).says("oh")
    with pytest.raises(AssertionError) as failed:
        ask.telegram.wait(lambda: False, seconds=0.01)
    assert "7/1 bot: 'Backup failed' (buttons ['Yes'])" in str(failed.value)
    assert "7/2 Ada: 'oh'" in str(failed.value)


async def test_waiting_ends_with_what_was_waited_for(telegram: BotApi, bot: Bot) -> None:
    waiting = asyncio.create_task(telegram.until(lambda: telegram.chat(ADA).saying("here")))
    await bot.send_message(ADA, "not yet")
    sent = await bot.send_message(ADA, "here it is")
    assert (await waiting).id == sent.message_id
