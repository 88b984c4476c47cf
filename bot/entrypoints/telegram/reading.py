"""From the library's messages to what was asked."""

import re
from datetime import datetime

from telegram import Message
from telegram.ext import filters

from bot.domain.orders import OrderKind
from bot.domain.roles import Act
from bot.entrypoints.telegram.ages import STALE
from bot.entrypoints.telegram.asked import Asked, Person, Place, command_text
from bot.entrypoints.telegram.command_table import COMMANDS
from bot.entrypoints.telegram.lanes import Turn
from bot.entrypoints.telegram.pressed import RESTORE, ROLLBACK
from bot.entrypoints.telegram.typed import Reply

WORDS = {ROLLBACK: Act.ROLLBACK, RESTORE: Act.RESTORE}
"""What is typed as the answer to a question where pressing would be too easy, and what it does."""

_A_WORD = re.compile(r"\s*([A-Za-z]+)\s?[.!]?\s*")


def asked_in(message: Message | None) -> Asked | None:
    """The command that *message* is; None for any other message."""
    if message is None or message.from_user is None or not message.text:
        return None
    if not filters.COMMAND.filter(message):
        return None
    return Asked(
        place=place_of(message),
        person=Person(id=message.from_user.id, name=message.from_user.first_name),
        text=command_text(message.text),
        sent=message.date,
    )


def word_in(message: Message | None) -> str:
    """The word of WORDS that is all of *message*, "" for any other message.

    One full stop or exclamation mark is a phone's keyboard's; a question mark is somebody's.
    """
    found = _A_WORD.fullmatch(message.text or "") if message else None
    word = found[1].lower() if found else ""
    return word if word in WORDS else ""


def reply_in(message: Message) -> Reply | None:
    """What *message* replies to, None where it is no reply.

    In a topic all that is written replies to the topic's first message by itself.
    """
    if message.external_reply or message.reply_to_story:
        return Reply(message_id=None, is_to_me=False)
    replied = message.reply_to_message
    if replied is None:
        return None
    if message.is_topic_message and replied.message_id == message.message_thread_id:
        return None
    me, author = message.get_bot().id, replied.from_user
    return Reply(message_id=replied.message_id, is_to_me=author is not None and author.id == me)


def turn_of(message: Message | None, me: str, now: datetime) -> Turn:
    """What may overtake *message*, or be overtaken by it; what is stale is offered in order."""
    asked = asked_in(message)
    if asked is None or not is_for(asked, me) or now - asked.sent > STALE:
        return Turn.IN_ORDER
    if asked.command not in COMMANDS:
        return Turn.IN_ORDER
    act = COMMANDS[asked.command].act
    if act is Act.CANCEL and not asked.words:
        return Turn.STOPS
    return Turn.IN_ORDER if act in [*OrderKind] else Turn.LOOKS


def place_of(message: Message) -> Place:
    """Where *message* stands."""
    thread = message.message_thread_id if message.is_topic_message else None
    bot, chat = message.get_bot().id, message.chat_id
    return Place(bot=bot, chat=chat, thread=thread, message_id=message.message_id)


def is_for(asked: Asked | None, me: str) -> bool:
    """Whether it is a command, and for the bot called *me*.

    What is addressed to another bot is that one's; in a group, so is what is to nobody, unless it
    is a command that this one knows.
    """
    if asked is None:
        return False
    if asked.address:
        return asked.address == me.lower()
    return not asked.place.is_group or asked.command in COMMANDS
