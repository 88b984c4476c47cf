"""What can never arrive: it is dropped, and said where it can be.

A chat that takes nothing any more is remembered, and the others hear of it once. Nothing is sent
there, and nothing tried again and again, until somebody there writes or some hours have passed.
Once something arrives there, it is told what did not before.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, tzinfo

from bot.domain.roles import ChatPlace
from bot.entrypoints.telegram import away_texts, texts
from bot.entrypoints.telegram.outgoing import Outgoing, copy_for
from bot.entrypoints.telegram.queue import is_progress
from bot.entrypoints.telegram.texts import Wall
from bot.services.journal_ports import Message, Queued
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

TRY_AGAIN = 6 * 3600.0
"""Seconds after which something is sent there all the same: an unblocking is never told."""

_UNDELIVERED = "undelivered:"
_OUT_OF_REACH = "unreachable:"
_MISSED = "missed:"


class Undelivered:
    """Gives messages and chats up; *people* hear of it."""

    def __init__(
        self, outgoing: Outgoing, clock: Clock, zone: tzinfo, people: Sequence[int]
    ) -> None:
        self._outgoing = outgoing
        self._clock = clock
        self._zone = zone
        self._people = people
        self._closed: dict[int, tuple[str, float]] = {}  # by chat: why, and until when
        self._complete: set[int] = set()  # chats: all that did not arrive is told there
        self._giving_up = asyncio.Lock()  # or two copies would each find that it was the last

    def why_closed(self, chat: int) -> str:
        """Why nothing is sent to *chat* now, "" where it may be tried."""
        why, until = self._closed.get(chat, ("", 0.0))
        return why if self._clock.monotonic() < until else ""

    def heard_from(self, chat: int) -> None:
        """Somebody has written there: it is tried again."""
        self._closed.pop(chat, None)

    async def arrives(self, message: Message) -> None:
        """It has, which the outbox does not know yet: its chat is told what did not before."""
        chat = message.chat
        self.heard_from(chat)
        if chat in self._complete:
            return
        dropped = await self._outgoing.outbox.given_up(chat)
        if told := await self._untold(dropped):
            key = f"{_MISSED}{chat}:{dropped[-1].number}"
            text = away_texts.missed(told, Wall(self._clock.now(), self._zone))
            await self._outgoing.put(Message(key=key, chat=chat, thread=message.thread, text=text))
        self._complete.add(chat)

    async def _untold(self, dropped: Sequence[Queued]) -> Sequence[tuple[datetime, str]]:
        """When each was written, and its text; each once, though it failed in plain words too."""
        plain = {row.message.key: row for row in await self._outgoing.named(_MISSED)}
        again = {row.number: plain.get(f"{_MISSED}{row.message.key}") for row in dropped}
        failed = {row.number for row in again.values() if row and row.dropped}
        told = {number for number, row in again.items() if row and not row.dropped}
        return [
            (row.written, row.message.text)
            for row in dropped
            if not is_progress(row) and row.number not in failed | told
        ]

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
            self._complete.discard(chat)
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
        is_told_of_another = row.message.key.startswith((_UNDELIVERED, _MISSED))
        if not others and not is_told_of_another and not self.why_closed(row.message.chat):
            await self._say_plainly(row, reason)
            return
        if not others or is_told_of_another:
            logger.error("chat: nobody could be told what %s says: %s", row.message.key, reason)
            return
        text = texts.undelivered(row.message.chat, reason, row.message.text)
        key = f"{_UNDELIVERED}{row.message.key}"
        for chat in others:
            message = Message(key=key, chat=chat, text=text)
            await self._outgoing.put(copy_for(ChatPlace(chat), message), row.written)

    async def _say_plainly(self, row: Queued, reason: str) -> None:
        """Once more in the same chat: its markup or its buttons may be what is not taken."""
        message = Message(
            key=f"{_MISSED}{row.message.key}",
            chat=row.message.chat,
            thread=row.message.thread,
            text=away_texts.in_plain_words(reason, row.message.text),
        )
        await self._outgoing.put(message, row.written)
