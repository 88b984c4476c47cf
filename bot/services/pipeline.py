"""A component's way out and back: check, compress, seal, hash; and the same undone.

Each block of about a mebibyte takes one trip to a thread, where zstd, ChaCha20 and SHA-256 run
without the interpreter's lock; memory does not depend on the stream's length.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from bot import age
from bot.domain.components import Encoding
from bot.domain.errors import IntegrityError, OtherKeyError
from bot.domain.integrity import StreamCheck, TarCheck
from bot.domain.manifest import ArchiveCount

if TYPE_CHECKING:
    from hashlib import _Hash

T = TypeVar("T")

BLOCK = 1024 * 1024
ZSTD_LEVEL = 1  # measured beside the dump: level 3 costs twice the time for a twentieth less


@dataclass
class Tally:
    """What has passed so far, in bytes: read from the source, sealed (plain), and stored.

    *archive* is what was in it, known at the end where it is an archive of files.
    """

    read: int = 0
    plain: int = 0
    stored: int = 0
    archive: ArchiveCount | None = None
    _hash: "_Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """Of the stored bytes, in hexadecimal."""
        return self._hash.hexdigest()

    def add_stored(self, block: bytes) -> None:
        """Count and hash bytes as they lie in the store."""
        self._hash.update(block)
        self.stored += len(block)


@asynccontextmanager
async def ending(chunks: AsyncIterator[T]) -> AsyncGenerator[AsyncIterator[T]]:
    """Give out *chunks*, and end what feeds them with the context, not when it is collected."""
    try:
        yield chunks
    finally:
        close = getattr(chunks, "aclose", None)
        if close:
            await close()


async def read_ahead(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Fetch the next chunk while whoever takes this one works on it: both cores have work then."""
    async with ending(chunks):
        following = asyncio.ensure_future(anext(chunks, None))
        try:
            while (chunk := await following) is not None:
                following = asyncio.ensure_future(anext(chunks, None))
                yield chunk
        finally:
            following.cancel()
            await asyncio.wait({following})
            if not following.cancelled():
                following.exception()  # fetched: whoever stopped taking has an error of its own


async def in_blocks(chunks: AsyncIterator[bytes], size: int = BLOCK) -> AsyncIterator[bytes]:
    """Join small chunks, so that each block is worth a trip to a thread; large ones pass as is."""
    held: list[bytes] = []
    length = 0
    async with ending(chunks):
        async for chunk in chunks:
            held.append(chunk)
            length += len(chunk)
            if length >= size:
                yield held[0] if len(held) == 1 else b"".join(held)
                held, length = [], 0
    if held:
        yield b"".join(held)


async def seal(
    chunks: AsyncIterator[bytes],
    *,
    encoding: Encoding,
    recipients: Sequence[age.Recipient],
    tally: Tally,
) -> AsyncIterator[bytes]:
    """Turn a component's bytes into the stored object's, counting in *tally*.

    Raises IntegrityError at the end if the bytes are not a whole file of their format.
    """
    stages = _Sealing(encoding, recipients, tally)
    async with ending(read_ahead(in_blocks(chunks))) as blocks:
        async for block in blocks:
            sealed = await asyncio.to_thread(stages.step, block)
            if sealed:
                yield sealed
    yield await asyncio.to_thread(stages.end)


async def reseal(
    plain: AsyncIterator[bytes], *, recipients: Sequence[age.Recipient], tally: Tally
) -> AsyncIterator[bytes]:
    """Seal a component's file as it is, for others, counting in *tally*."""
    sealer = age.Sealer(recipients)

    def step(block: bytes) -> bytes:
        tally.plain += len(block)
        sealed = sealer.update(block)
        tally.add_stored(sealed)
        return sealed

    def end() -> bytes:
        sealed = sealer.finish()
        tally.add_stored(sealed)
        return sealed

    async with ending(read_ahead(in_blocks(plain))) as blocks:
        async for block in blocks:
            if sealed := await asyncio.to_thread(step, block):
                yield sealed
    yield await asyncio.to_thread(end)


def load_codecs() -> None:
    """Import what compresses: a fifth of a second, better spent before the dump than in it."""
    import zstandard  # noqa: F401, PLC0415 - most commands need none of it


class _Sealing:
    def __init__(
        self, encoding: Encoding, recipients: Sequence[age.Recipient], tally: Tally
    ) -> None:
        self._sealer = age.Sealer(recipients)
        self._tally = tally
        self._check = encoding.new_check()
        self._compress, self._compress_end = _compressor(encoding)

    def step(self, block: bytes) -> bytes:
        self._tally.read += len(block)
        self._check.update(block)
        return self._seal(self._compress(block))

    def end(self) -> bytes:
        self._check.finish()
        if isinstance(self._check, TarCheck):
            self._tally.archive = self._check.count
        sealed = self._seal(self._compress_end())
        return sealed + self._stored(self._sealer.finish())

    def _seal(self, plain: bytes) -> bytes:
        self._tally.plain += len(plain)
        return self._stored(self._sealer.update(plain))

    def _stored(self, block: bytes) -> bytes:
        self._tally.add_stored(block)
        return block


def _compressor(encoding: Encoding) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    if not encoding.compressed:
        return bytes, bytes
    import zstandard  # noqa: PLC0415 - see load_codecs

    stream = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).compressobj()
    return stream.compress, stream.flush


async def hash_stored(chunks: AsyncIterator[bytes], tally: Tally) -> AsyncIterator[bytes]:
    """Pass stored bytes on as blocks, counting and hashing them in *tally* meanwhile."""
    async with ending(in_blocks(chunks)) as blocks:
        async for block in blocks:
            hashing = asyncio.ensure_future(asyncio.to_thread(tally.add_stored, block))
            try:
                yield block  # whoever takes it works beside the hash
            finally:
                await hashing


async def unseal(
    chunks: AsyncIterator[bytes], *, identities: Sequence[age.Identity], tally: Tally
) -> AsyncIterator[bytes]:
    """Decrypt stored bytes into the component's file, still compressed if it was.

    Gives out authenticated bytes only. Raises IntegrityError when the object was cut or changed,
    OtherKeyError when it was sealed for another key.
    """
    opener = age.Opener(identities)
    try:
        async with ending(chunks):
            async for block in chunks:
                plain = await asyncio.to_thread(opener.update, block)
                if plain:
                    tally.plain += len(plain)
                    yield plain
        plain = await asyncio.to_thread(opener.finish)
    except age.NoIdentityMatchError as error:
        raise OtherKeyError(f"decrypt: {error}") from error
    except age.AgeError as error:
        raise IntegrityError(f"decrypt: {error}") from error
    if plain:
        tally.plain += len(plain)
        yield plain


async def drain(chunks: AsyncIterator[bytes], check: StreamCheck) -> int:
    """Read a component's bytes to their end, as *check* has it, and return how many there are."""
    size = 0
    async with ending(in_blocks(chunks)) as blocks:
        async for block in blocks:
            await asyncio.to_thread(check.update, block)
            size += len(block)
    await asyncio.to_thread(check.finish)
    return size
