"""The way out for everything that is said: into the journal first, then the sender wakes up."""

import asyncio
from dataclasses import dataclass, field

from bot.services.journal_ports import Buttons, Message, Outbox, Queued
from bot.services.ports import Clock


@dataclass(frozen=True)
class Outgoing:
    """Writes to the outbox; *news* is set whenever there is something to send."""

    outbox: Outbox
    clock: Clock
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, message: Message) -> bool:
        """Write a message; False where its key is known already."""
        is_new = await self.outbox.put(message, self.clock.now())
        self.news.set()
        return is_new

    async def change(self, key: str, text: str, buttons: Buttons = ()) -> None:
        """Let a message stand otherwise, sent or not."""
        await self.outbox.change(key, text, buttons)
        self.news.set()

    async def find(self, key: str) -> Queued | None:
        """The message of that key, sent or not."""
        return await self.outbox.find(key)
