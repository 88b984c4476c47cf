"""The methods of the Bot API that this stand-in knows, by their names in lower case."""

import re
from collections.abc import Callable
from datetime import timedelta

from tests.bot_api.access import chat_of, require_unmoved, thread_of, writable_chat
from tests.bot_api.errors import ApiError, Json, bad_request
from tests.bot_api.request import Request
from tests.bot_api.sending import (
    delete_message,
    edit_message_text,
    send_document,
    send_message,
    send_photo,
)
from tests.bot_api.world import Notice, World

QUERY_LIFETIME = timedelta(minutes=15)
LONGEST_POLL = 50
LONGEST_NOTICE = 200
MOST_COMMANDS = 100
ACTIONS = frozenset({
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
})  # fmt: skip
_TOKEN = re.compile(r"[1-9]\d*:[\w-]+")
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")

Method = Callable[[World, Request], object]


def perform(world: World, request: Request) -> object:
    """Do what the request asks, and return its result.

    Raises:
        ApiError: Telegram would refuse it.
    """
    if not _TOKEN.fullmatch(request.token):
        raise ApiError(404, "Not Found")
    if request.token != world.token:
        raise ApiError(401, "Unauthorized")
    method = METHODS.get(request.method.lower())
    if method is None:
        raise ApiError(404, "Not Found: method not found")
    with world.changed:
        return method(world, request)


def get_me(world: World, _: Request) -> Json:
    abilities = {"can_join_groups": True, "can_read_all_group_messages": False}
    return world.bot | abilities | {"supports_inline_queries": False}


def get_updates(world: World, request: Request) -> list[Json]:
    wanted = request.json("allowed_updates")
    if isinstance(wanted, list):
        world.updates.allowed = frozenset(wanted) or None
    limit = max(1, min(100, request.number("limit", 100)))
    timeout = max(0, min(LONGEST_POLL, request.number("timeout")))
    return world.updates.poll(request.number("offset"), limit, timeout)


def answer_callback_query(world: World, request: Request) -> bool:
    query = world.queries.get(request.text("callback_query_id"))
    if query is None or query.notice or world.now() - query.at > QUERY_LIFETIME:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if len(request.text("text")) > LONGEST_NOTICE:
        raise bad_request("MESSAGE_TOO_LONG")
    query.notice = Notice(request.text("text"), request.flag("show_alert"))
    return True


def send_chat_action(world: World, request: Request) -> bool:
    chat = writable_chat(world, request)
    if request.text("action") not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    thread_of(request, chat)
    world.actions.append((chat.id, request.text("action")))
    return True


def set_my_commands(world: World, request: Request) -> bool:
    commands = request.json("commands", [])
    if not isinstance(commands, list):
        raise bad_request("expected an Array of BotCommand")
    if len(commands) > MOST_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not _COMMAND.fullmatch(command.get("command", "").removeprefix("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command.get("description", "")) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    scope = _scope(world, request)
    world.commands[scope] = commands
    return True


def delete_my_commands(world: World, request: Request) -> bool:
    world.commands.pop(_scope(world, request), None)
    return True


def _scope(world: World, request: Request) -> str:
    """The scope as it was sent, "" for the default; a chat that it names is one the bot knows."""
    scope = request.json("scope", {})
    if isinstance(scope, dict) and scope.get("type") == "default":
        return ""
    if isinstance(scope, dict) and "chat_id" in scope:
        chat = world.chats.get(int(scope["chat_id"]))
        if chat is None or chat.bot == "never started":
            raise bad_request("chat not found")
        require_unmoved(chat)
    return request.text("scope")


def delete_webhook(world: World, request: Request) -> bool:
    if request.flag("drop_pending_updates"):
        world.updates.forget()
    return True


def get_webhook_info(world: World, _: Request) -> Json:
    pending = world.updates.pending
    return {"url": "", "has_custom_certificate": False, "pending_update_count": pending}


def get_chat(world: World, request: Request) -> Json:
    every_chat_has = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": {
        "unlimited_gifts": False,
        "limited_gifts": False,
        "unique_gifts": False,
        "premium_subscription": False,
        "gifts_from_channels": False,
    }}  # fmt: skip
    chat = chat_of(world, request)
    if chat.type == "supergroup":  # unlike a group, it hides from those who are not in it
        chat = writable_chat(world, request)
    return chat.json() | every_chat_has


def leave_chat(world: World, request: Request) -> bool:
    chat = writable_chat(world, request)
    if chat.type == "private":
        raise bad_request("chat member status can't be changed in private chats")
    chat.bot = "left"
    return True


METHODS: dict[str, Method] = {
    "getme": get_me,
    "getupdates": get_updates,
    "sendmessage": send_message,
    "editmessagetext": edit_message_text,
    "deletemessage": delete_message,
    "answercallbackquery": answer_callback_query,
    "senddocument": send_document,
    "sendphoto": send_photo,
    "sendchataction": send_chat_action,
    "setmycommands": set_my_commands,
    "deletemycommands": delete_my_commands,
    "deletewebhook": delete_webhook,
    "getwebhookinfo": get_webhook_info,
    "getchat": get_chat,
    "leavechat": leave_chat,
}
