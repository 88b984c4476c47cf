"""The methods that write, change and remove messages."""

import struct
from dataclasses import replace
from datetime import timedelta

from tests.bot_api.access import admit, chat_of, message_of, thread_of, writable_chat
from tests.bot_api.chats import Chat, File, Message, Version
from tests.bot_api.errors import Json, bad_request
from tests.bot_api.keyboard import parse_reply_markup
from tests.bot_api.markup import Formatted, parse_html
from tests.bot_api.request import Request
from tests.bot_api.world import World

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
MOST_BYTES_BEFORE_PARSING = 1 << 15
WIDEST_PICTURE = 10_000  # width and height together
LONGEST_PICTURE = 20  # times as long as it is broad
DELETABLE = timedelta(hours=48)
PNG = b"\x89PNG\r\n\x1a\n"


def send_message(world: World, request: Request) -> Json:
    chat = writable_chat(world, request)
    content = _text(request, too_long="message is too long")
    return _send(world, request, chat, content, request.text("text"))


def send_document(world: World, request: Request) -> Json:
    return _send_file(world, request, _uploaded(world, request, "document"))


def send_photo(world: World, request: Request) -> Json:
    """Take a picture; PNG is the only format that this stand-in knows."""
    file = _uploaded(world, request, "photo")
    return _send_file(world, request, replace(file, size=_picture_size(file.content)))


def edit_message_text(world: World, request: Request) -> Json:
    chat = writable_chat(world, request)
    message = message_of(request, chat, "message to edit")
    content = _text(request, too_long="MESSAGE_TOO_LONG")
    if not message.from_bot:
        raise bad_request("message can't be edited")
    if message.file:
        raise bad_request("there is no text in the message to edit")
    markup = parse_reply_markup(request.text("reply_markup"), inline_only=True)
    version = Version(world.now(), request.text("text"), content, markup)
    if version.says_the_same_as(message.versions[-1]):
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly"
            " the same as a current content and reply markup of the message"
        )
    admit(world, chat)
    message.versions.append(version)
    return message.json()


def delete_message(world: World, request: Request) -> bool:
    chat = chat_of(world, request)
    message = message_of(request, chat, "message to delete")
    may = message.from_bot or chat.type == "private" or chat.bot == "administrator"
    if not may or message.service:
        raise bad_request("message can't be deleted")
    if world.now() - message.date > DELETABLE and chat.bot != "administrator":
        raise bad_request("message can't be deleted for everyone")
    message.deleted = True
    return True


def _send_file(world: World, request: Request, file: File) -> Json:
    chat = writable_chat(world, request)
    caption = _formatted(request, request.text("caption"))
    if len(caption) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    known = replace(file, id=f"file{next(world.ids)}")
    world.files[known.id] = known
    return _send(world, request, chat, caption, request.text("caption"), known)


def _send(  # noqa: PLR0913, PLR0917 - what a message is made of
    world: World,
    request: Request,
    chat: Chat,
    content: Formatted,
    html: str,
    file: File | None = None,
) -> Json:
    markup = parse_reply_markup(request.text("reply_markup"))
    message = Message(
        chat,
        next(world.ids),
        world.bot,
        [Version(world.now(), html, content, markup)],
        thread_of(request, chat),
        silent=request.flag("disable_notification"),
        file=file,
        reply_to=_replied(request, chat),
    )
    admit(world, chat)
    return world.write(message).json()


def _text(request: Request, *, too_long: str) -> Formatted:
    sent = request.text("text")
    if not sent:
        raise bad_request("message text is empty")
    content = _formatted(request, sent)
    if not content.text:
        raise bad_request("text must be non-empty")
    if len(content) > LONGEST_TEXT:
        raise bad_request(too_long)
    return content


def _formatted(request: Request, sent: str) -> Formatted:
    """Parse HTML; this stand-in takes Telegram's other ways to format text for mistakes."""
    if len(sent.encode()) > MOST_BYTES_BEFORE_PARSING:
        raise bad_request("text is too long")
    mode = request.text("parse_mode").lower()
    if mode not in {"", "html"}:
        raise bad_request("unsupported parse_mode")
    return (parse_html(sent) if mode else Formatted(sent)).trimmed()


def _replied(request: Request, chat: Chat) -> Message | None:
    sent = request.json("reply_parameters") or {"message_id": request.number("reply_to_message_id")}
    if not isinstance(sent, dict):
        raise bad_request("object expected as reply parameters")
    if not sent.get("message_id"):
        return None
    message = chat.find(sent["message_id"])
    if message is None and not sent.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return message


def _uploaded(world: World, request: Request, field: str) -> File:
    sent = request.text(field)
    if sent in world.files:
        return world.files[sent]
    file = request.files.get(sent.removeprefix("attach://") or field)
    if file is None and sent:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if file is None:
        raise bad_request(f"there is no {field} in the request")
    if not file.content:
        raise bad_request("file must be non-empty")
    return file


def _picture_size(content: bytes) -> tuple[int, int]:
    if not content.startswith(PNG) or len(content) < 24:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = struct.unpack(">II", content[16:24])
    if width + height > WIDEST_PICTURE or max(width, height) > LONGEST_PICTURE * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return width, height
