"""Seal what comes on the standard input as a backup's dump is sealed, and drop it."""

import asyncio
import sys
from collections.abc import AsyncIterator

from bot import age
from bot.domain.components import Encoding, Format
from bot.services.pipeline import BLOCK, Tally, ending, read_ahead, seal


async def _standard_input() -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(sys.stdin.buffer.read, BLOCK):
        yield block


async def main() -> None:
    recipient = age.X25519Identity.generate().recipient()
    sealed = seal(
        _standard_input(),
        encoding=Encoding(Format.ARCHIVE, compressed=False),
        recipients=[recipient],
        tally=Tally(),
    )
    async with ending(read_ahead(sealed)) as blocks:
        async for _ in blocks:
            pass


if __name__ == "__main__":
    asyncio.run(main())
