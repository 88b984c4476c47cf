"""What a command without a word is asked back, where there is more than one thing that it may mean.

Where there is one, it is taken as before there were choices; what is in the way is told there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo

from bot.domain.drilled import drilled
from bot.domain.errors import BotError, RefusedError
from bot.domain.jobs import ALL_JOBS
from bot.domain.orders import OrderKind
from bot.domain.roles import Act
from bot.entrypoints.telegram import backup_texts, texts
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.choosing import Choice, Choosing
from bot.entrypoints.telegram.starts import Starts
from bot.entrypoints.telegram.texts import Answer
from bot.entrypoints.telegram.waiting import seen_within
from bot.services.operations import Operations
from bot.services.ports import Clock

_NONE_YET = RefusedError("there is no backup yet")

Direct = Callable[[], Awaitable[Answer]]
"""What is done where there is nothing to choose."""


@dataclass(frozen=True)
class Choices:
    """Looks at what there is to choose from."""

    operations: Operations
    choosing: Choosing
    starts: Starts
    clock: Clock
    zone: tzinfo

    async def backup(self, request: Request, act: Act, direct: Direct) -> Answer:
        """Offer the newest backups, where there are several and they can be used now."""
        if act is not Act.VERIFY and await self.starts.running():
            return await direct()  # which says what runs
        records = await seen_within(self.operations.backups(), "the store", self.clock)
        wall = texts.Wall(self.clock.now(), self.zone)
        if isinstance(records, BotError):
            return backup_texts.none_to_choose(records, wall)
        if not records:
            await self.starts.refuse(request, OrderKind(act), "", _NONE_YET)
            return backup_texts.none_yet()
        fitting = backup_texts.choosable(records)
        if len(fitting) <= 1:
            return await direct()
        tried = drilled(await self.operations.jobs(ALL_JOBS))
        text = backup_texts.which_backup(act, fitting, tried, wall)
        labels = backup_texts.labels(act, fitting, wall)
        choices = [
            Choice(label, f"/{act} {record.id}")
            for label, record in zip(labels, fitting, strict=True)
        ]
        await self.choosing.offer(request, act, text, choices)
        return None
