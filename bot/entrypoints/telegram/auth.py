"""Who may talk to the bot: the people on the list, as themselves; nobody else gets an answer."""

import logging
from datetime import datetime, timedelta
from typing import Any

from telegram import Message, Update, User
from telegram.ext import ApplicationHandlerStop

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
