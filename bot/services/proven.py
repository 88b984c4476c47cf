"""Objects that are read twice, and are the same bytes the second time, block by block.

The first reading proves the whole against the signed manifest. Whoever can write to the bucket
could lay another object there before the second: not a block of it would pass.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bot.domain.errors import IntegrityError
from bot.services.pipeline import BLOCK, ending
from bot.services.store_ports import BackupStore


@dataclass
class ProvenObjects:
    """Reads objects of *store*; once one was read to its end, only those bytes pass again.

    It remembers 32 bytes for each mebibyte.
    """

    store: BackupStore
    _digests: dict[str, list[bytes]] = field(default_factory=dict)

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """Stream the object. Raises IntegrityError before a block that was another one before."""
        known = self._digests.get(key)
        seen: list[bytes] = []
        async with ending(_of_one_size(self.store.get(key))) as blocks:
            async for block in blocks:
                digest = await asyncio.to_thread(_digest, block)
                if known is not None and known[len(seen) : len(seen) + 1] != [digest]:
                    raise IntegrityError("the object has changed since it was checked")
                seen.append(digest)
                yield block
        if known is not None and len(known) != len(seen):
            raise IntegrityError("the object has changed since it was checked")
        self._digests[key] = seen


def _digest(block: bytes) -> bytes:
    return hashlib.sha256(block).digest()


async def _of_one_size(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in blocks of BLOCK, the last may be shorter."""
    held = bytearray()
    async with ending(chunks):
        async for chunk in chunks:
            held += chunk
            while len(held) >= BLOCK:
                block = bytes(held[:BLOCK])
                del held[:BLOCK]
                yield block
    if held:
        yield bytes(held)
