"""What can never arrive: it is dropped, and said where it can be.

A chat that takes nothing any more is remembered, and the others hear of it once. Nothing is sent
there, and nothing tried again and again, until somebody there writes or some hours have passed.
"""

import asyncio
import logging
from collections.abc import Sequence

from bot.domain.roles import ChatPlace
from bot.entrypoints.telegram import away_texts, texts
from bot.entrypoints.telegram.outgoing import Outgoing, copy_for
from bot.entrypoints.telegram.queue import is_progress
from bot.services.journal_ports import Message, Queued
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

TRY_AGAIN = 6 * 3600.0
"""Seconds after which something is sent there all the same: an unblocking is never told."""

_UNDELIVERED = "undelivered:"
_OUT_OF_REACH = "unreachable:"


class Undelivered:
    """Gives messages and chats up; *people* hear of it."""

    def __init__(self, outgoing: Outgoing, clock: Clock, people: Sequence[int]) -> None:
        self._outgoing = outgoing
        self._clock = clock
        self._people = people
        self._closed: dict[int, tuple[str, float]] = {}  # by chat: why, and until when
        self._giving_up = asyncio.Lock()  # or two copies would each find that it was the last

    def why_closed(self, chat: int) -> str:
        """Why nothing is sent to *chat* now, "" where it may be tried."""
        why, until = self._closed.get(chat, ("", 0.0))
        return why if self._clock.monotonic() < until else ""

    def heard_from(self, chat: int) -> None:
        """Somebody has written there, or something has arrived: it is tried again."""
        self._closed.pop(chat, None)

    async def close(self, chat: int, reason: str) -> None:
        """Send nothing more to *chat*, and let the others know; once, over any restart."""
        self._closed[chat] = reason, self._clock.monotonic() + TRY_AGAIN
        logger.warning("chat: %s cannot be reached: %s", chat, reason)
        last = await self._outgoing.outbox.last_arrived(chat)  # what came later makes it news again
        notice = Message(
            key=f"{_OUT_OF_REACH}{chat}:{last}",
            chat=0,
            text=away_texts.out_of_reach(chat, reason),
        )
        for person in self._people:
            if person != chat:
                await self._outgoing.put(copy_for(ChatPlace(person), notice))

    async def give_up(self, rows: Sequence[Queued], reason: str) -> None:
        """Drop what can never arrive, and say it where it can."""
        for row in rows:
            key, chat = row.message.key, row.message.chat
            logger.warning("chat: %s for chat %s: %s", key, chat, reason)
            async with self._giving_up:
                await self._outgoing.outbox.drop(row.number, reason)
                if row.message_id is None and not is_progress(row):
                    await self._tell_others(row, reason)

    async def _tell_others(self, row: Queued, reason: str) -> None:
        """Tell the other people of a message, unless a copy has reached somebody or still may."""
        if row.message.key.startswith(_OUT_OF_REACH):
            return
        copies = await self._outgoing.copies(row.message)
        if any(each.message_id is not None or not each.dropped for each in copies):
            return
        gone = {row.message.chat, *(each.message.chat for each in copies)}
        others = [chat for chat in self._people if chat not in gone]
        if not others or row.message.key.startswith(_UNDELIVERED):
            logger.error("chat: nobody could be told what %s says: %s", row.message.key, reason)
            return
        text = texts.undelivered(row.message.chat, reason, row.message.text)
        key = f"{_UNDELIVERED}{row.message.key}"
        for chat in others:
            message = Message(key=key, chat=chat, text=text)
            await self._outgoing.put(copy_for(ChatPlace(chat), message), row.written)
