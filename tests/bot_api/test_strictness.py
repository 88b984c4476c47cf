"""What Telegram refuses to write, to change and to answer, in its own words."""

from typing import Any

import pytest

from tests.bot_api.conftest import ADA, Asking, Clock, bad

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def keyboard(*buttons: Any) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


def button(text: str = "Yes", data: str = "yes") -> dict[str, str]:
    return {"text": text, "callback_data": data}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "message text is empty"),
        (" \n ", "text must be non-empty"),
        ("<b></b>", "text must be non-empty"),
        ("x" * 4097, "message is too long"),
        ("\U0001f600" * 2048 + "x", "message is too long"),
        ("&#120;" * 4097, "message is too long"),
        ("<b>x</b>" * 4096 + "x", "text is too long"),
    ],
)
def test_texts(ask: Asking, text: str, why: str) -> None:
    parameters = {"chat_id": ADA, "text": text, "parse_mode": "HTML"}
    assert ask.refusal("sendMessage", **parameters) == bad(why)
    assert ask.telegram.chat(ADA).messages == []


def test_a_text_is_measured_after_parsing(ask: Asking) -> None:
    ask.says("<i>" + "\U0001f600" * 2047 + "xx</i>", parse_mode="HTML")


def test_other_parse_modes_are_mistakes(ask: Asking) -> None:
    refusal = ask.refusal("sendMessage", chat_id=ADA, text="*x*", parse_mode="MarkdownV2")
    assert refusal == bad("unsupported parse_mode")


def test_captions(ask: Asking) -> None:
    parameters = {"chat_id": ADA, "parse_mode": "HTML"}
    url, file = ask.telegram.url("sendDocument"), {"document": ("a", b"a")}
    fits = parameters | {"caption": "<b>" + "x" * 1024 + "</b>"}
    assert ask.client.post(url, data=fits, files=file).json()["ok"]
    answer = ask.client.post(url, data=parameters | {"caption": "x" * 1025}, files=file)
    assert ask.refused(answer) == bad("message caption is too long")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "file must be non-empty"),
        (b"GIF89a" + bytes(30), "IMAGE_PROCESS_FAILED"),
        (PNG, "IMAGE_PROCESS_FAILED"),
        (PNG + b"\0\0\x27\x0f\0\0\0\2", "PHOTO_INVALID_DIMENSIONS"),
        (PNG + b"\0\0\0\x64\0\0\0\4", "PHOTO_INVALID_DIMENSIONS"),
    ],
)
def test_pictures(ask: Asking, content: bytes, why: str) -> None:
    url, file = ask.telegram.url("sendPhoto"), {"photo": ("a.png", content)}
    assert ask.refused(ask.client.post(url, data={"chat_id": ADA}, files=file)) == bad(why)


def test_a_file_must_come_with_the_request(ask: Asking) -> None:
    missing = ask.refusal("sendDocument", chat_id=ADA)
    assert missing == bad("there is no document in the request")
    unknown = ask.refusal("sendDocument", chat_id=ADA, document="file99")
    assert unknown == bad("wrong file identifier/HTTP URL specified")


@pytest.mark.parametrize(
    ("markup", "why"),
    [
        ("{", "can't parse reply keyboard markup JSON object"),
        ([], "object expected as reply markup"),
        (
            {"inline_keyboard": [button()]},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        (
            keyboard("Yes"),
            "can't parse inline keyboard button: InlineKeyboardButton must be an Object",
        ),
        (keyboard({}), "can't parse inline keyboard button: Can't find field \"text\""),
        (
            keyboard(button(text=" ")),
            'can\'t parse inline keyboard button: Field "text" must be non-empty',
        ),
        (
            keyboard({"text": "Yes"}),
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (keyboard(button(data="")), "BUTTON_DATA_INVALID"),
        (keyboard(button(data="x" * 65)), "BUTTON_DATA_INVALID"),
        (keyboard(button(data="é" * 33)), "BUTTON_DATA_INVALID"),
        (keyboard({"text": "Open", "url": "javascript:alert()"}), "BUTTON_URL_INVALID"),
        ({"inline_keyboard": [[button()]] * 101}, "reply markup is too long"),
    ],
)
def test_keyboards(ask: Asking, markup: object, why: str) -> None:
    refusal = ask.refusal("sendMessage", chat_id=ADA, text="x", reply_markup=markup)
    assert refusal == bad(why)


def test_what_a_keyboard_may_hold(ask: Asking) -> None:
    link = {"text": "Open", "url": "https://auth.example.org/if/admin"}
    ask.says("x", reply_markup={"inline_keyboard": [[button(data="é" * 32)], [], [link]]})
    rows = ask.telegram.chat(ADA).last.buttons
    assert [[it.label for it in row] for row in rows] == [["Yes"], ["Open"]]
    ask.says("x", reply_markup={"remove_keyboard": True})
    assert ask.telegram.chat(ADA).last.buttons == []


class TestEdits:
    def refusal(self, ask: Asking, message: int, text: str = "new", **more: Any) -> tuple[int, str]:
        sent = {"chat_id": ADA, "message_id": message, "text": text}
        return ask.refusal("editMessageText", **sent, **more)

    @pytest.mark.parametrize("text", ["<b>10</b> %", " <b>10</b> % ", "<strong>10</strong> &#37;"])
    def test_that_change_nothing(self, ask: Asking, text: str) -> None:
        sent = ask.says("<b>10</b> %", parse_mode="HTML", reply_markup=keyboard(button()))
        same = {"parse_mode": "HTML", "reply_markup": keyboard(button())}
        assert self.refusal(ask, sent["message_id"], text, **same) == bad(NOT_MODIFIED)
        assert ask.telegram.chat(ADA).last.edits == []

    @pytest.mark.parametrize(
        "change",
        [
            {"text": "11 %"},
            {"text": "<b>10</b> %"},
            {"reply_markup": keyboard(button("No"))},
            {"reply_markup": None},
        ],
    )
    def test_that_change_a_little(self, ask: Asking, change: dict[str, Any]) -> None:
        content = {"text": "10 %", "parse_mode": "HTML", "reply_markup": keyboard(button())}
        sent = ask("sendMessage", chat_id=ADA, **content)
        new = {name: value for name, value in (content | change).items() if value}
        ask("editMessageText", chat_id=ADA, message_id=sent["message_id"], **new)
        assert len(ask.telegram.chat(ADA).last.edits) == 1

    def test_of_nothing(self, ask: Asking) -> None:
        assert self.refusal(ask, 99) == bad("message to edit not found")
        sent = ask.says("x")
        ask("deleteMessage", chat_id=ADA, message_id=sent["message_id"])
        assert self.refusal(ask, sent["message_id"]) == bad("message to edit not found")
        nameless = ask.refusal("editMessageText", chat_id=ADA, text="x")
        assert nameless == bad("message identifier is not specified")

    def test_of_what_others_wrote(self, ask: Asking) -> None:
        said = ask.telegram.user(ADA).says("/status")
        assert self.refusal(ask, said.id) == bad("message can't be edited")

    def test_of_a_document(self, ask: Asking) -> None:
        answer = ask.client.post(
            ask.telegram.url("sendDocument"),
            data={"chat_id": ADA},
            files={"document": ("a", b"a")},
        )
        sent = answer.json()["result"]["message_id"]
        assert self.refusal(ask, sent) == bad("there is no text in the message to edit")

    def test_to_something_wrong(self, ask: Asking) -> None:
        sent = ask.says("x")["message_id"]
        assert self.refusal(ask, sent, "") == bad("message text is empty")
        assert self.refusal(ask, sent, "x" * 4097) == bad("MESSAGE_TOO_LONG")
        other = {"remove_keyboard": True}
        assert self.refusal(ask, sent, reply_markup=other) == bad("inline keyboard expected")


class TestDeletions:
    def refusal(self, ask: Asking, chat: int, message: int) -> tuple[int, str]:
        return ask.refusal("deleteMessage", chat_id=chat, message_id=message)

    def test_after_two_days(self, ask: Asking, clock: Clock) -> None:
        sent = ask.says("x")["message_id"]
        clock.advance(hours=49)
        assert self.refusal(ask, ADA, sent) == bad("message can't be deleted for everyone")

    def test_of_what_others_wrote_in_a_group(self, ask: Asking) -> None:
        ada, group = ask.telegram.user(ADA), ask.telegram.supergroup(-100)
        said = ada.says("my password is hunter2", group)
        assert self.refusal(ask, -100, said.id) == bad("message can't be deleted")
        ada.promotes_bot(group)
        assert ask("deleteMessage", chat_id=-100, message_id=said.id)


class TestQueries:
    def refusal(self, ask: Asking, query: str, **more: Any) -> tuple[int, str]:
        return ask.refusal("answerCallbackQuery", callback_query_id=query, **more)

    def pressed(self, ask: Asking) -> str:
        ask.says("Sure?", reply_markup=keyboard(button()))
        return ask.telegram.user(ADA).presses(ask.telegram.chat(ADA).last, "Yes")

    def test_that_nobody_asked(self, ask: Asking) -> None:
        assert self.refusal(ask, "1") == bad(TOO_OLD)

    def test_that_were_answered(self, ask: Asking) -> None:
        query = self.pressed(ask)
        ask("answerCallbackQuery", callback_query_id=query)
        assert self.refusal(ask, query) == bad(TOO_OLD)

    def test_that_waited_too_long(self, ask: Asking, clock: Clock) -> None:
        query = self.pressed(ask)
        clock.advance(minutes=16)
        assert self.refusal(ask, query) == bad(TOO_OLD)

    def test_that_are_answered_at_length(self, ask: Asking) -> None:
        refusal = self.refusal(ask, self.pressed(ask), text="x" * 201)
        assert refusal == bad("MESSAGE_TOO_LONG")
