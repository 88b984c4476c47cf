"""One look at the whole: the containers, the last good backup, what runs; then its picture."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from bot.domain.errors import BotError
from bot.domain.incident import AROUND, Incident
from bot.entrypoints.telegram import incident_texts, texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.pictures import Pictures
from bot.entrypoints.telegram.starts import Starts
from bot.entrypoints.telegram.waiting import seen_within
from bot.services.operations import Operations
from bot.services.ports import Clock


@dataclass(frozen=True)
class Glance:
    """Answers what is seen now; what could not be looked at is said in its place."""

    operations: Operations
    starts: Starts
    answers: Answers
    pictures: Pictures
    clock: Clock
    zone: tzinfo
    open_incidents: Callable[[], Awaitable[Sequence[Incident]]]

    async def tell(self, request: Request) -> None:
        """Answer *request* in words; the picture, where there is one, follows by itself."""
        stack, records = await asyncio.gather(
            seen_within(self.operations.stack(), "the Docker Engine", self.clock),
            seen_within(self.operations.backups(), "the store", self.clock),
        )
        running = await self.starts.running()
        wall = texts.Wall(self.clock.now(), self.zone)
        around = [each for each in await self.open_incidents() if each.trouble in AROUND]
        lines = [incident_texts.open_line(each, wall) for each in around]
        await self.answers.write(request, texts.status(stack, records, running, wall, lines))
        if not isinstance(stack, BotError) and not isinstance(records, BotError):
            self.pictures.begin(request, stack, records)
