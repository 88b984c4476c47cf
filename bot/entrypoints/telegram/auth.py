"""Who may talk to the bot: the people on the lists, as themselves; nobody else gets an answer.

Where groups are named, people are listened to there and in private. What others write, or write
elsewhere, is nobody's business here: it does not even reach the journal.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from telegram import Message, Update, User
from telegram.ext import ApplicationHandlerStop

from bot.domain.origin import chat_words
from bot.domain.roles import Access
from bot.entrypoints.telegram.moves import MovedGroups, move_in
from bot.entrypoints.telegram.reading import asked_in, is_for, word_in
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

_AUDIT_INTERVAL = timedelta(hours=1)
_MOST_STRANGERS = 1000  # named within an hour
_CROWD = (0, 0)  # stands for all others
_CROWD_WORDS = f"{_MOST_STRANGERS} lines of who got no answer within an hour"
_OF_MOVES = {"message_id", "date", "migrate_to_chat_id", "migrate_from_chat_id"}


class Gate:
    """The handler before all others: stops every update that does not count."""

    def __init__(self, access: Access, moved: MovedGroups, clock: Clock) -> None:
        self._access = access
        self._moved = moved
        self._clock = clock
        self._noted: dict[tuple[int, int], datetime] = {}

    @property
    def is_shut(self) -> bool:
        """Whether there is nobody whom it lets pass."""
        return not self._access.people

    def keep(self, payload: Mapping[str, Any], update: Update | None, me: str) -> Mapping[str, Any]:
        """What is written down of an update: all of it only where it is for this bot, called *me*.

        Of any other there is its number, whose it was and when, and a stranger is noted in the log.
        """
        if update and move_in(update.message):
            return _move_alone(payload)
        person = _sender(update) if update else None
        is_let_in = update and person and self._is_let_in(person, update)
        if update and is_let_in and _is_meant(update, me):
            return payload
        kept: dict[str, Any] = {"update_id": payload["update_id"]}
        if update and update.effective_user:
            kept["from"] = update.effective_user.id
        if update and update.effective_message:
            kept["date"] = int(update.effective_message.date.timestamp())
        return kept

    async def __call__(self, update: Update, _: Any) -> None:
        """Let the update pass or raise ApplicationHandlerStop."""
        if move := move_in(update.message):
            await self._moved.follow(*move)
            raise ApplicationHandlerStop
        person = _sender(update)
        if person is None or not self._is_let_in(person, update):
            raise ApplicationHandlerStop

    def _is_let_in(self, person: User, update: Update) -> bool:
        """Whether *person* is on a list and is listened to there; if not, the log says so."""
        chat, topic = _place(update)
        if self._access.role_of(person.id) is None:
            self._note((person.id, 0), chat, topic, "is not allowed")
            return False
        if not self._access.listens_in(chat, topic, self._moved.known):
            why = "is not listened to there (AKBOT_TELEGRAM_CHATS)"
            self._note((person.id, chat), chat, topic, why)
            return False
        return True

    def _note(self, who: tuple[int, int], chat: int, topic: int | None, why: str) -> None:
        """Write it into the log, once an hour at most for each *who*: a person, and where.

        Of a crowd the first ones are named, and the others together.
        """
        self._forget_old_notes()
        if who in self._noted:
            return
        is_crowd = len(self._noted) >= _MOST_STRANGERS
        if is_crowd and _CROWD in self._noted:
            return
        self._noted[_CROWD if is_crowd else who] = self._clock.now()
        if is_crowd:
            logger.warning("chat: %s; others get no answer either", _CROWD_WORDS)
            return
        logger.warning("chat: user %s %s %s: no answer", who[0], chat_words(chat, topic), why)

    def _forget_old_notes(self) -> None:
        """They stand in the order in which they were written."""
        now = self._clock.now()
        while self._noted:
            oldest = next(iter(self._noted))
            if now - self._noted[oldest] < _AUDIT_INTERVAL:
                return
            del self._noted[oldest]


def _place(update: Update) -> tuple[int, int | None]:
    """The chat, and the topic where there is one."""
    message = update.effective_message
    if message is None:
        return 0, None
    return message.chat_id, message.message_thread_id if message.is_topic_message else None


def _move_alone(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The update that tells of a group's move, without who made it and what the group is called."""
    message = {name: payload["message"][name] for name in _OF_MOVES & payload["message"].keys()}
    chat = {name: payload["message"]["chat"][name] for name in ("id", "type")}
    return {"update_id": payload["update_id"], "message": message | {"chat": chat}}


def _is_meant(update: Update, me: str) -> bool:
    """Whether it is a press, a word that may be an answer, or a command for the bot called *me*."""
    if update.callback_query or word_in(update.message):
        return True
    return is_for(asked_in(update.message), me)


def _sender(update: Update) -> User | None:
    """The person behind a new message or a press; None for all that has none.

    A message in the name of a chat (anonymous administrators, channels), an edited one, one that
    was forwarded and one that an inline bot has written are nobody's command; who presses in such a
    name comes as a bot of Telegram's own. Of a press under what cannot be seen any more nobody can
    say what it was about; the library makes a Message of that as well.
    """
    if query := update.callback_query:
        is_there = isinstance(query.message, Message) and query.message.is_accessible
        return query.from_user if is_there and not query.from_user.is_bot else None
    message = update.message
    if message is None or message.sender_chat or message.forward_origin or message.via_bot:
        return None
    return message.from_user if message.from_user and not message.from_user.is_bot else None
