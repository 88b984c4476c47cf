"""The methods, as the library uses them, and the server around them."""

import asyncio
import socket

import httpx
import pytest
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, Message
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, NetworkError

from tests.bot_api.conftest import ADA, PATIENCE, Asking
from tests.bot_api.server import LARGEST_BODY, TOKEN, BotApi, bot_api

YES = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="yes")]])
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\10\2\0\0\0"


async def test_a_bot_introduces_itself(bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.id, me.is_bot, me.username) == (123456, True, "test123456_bot")


async def test_a_message_reaches_the_chat(telegram: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(
        ADA, "Done in <b>3</b> s", parse_mode="HTML", reply_markup=YES, disable_notification=True
    )
    message = telegram.chat(ADA).last
    assert (message.id, message.text) == (sent.message_id, "Done in 3 s")
    assert (message.html, message.labels) == ("Done in <b>3</b> s", ["Yes"])
    assert (message.silent, message.edits) == (True, [])
    assert sent.parse_entities() == {sent.entities[0]: "3"}
    assert sent.reply_markup == YES
    assert sent.message_thread_id is None


async def test_an_edit_keeps_the_message_and_its_history(telegram: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(ADA, "10 %", reply_markup=YES)
    edited = await bot.edit_message_text("100 %", ADA, sent.message_id)
    message = telegram.chat(ADA).last
    assert isinstance(edited, Message)
    assert edited.edit_date is not None
    assert [version.content.text for version in message.versions] == ["10 %", "100 %"]
    assert message.labels == []


async def test_a_deleted_message_is_gone(telegram: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(ADA, "gone soon")
    assert await bot.delete_message(ADA, sent.message_id)
    assert telegram.chat(ADA).messages == []
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(ADA, sent.message_id)


async def test_a_document_arrives_byte_for_byte(telegram: BotApi, bot: Bot) -> None:
    content = bytes(range(256)) + b"\r\n--not-a-boundary\r\n\r\n"
    sent = await bot.send_document(
        ADA, content, filename="log.bin", caption="<i>all</i>", parse_mode="HTML"
    )
    file = telegram.chat(ADA).last.file
    assert file is not None
    assert (file.name, file.content) == ("log.bin", content)
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.file_size) == ("log.bin", len(content))
    assert sent.parse_caption_entities() == {sent.caption_entities[0]: "all"}
    assert str(telegram.chat(ADA).last) == "7/2 bot: 'all' (file log.bin)"


async def test_a_file_can_be_sent_again_by_its_id(telegram: BotApi, bot: Bot) -> None:
    sent = await bot.send_document(ADA, b"content", filename="a.txt")
    assert sent.document is not None
    await bot.send_document(ADA, sent.document.file_id)
    file = telegram.chat(ADA).last.file
    assert file is not None
    assert file.content == b"content"


async def test_a_picture_has_a_size(telegram: BotApi, bot: Bot) -> None:
    sent = await bot.send_photo(ADA, PICTURE, caption="Sizes")
    assert [(photo.width, photo.height) for photo in sent.photo] == [(256, 256)]
    assert telegram.chat(ADA).texts == ["Sizes"]


async def test_an_answered_query_shows_its_text(telegram: BotApi, bot: Bot) -> None:
    await bot.send_message(ADA, "Sure?", reply_markup=YES)
    query = telegram.user(ADA).presses(telegram.chat(ADA).last, "Yes")
    (update,) = await bot.get_updates()
    assert update.callback_query is not None
    assert (update.callback_query.id, update.callback_query.data) == (query, "yes")
    await update.callback_query.answer("Started", show_alert=True)
    notice = telegram.queries[query].notice
    assert notice is not None
    assert (notice.text, notice.alert) == ("Started", True)


async def test_actions_and_commands_are_kept(telegram: BotApi, bot: Bot) -> None:
    await bot.send_chat_action(ADA, "typing")
    await bot.set_my_commands([BotCommand("status", "How the stack is")])
    assert telegram.actions == [(ADA, "typing")]
    assert telegram.commands == {"": [{"command": "status", "description": "How the stack is"}]}


async def test_the_webhook_is_never_set(telegram: BotApi, bot: Bot) -> None:
    telegram.user(ADA).says("/status")
    await bot.delete_webhook()
    assert (await bot.get_webhook_info()).pending_update_count == 1
    assert await bot.delete_webhook(drop_pending_updates=True)
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == ("", 0)


async def test_a_chat_describes_itself(telegram: BotApi, bot: Bot) -> None:
    telegram.supergroup(-100, "Operations", topics={5: "Backups"})
    chat = await bot.get_chat(-100)
    assert (chat.type, chat.title, chat.is_forum) == ("supergroup", "Operations", True)


async def test_a_bot_that_left_cannot_write(telegram: BotApi, bot: Bot) -> None:
    telegram.group(-5)
    assert await bot.leave_chat(-5)
    with pytest.raises(Forbidden, match="bot is not a member of the group chat"):
        await bot.send_message(-5, "hello?")


async def test_a_revoked_token_is_not_authorised(telegram: BotApi, bot: Bot) -> None:
    telegram.token = "123456:another"
    with pytest.raises(InvalidToken):
        await bot.get_me()


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        ("123456:another", (401, "Unauthorized")),
        ("no-token-at-all", (404, "Not Found")),
        ("0123:zero", (404, "Not Found")),
    ],
)
def test_tokens_are_checked(ask: Asking, token: str, refusal: tuple[int, str]) -> None:
    answer = ask.client.get(f"{ask.telegram.base_url}{token}/getMe")
    assert ask.refused(answer) == refusal


def test_an_unknown_method_is_not_found(ask: Asking) -> None:
    assert ask.refusal("sendTelepathy") == (404, "Not Found: method not found")


def test_the_case_of_a_method_does_not_matter(ask: Asking) -> None:
    assert ask("GETME")["id"] == 123456


async def test_a_group_that_was_upgraded_names_its_heir(telegram: BotApi, bot: Bot) -> None:
    group = telegram.group(-5)
    telegram.user(ADA).upgrades(group, -1005)
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(-5, "hello?")
    assert moved.value.new_chat_id == -1005
    await bot.send_message(-1005, "hello")
    notes = [update.message for update in await bot.get_updates() if update.message]
    assert [note.migrate_to_chat_id for note in notes] == [-1005, None]
    assert [note.migrate_from_chat_id for note in notes] == [None, -5]


async def test_all_four_ways_to_send_parameters(ask: Asking) -> None:
    url = ask.telegram.url("sendMessage")
    fields = {"chat_id": str(ADA), "text": "a & b"}
    file = {"unused": ("a.txt", b"")}
    ask.client.get(url, params=fields)
    ask.client.post(url, data=fields)
    ask.client.post(url, json=fields)
    ask.client.post(url, data=fields, files=file)
    assert ask.telegram.chat(ADA).texts == ["a & b"] * 4


@pytest.mark.parametrize("body", ["{", "[1]"])
def test_a_body_that_is_no_object_is_refused(ask: Asking, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = ask.client.post(ask.telegram.url("getMe"), content=body, headers=headers)
    assert ask.refused(answer) == (400, "Bad Request: can't parse JSON object")


def test_a_form_without_a_boundary_is_refused(ask: Asking) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    answer = ask.client.post(ask.telegram.url("getMe"), content=b"x", headers=headers)
    assert ask.refused(answer) == (400, "Bad Request: boundary not found")


def test_a_body_beyond_the_limit_is_refused_unread(telegram: BotApi) -> None:
    head = f"POST /bot{TOKEN}/sendDocument HTTP/1.1\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", telegram.port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        assert b"413" in connection.recv(65536)


def test_everything_that_was_received_is_kept(ask: Asking) -> None:
    ask.says("the password is hunter2")
    ask.refusal("sendTelepathy", to="hunter3")
    said, thought = ask.telegram.requests
    assert b"hunter2" in said.body
    assert said.parameters["text"].endswith("hunter2")
    assert said.path.endswith("/sendMessage")
    assert said.answer is not None
    assert said.answer.json["ok"]
    assert thought.method == "sendTelepathy"
    assert ask.telegram.seen("sendmessage") == [said]


async def test_nobody_answers_while_it_is_down(telegram: BotApi, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=PATIENCE))
    await telegram.until(lambda: telegram.updates.polled)
    telegram.down()
    with pytest.raises(NetworkError):
        await poll
    for _ in range(3):
        with pytest.raises(NetworkError, match="ConnectError"):
            await bot.get_me()
    telegram.up()
    telegram.user(ADA).says("/status")
    assert len(await bot.get_updates()) == 1


def test_it_listens_on_all_addresses_under_one_port() -> None:
    with bot_api(addresses=("127.0.0.1", "127.0.0.2")) as telegram:
        for address in telegram.addresses:
            url = f"{telegram.base_url_at(address)}{TOKEN}/getMe"
            assert httpx.get(url, timeout=PATIENCE).json()["ok"]


async def test_two_instances_of_the_bot_conflict(telegram: BotApi, bot: Bot) -> None:
    older = asyncio.create_task(bot.get_updates(timeout=PATIENCE))
    await telegram.until(lambda: telegram.updates.polled)
    newer = asyncio.create_task(bot.get_updates(timeout=PATIENCE))
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await older
    telegram.user(ADA).says("/status")
    assert len(await newer) == 1


def test_a_defect_of_the_stand_in_ends_the_test() -> None:
    class Defective(dict[str, object]):
        def get(self, *_: object) -> object:
            raise ZeroDivisionError

    def use() -> None:
        with bot_api() as telegram:
            telegram.queries = Defective()  # type: ignore[assignment]
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.post(telegram.url("answerCallbackQuery"), timeout=PATIENCE)

    with pytest.raises(ZeroDivisionError):
        use()
