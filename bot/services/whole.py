"""Small components, read into memory."""

import asyncio
from collections.abc import AsyncIterator

from bot.domain.config_diff import MOST_BYTES
from bot.domain.integrity import StreamCheck
from bot.services.pipeline import ending


async def whole(blocks: AsyncIterator[bytes], check: StreamCheck | None = None) -> bytes:
    """A configuration, or roles; of what is none only a little more than one may have.

    Raises IntegrityError where *check* does.
    """
    packed = bytearray()
    async with ending(blocks):
        async for block in blocks:
            if len(packed) <= MOST_BYTES:
                packed += block
            if check:
                await asyncio.to_thread(check.update, block)
    if check:
        await asyncio.to_thread(check.finish)
    return bytes(packed)
