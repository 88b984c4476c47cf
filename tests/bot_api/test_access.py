"""Where the bot may write and how often, and what else Telegram refuses."""

import json

import pytest

from tests.bot_api.conftest import ADA, Asking, Clock, bad
from tests.bot_api.limits import RateLimits


@pytest.mark.parametrize("chat", [8, "@team", -100])
def test_unknown_chats(ask: Asking, chat: object) -> None:
    assert ask.refusal("sendMessage", chat_id=chat, text="x") == bad("chat not found")
    assert ask.refusal("getChat", chat_id=chat) == bad("chat not found")


def test_a_chat_must_be_named(ask: Asking) -> None:
    assert ask.refusal("sendMessage", text="x") == bad("chat_id is empty")


def test_people_who_want_no_messages(ask: Asking) -> None:
    ada = ask.telegram.user(ADA)
    ada.blocks_bot()
    blocked = (403, "Forbidden: bot was blocked by the user")
    assert ask.refusal("sendMessage", chat_id=ADA, text="x") == blocked
    assert ask.refusal("sendChatAction", chat_id=ADA, action="typing") == blocked
    ada.unblocks_bot()
    ask.says("x")
    ask.telegram.user(8, "Grace", started=False)
    stranger = (403, "Forbidden: bot can't initiate conversation with a user")
    assert ask.refusal("sendMessage", chat_id=8, text="x") == stranger


def test_groups_that_the_bot_was_kicked_from(ask: Asking) -> None:
    ada = ask.telegram.user(ADA)
    group, supergroup = ask.telegram.group(-5), ask.telegram.supergroup(-100)
    ada.kicks_bot(group)
    ada.kicks_bot(supergroup)
    assert ask("getChat", chat_id=-5)["id"] == -5
    kicked = (403, "Forbidden: bot was kicked from the group chat")
    assert ask.refusal("sendMessage", chat_id=-5, text="x") == kicked
    assert ask.refusal("getChat", chat_id=-100)[1].endswith("kicked from the supergroup chat")
    ada.adds_bot(group)
    ask("sendMessage", chat_id=-5, text="x")


def test_an_upgraded_group(ask: Asking) -> None:
    ask.telegram.user(ADA).upgrades(ask.telegram.group(-5), -1005)
    answer = ask.post("sendMessage", chat_id=-5, text="x")
    assert ask.refused(answer) == bad("group chat was upgraded to a supergroup chat")
    assert answer.json()["parameters"] == {"migrate_to_chat_id": -1005}


def test_topics(ask: Asking) -> None:
    ask.telegram.supergroup(-100, topics={5: "Backups", 7: "Old"})
    sent = ask("sendMessage", chat_id=-100, text="x", message_thread_id=5)
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (5, True)
    ask.telegram.chat(-100).deleted_topics.add(7)
    for chat, thread in ((-100, 6), (-100, 7), (ADA, 5)):
        refusal = ask.refusal("sendMessage", chat_id=chat, text="x", message_thread_id=thread)
        assert refusal == bad("message thread not found")


def test_replies(ask: Asking) -> None:
    said = ask.telegram.user(ADA).says("/status")
    sent = ask.says("fine", reply_parameters={"message_id": said.id})
    assert sent["reply_to_message"]["text"] == "/status"
    gone = {"message_id": 99}
    refusal = ask.refusal("sendMessage", chat_id=ADA, text="x", reply_parameters=gone)
    assert refusal == bad("message to be replied not found")
    ask.says("x", reply_parameters=gone | {"allow_sending_without_reply": True})
    assert ask.refusal("sendMessage", chat_id=ADA, text="x", reply_parameters=[1])[0] == 400


def test_actions_are_known(ask: Asking) -> None:
    elsewhere = ask.refusal("sendChatAction", chat_id=ADA, action="typing", message_thread_id=5)
    assert elsewhere == bad("message thread not found")
    refusal = ask.refusal("sendChatAction", chat_id=ADA, action="sleeping")
    assert refusal == bad("wrong parameter action in request")


@pytest.mark.parametrize(
    ("commands", "why"),
    [
        ([{"command": "Status", "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "status", "description": ""}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": "x", "description": "x"}] * 101, "BOT_COMMANDS_TOO_MUCH"),
        ({}, "expected an Array of BotCommand"),
    ],
)
def test_commands(ask: Asking, commands: object, why: str) -> None:
    assert ask.refusal("setMyCommands", commands=json.dumps(commands)) == bad(why)


def test_json_in_a_parameter(ask: Asking) -> None:
    refusal = ask.refusal("setMyCommands", commands="[")
    assert refusal == bad("can't parse commands JSON object")


def test_a_private_chat_cannot_be_left(ask: Asking) -> None:
    refusal = ask.refusal("leaveChat", chat_id=ADA)
    assert refusal == bad("chat member status can't be changed in private chats")


class TestRateLimits:
    def test_of_a_chat(self, ask: Asking, clock: Clock) -> None:
        ask.telegram.limits = RateLimits(burst=3)
        sent = [ask.says("x")["message_id"] for _ in range(3)]
        answer = ask.post("sendMessage", chat_id=ADA, text="x")
        assert ask.refused(answer) == (429, "Too Many Requests: retry after 1")
        assert answer.json()["parameters"] == {"retry_after": 1}
        assert answer.headers["Retry-After"] == "1"
        edit = {"chat_id": ADA, "message_id": sent[0], "text": "y"}
        assert ask.refusal("editMessageText", **edit)[0] == 429
        clock.advance(seconds=1)
        ask("editMessageText", **edit)
        assert ask.refusal("sendMessage", chat_id=ADA, text="x")[0] == 429

    def test_of_one_chat_are_not_those_of_another(self, ask: Asking) -> None:
        ask.telegram.limits = RateLimits(burst=1)
        ask.telegram.user(8, "Grace")
        ask.says("x")
        ask("sendMessage", chat_id=8, text="x")

    def test_of_a_group(self, ask: Asking, clock: Clock) -> None:
        ask.telegram.limits = RateLimits()
        ask.telegram.supergroup(-100)
        for _ in range(20):
            ask("sendMessage", chat_id=-100, text="x")
            ask.says("a private chat has no such limit")
            clock.advance(seconds=1)
        ask.says("x")
        refusal = ask.refusal("sendMessage", chat_id=-100, text="x")
        assert refusal == (429, "Too Many Requests: retry after 40")
        clock.advance(seconds=40)
        ask("sendMessage", chat_id=-100, text="x")
