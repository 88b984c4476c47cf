"""Unpack a stream in pieces that stay small, whatever a small object unpacks to."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from bot.domain.errors import IntegrityError
from bot.services.pipeline import BLOCK, ending

_STEP = 256  # bytes of zstd, which at their highest ratio, 1 : 32,000, are 8 MiB
_MAX_WINDOW = 128 * 1024 * 1024  # what `zstd --decompress` accepts without being told


class Unpacking(ABC):
    """A format; `step` undoes so little of `waiting` that even its highest ratio stays bounded."""

    def __init__(self) -> None:
        self.waiting = memoryview(b"")

    @abstractmethod
    def step(self) -> bytes:
        """Undo a little of `waiting`, and take that off it."""

    @abstractmethod
    def finish(self) -> None:
        """Raises IntegrityError where the stream was not whole."""

    def next_piece(self) -> bytes:
        """About a block of output; empty when the input is used up."""
        pieces: list[bytes] = []
        length = 0
        while self.waiting and length < BLOCK:
            piece = self.step()
            pieces.append(piece)
            length += len(piece)
        return b"".join(pieces)


async def unpacked(form: Unpacking, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What *chunks* unpack to. Raises IntegrityError where they are damaged or not whole."""
    async with ending(chunks):
        async for block in chunks:
            form.waiting = memoryview(block)
            while piece := await asyncio.to_thread(form.next_piece):
                yield piece
    form.finish()


def decompress(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Undo zstd: a small object that unpacks to terabytes costs time, not memory.

    Raises IntegrityError when the stream is damaged, ends early, or goes on after its end.
    """
    return unpacked(_Zstd(), chunks)


class _Zstd(Unpacking):
    def __init__(self) -> None:
        super().__init__()
        import zstandard  # noqa: PLC0415 - as in the pipeline's compressor

        self._error = zstandard.ZstdError
        self._stream = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()

    def step(self) -> bytes:
        if self._stream.eof:
            raise IntegrityError("decompress: there are bytes after the end")
        step, self.waiting = self.waiting[:_STEP], self.waiting[_STEP:]
        try:
            return self._stream.decompress(step)
        except self._error as error:
            raise IntegrityError(f"decompress: {error}") from error

    def finish(self) -> None:
        if not self._stream.eof or self._stream.unused_data:
            raise IntegrityError("decompress: the stream is not whole")
