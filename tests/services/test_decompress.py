"""What a small object unpacks to comes in pieces that stay small."""

from collections.abc import AsyncIterator

import zstandard

from bot.services.unpacking import decompress

MIB = 1024 * 1024


async def once(block: bytes) -> AsyncIterator[bytes]:
    yield block


async def test_a_sparse_file_of_a_kilobyte_gives_no_piece_of_many_mebibytes() -> None:
    packed = zstandard.ZstdCompressor(level=3).compress(bytes(200 * MIB))

    lengths = [len(piece) async for piece in decompress(once(packed))]

    assert sum(lengths) == 200 * MIB
    assert max(lengths) < 10 * MIB
