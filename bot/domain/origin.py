"""Where in a chat a job was asked for, as the job carries it in its `origin`."""

import re
from dataclasses import dataclass

_ORIGIN = re.compile(
    r"telegram:(\d{1,20}):(-?\d{1,20}):(\d{1,20}):(\d{1,20})(?::[a-z0-9.-]{1,64})?"
)


@dataclass(frozen=True)
class ChatOrigin:
    """A message in a chat; *bot* is the number of the bot that it was sent to."""

    bot: int
    chat: int
    topic: int | None
    message: int


def read_origin(origin: str) -> ChatOrigin | None:
    """None where a job came from elsewhere."""
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        return None
    bot, chat, topic, message = map(int, found.groups())
    return ChatOrigin(bot, chat, topic or None, message)


def where(origin: str) -> str:
    """In words: `in private`, `in group -1001234567890, topic 7`; "" for what no chat has begun."""
    place = read_origin(origin)
    return chat_words(place.chat, place.topic) if place else ""


def chat_words(chat: int, topic: int | None) -> str:
    """A chat in words; groups have negative numbers."""
    if chat > 0:
        return "in private"
    return f"in group {chat}{f', topic {topic}' if topic else ''}"
