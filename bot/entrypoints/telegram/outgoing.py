"""The way out for everything that is said: into the journal first, then the sender wakes up."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from bot.domain.roles import ChatPlace
from bot.entrypoints.telegram.local_times import localised
from bot.entrypoints.telegram.texts import Wall
from bot.services.journal_ports import Buttons, Message, Outbox, Queued
from bot.services.ports import Clock

_TOGETHER = "together:"
COPY = "@"  # stands between the key of what is told to several and the chat of each


@dataclass(frozen=True)
class Outgoing:
    """Writes to the outbox; *news* is set whenever there is something to send.

    Moments that errors and findings tell in UTC are told in *zone*, whoever quotes them.
    *not_before* says, by chat and on the monotonic clock, until when a failure holds all back.
    """

    outbox: Outbox
    clock: Clock
    zone: tzinfo
    news: asyncio.Event = field(default_factory=asyncio.Event)
    not_before: dict[int, float] = field(default_factory=dict)
    _sending: defaultdict[int, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    def sending(self, chat: int) -> asyncio.Lock:
        """Held while a message is brought to *chat*, until the outbox knows where it stands."""
        return self._sending[chat]

    async def put(self, message: Message, since: datetime | None = None) -> bool:
        """Write a message that is news *since* then, by default now; False for a known key."""
        told = replace(message, text=self._local(message.text))
        is_new = await self.outbox.put(told, since or self.clock.now())
        self.news.set()
        return is_new

    async def keep_together(self, message: Message, message_id: int) -> None:
        """Note what has arrived in the place of several, so that its buttons can be taken away."""
        key = f"{_TOGETHER}{message.chat}:{message_id}"
        await self.outbox.arrived(replace(message, key=key), message_id, self.clock.now())

    async def offering(self, data: str) -> Sequence[Queued]:
        """What has arrived in the place of several and has that button."""
        return [
            each
            for each in await self.named(_TOGETHER)
            if any(data == button for row in each.message.buttons for _, button in row)
        ]

    async def change(self, key: str, text: str, buttons: Buttons = ()) -> None:
        """Let a message stand otherwise, sent or not."""
        await self.outbox.change(key, self._local(text), buttons)
        self.news.set()

    def _local(self, text: str) -> str:
        return localised(text, Wall(self.clock.now(), self.zone))

    async def find(self, key: str) -> Queued | None:
        """The message of that key, sent or not."""
        return await self.outbox.find(key)

    async def at(self, chat: int, message_id: int) -> Queued | None:
        """The message that stands there, as Telegram numbers it.

        Whoever asks may have seen it before the outbox knows that it has arrived.
        """
        if found := await self.outbox.at(chat, message_id):
            return found
        async with self.sending(chat):
            return await self.outbox.at(chat, message_id)

    async def named(self, prefix: str) -> Sequence[Queued]:
        """The messages whose keys begin so, sent or not."""
        return await self.outbox.named(prefix)

    async def copies(self, message: Message) -> Sequence[Queued]:
        """What `copy_for` made of the same message for several chats; none if it was not copied."""
        original, mark, _ = message.key.rpartition(COPY)
        return await self.outbox.named(original + COPY) if mark else ()


def copy_for(place: ChatPlace, message: Message) -> Message:
    """*message* for one of the places that hear of it; each is sent or given up by itself."""
    where = f"{place.chat}/{place.thread}" if place.thread else place.chat
    key = f"{message.key}{COPY}{where}"
    return replace(message, key=key, chat=place.chat, thread=place.thread)
