"""Who may talk to the bot: the people on the list, as themselves; nobody else gets an answer.

What others write is nobody's business here: it does not even reach the journal.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from telegram import Message, Update, User
from telegram.ext import ApplicationHandlerStop

from bot.entrypoints.telegram.reading import asked_in, is_for, word_in
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

_AUDIT_INTERVAL = timedelta(hours=1)
_MOST_STRANGERS = 1000


class Gate:
    """The handler before all others: stops every update that does not count."""

    def __init__(self, allowed: frozenset[int], clock: Clock) -> None:
        self._allowed = allowed
        self._clock = clock
        self._noted: dict[int, datetime] = {}

    @property
    def is_shut(self) -> bool:
        """Whether there is nobody whom it lets pass."""
        return not self._allowed

    def keep(self, payload: Mapping[str, Any], update: Update | None, me: str) -> Mapping[str, Any]:
        """What is written down of an update: all of it only where it is for this bot, called *me*.

        Of any other there is its number, whose it was and when, and a stranger is noted in the log.
        """
        person = _sender(update) if update else None
        if update and person:
            if person.id not in self._allowed:
                self._note(person, update)
            elif update.callback_query or word_in(update.message) or _is_command(update, me):
                return payload
        kept: dict[str, Any] = {"update_id": payload["update_id"]}
        if update and update.effective_user:
            kept["from"] = update.effective_user.id
        if update and update.effective_message:
            kept["date"] = int(update.effective_message.date.timestamp())
        return kept

    async def __call__(self, update: Update, _: Any) -> None:
        """Let the update pass or raise ApplicationHandlerStop."""
        person = _sender(update)
        if person is None:
            raise ApplicationHandlerStop
        if person.id not in self._allowed:
            self._note(person, update)
            raise ApplicationHandlerStop

    def _note(self, stranger: User, update: Update) -> None:
        """Write the stranger into the log, once an hour at most."""
        now = self._clock.now()
        last = self._noted.get(stranger.id)
        if last and now - last < _AUDIT_INTERVAL:
            return
        if len(self._noted) >= _MOST_STRANGERS:
            del self._noted[next(iter(self._noted))]
        self._noted.pop(stranger.id, None)
        self._noted[stranger.id] = now
        chat = update.effective_chat.id if update.effective_chat else "?"
        logger.warning("chat: user %s in chat %s is not allowed: no answer", stranger.id, chat)


def _is_command(update: Update, me: str) -> bool:
    return is_for(asked_in(update.message), me)


def _sender(update: Update) -> User | None:
    """The person behind a new message or a press; None for all that has none.

    A message in the name of a chat (anonymous administrators, channels), an edited one and one that
    was forwarded are nobody's command.
    """
    if update.callback_query:
        message = update.callback_query.message
        return update.callback_query.from_user if isinstance(message, Message) else None
    message = update.message
    if message is None or message.sender_chat or message.forward_origin:
        return None
    return message.from_user if message.from_user and not message.from_user.is_bot else None
