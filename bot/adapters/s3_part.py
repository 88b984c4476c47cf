"""Parts of an upload: how large, and how one reaches the socket."""

import io
import mmap
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import CancelledError
from hashlib import md5
from typing import IO, cast

MIB = 1024 * 1024


def part_size_for(size_hint: int | None, *, smallest: int = 8 * MIB, max_parts: int) -> int:
    """Bytes of each part of an object of at most *size_hint* bytes.

    Twice and four times the *smallest* come before finer steps; 4 % of the parts stay in reserve.
    With 10,000 parts, 8, 16 and 32 MiB carry objects of 75, 150 and 300 GiB.
    """
    needed = -(-25 * (size_hint or 0) // (24 * max_parts))
    for size in (smallest, 2 * smallest, 4 * smallest):
        if needed <= size:
            return size
    return -(-needed // smallest) * smallest


def part_buffer(size: int) -> memoryview:
    """Room for a part: memory is taken page by page as it fills, and given back with the buffer.

    A small object costs what it holds, not a part; and no hole stays in the heap.
    """
    return memoryview(mmap.mmap(-1, size))


def content_md5(data: memoryview) -> str:
    """The Content-MD5 header: a checksum that every service knows and locked buckets demand."""
    return b64encode(md5(data, usedforsecurity=False).digest()).decode()


class PartStoppedError(CancelledError):
    """The upload was given up while a part was on its way.

    botocore lets this class through without a retry.
    """


class Furthest:
    """How far a part has come, over all attempts to send it; *moved* is told of each advance."""

    def __init__(self, moved: Callable[[], None] | None) -> None:
        self._moved = moved
        self._position = 0

    def reached(self, position: int) -> None:
        """An attempt has come to *position*."""
        if self._moved and position > self._position:
            self._position = position
            self._moved()


def part_body(data: memoryview, stop: threading.Event, furthest: Furthest) -> IO[bytes]:
    """A part as a file, which botocore reads block by block while it sends, until *stop*.

    Bytes handed over whole would have to pass the socket within one timeout, which a large part
    on a slow line does not, and could not be stopped on their way.
    """
    return cast("IO[bytes]", _PartBody(data, stop, furthest))


class _PartBody(io.RawIOBase):
    def __init__(self, data: memoryview, stop: threading.Event, furthest: Furthest) -> None:
        self._data = data
        self._position = 0
        self._stop = stop
        self._furthest = furthest

    def __len__(self) -> int:
        return len(self._data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._data)}
        self._position = base[whence] + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        if self._stop.is_set():
            raise PartStoppedError
        end = len(self._data) if size < 0 else self._position + size
        block = bytes(self._data[self._position : end])
        self._position += len(block)
        self._furthest.reached(self._position)
        return block
