"""Small components, read into memory."""

from collections.abc import AsyncIterator

from bot.domain.config_diff import MOST_BYTES
from bot.services.pipeline import ending


async def whole(blocks: AsyncIterator[bytes]) -> bytes:
    """A configuration, or roles; of what is none only a little more than one may have."""
    packed = bytearray()
    async with ending(blocks):
        async for block in blocks:
            if len(packed) <= MOST_BYTES:
                packed += block
    return bytes(packed)
