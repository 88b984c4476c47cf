"""One look at the whole: the containers, the last good backup, what runs."""

import asyncio
from datetime import tzinfo

from bot.entrypoints.telegram import texts
from bot.entrypoints.telegram.starts import Starts
from bot.entrypoints.telegram.waiting import seen_within
from bot.services.operations import Operations
from bot.services.ports import Clock


async def glance(operations: Operations, starts: Starts, clock: Clock, zone: tzinfo) -> str:
    """What is seen now; what could not be looked at is said in its place."""
    stack, records = await asyncio.gather(
        seen_within(operations.stack(), "the Docker Engine", clock),
        seen_within(operations.backups(), "the store", clock),
    )
    running = await starts.running()
    return texts.status(stack, records, running, texts.Wall(clock.now(), zone))
