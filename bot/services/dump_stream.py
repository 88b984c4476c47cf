"""A file that a person gives as a dump: unwrapped, sieved, and put into a scratch database."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Protocol

from bot import age
from bot.domain.dump_format import HEAD, DumpFormat, recognise
from bot.domain.errors import IntegrityError, RefusedError
from bot.domain.restore import UNTOUCHED
from bot.domain.sql_dump import AGAIN
from bot.domain.sql_sieve import SqlSieve
from bot.services.pipeline import Tally, ending, in_blocks, unseal
from bot.services.ports import ScratchDatabase
from bot.services.unpacking import Unpacking, decompress, unpacked

_MOST_WRAPPINGS = 3
_STEP = 2048  # bytes of gzip at a time; even its highest ratio, 1 : 1,032, makes little of them
_GZIP = 16 + zlib.MAX_WBITS

Unwrap = Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]


class DumpSource(Protocol):
    """Where a person's dump is read from."""

    @property
    def name(self) -> str:
        """For messages; a file's is quoted."""

    @property
    def total_bytes(self) -> int:
        """How many it has; 0 where nobody knows that before they were read."""

    def blocks(self) -> AsyncIterator[bytes]:
        """Read it, once. Raises ConfigError where there is none, PortError where reading fails."""


async def load_dump(
    blocks: AsyncIterator[bytes],
    scratch: ScratchDatabase,
    identities: Sequence[age.Identity],
    free_bytes: int | None,
) -> None:
    """Put the dump that *blocks* are into *scratch*, beside which there is no other database.

    Raises:
        RefusedError: it is no dump of one database, or is of a newer PostgreSQL, or has more than
            half of *free_bytes*, since the database will be there twice.
        IntegrityError: it is damaged or was cut off.
    """
    unwrap: dict[DumpFormat, Unwrap] = {
        DumpFormat.GZIP: gunzip,
        DumpFormat.ZSTD: decompress,
        DumpFormat.AGE: lambda sealed: unseal(sealed, identities=identities, tally=Tally()),
    }
    async with AsyncExitStack() as layers:
        content = await _opened(blocks, layers)
        for _ in range(_MOST_WRAPPINGS):
            if content.format not in unwrap:
                break
            content = await _opened(unwrap[content.format](content), layers)
        most = free_bytes // 2 if free_bytes is not None else None
        bounded = await layers.enter_async_context(ending(_not_more_than(content, most)))
        if content.format is DumpFormat.CUSTOM:
            await scratch.load(bounded)
        elif content.format is DumpFormat.TEXT:
            major = int((await scratch.version()).partition(".")[0])
            async with ending(sieved(bounded, SqlSieve(major))) as text:
                await scratch.load_text(text)
        else:
            raise RefusedError("the dump is packed again and again", hint=f"{UNTOUCHED} Unpack it.")


async def _opened(blocks: AsyncIterator[bytes], layers: AsyncExitStack) -> "_Opened":
    await layers.enter_async_context(ending(blocks))
    opened = _Opened(blocks)
    await opened.look()
    return opened


class _Opened:
    """Blocks of which the first were looked at, and are given out all the same."""

    def __init__(self, blocks: AsyncIterator[bytes]) -> None:
        self._blocks = blocks
        self._head = b""
        self.format = DumpFormat.TEXT

    async def look(self) -> None:
        async for block in self._blocks:
            self._head += block
            if len(self._head) >= HEAD:
                break
        self.format = recognise(self._head[:HEAD])

    def __aiter__(self) -> "_Opened":
        return self

    async def __anext__(self) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        return await anext(self._blocks)


async def sieved(text: AsyncIterator[bytes], sieve: SqlSieve) -> AsyncIterator[bytes]:
    """What of a plain dump may be loaded; raises at its end where it was cut off."""
    async with ending(in_blocks(text)) as blocks:
        async for block in blocks:
            if passed := await asyncio.to_thread(sieve.feed, block):
                yield passed
    if rest := await asyncio.to_thread(sieve.finish):
        yield rest


async def _not_more_than(blocks: AsyncIterator[bytes], most: int | None) -> AsyncIterator[bytes]:
    passed = 0
    async for block in blocks:
        passed += len(block)
        if most is not None and passed > most:
            raise RefusedError(
                "PostgreSQL's disk has no room for the dump: until it serves the database is there"
                " twice, beside the one that serves now",
                hint=f"{UNTOUCHED} Make room there.",
            )
        yield block


def gunzip(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Undo gzip in bounded pieces. Raises IntegrityError when it is damaged or ends early."""
    return unpacked(_Gunzip(), chunks)


class _Gunzip(Unpacking):
    """One member after the other, as `gunzip` reads them."""

    def __init__(self) -> None:
        super().__init__()
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    def step(self) -> bytes:
        step, self.waiting = self.waiting[:_STEP], self.waiting[_STEP:]
        try:
            piece = self._member.decompress(step)
        except zlib.error as error:
            raise IntegrityError(f"unpack the dump: {error}", hint=AGAIN) from error
        self._begun = True
        if self._member.eof:
            left = self._member.unused_data
            self.waiting = memoryview(left + bytes(self.waiting))
            self._member, self._begun = zlib.decompressobj(_GZIP), False
        return piece

    def finish(self) -> None:
        if self._begun:
            raise IntegrityError("unpack the dump: it was cut off", hint=AGAIN)
