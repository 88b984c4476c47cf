"""The payload: 64 KiB chunks, each sealed under its number and whether it is the last.

Which chunk is the last is known only when the input ends, so the sealer keeps one chunk back until
a byte follows it; the opener sees it from the nonce under which the chunk opens. Chunks go from
the caller's buffer straight into one that is used again and again: with a fresh megabyte for each
call, the allocator's page faults take more time than the encryption.
"""

from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bot.age.errors import PayloadError

CHUNK_SIZE = 64 * 1024
TAG_SIZE = 16
SEALED_SIZE = CHUNK_SIZE + TAG_SIZE

_BATCH = 16  # chunks in the work buffer, so that one feed of 1 MiB is one batch

Data = bytes | bytearray | memoryview
"""What the push objects take; only contiguous memory can be read without a copy."""


class PayloadSealer:
    """Encrypts one payload, fed in pieces of any size."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._chunks = _Chunks(CHUNK_SIZE, keep=1)
        self._batch = _Batch(SEALED_SIZE)
        self._counter = 0

    def update(self, data: Data) -> bytes:
        for chunk in self._chunks.cut(data):
            self._seal(chunk, final=False)
        return self._batch.take()

    def finish(self) -> bytes:
        self._seal(self._chunks.rest(), final=True)
        return self._batch.take()

    def _seal(self, chunk: memoryview, *, final: bool) -> None:
        room = self._batch.room(len(chunk) + TAG_SIZE)
        self._cipher.encrypt_into(_nonce(self._counter, final=final), chunk, None, room)
        self._counter += 1


class PayloadOpener:
    """Decrypts one payload, fed in pieces of any size, and gives out authenticated bytes only.

    What was sound before a damaged chunk is given out first; the error comes with the next call.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._chunks = _Chunks(SEALED_SIZE, keep=0)
        self._batch = _Batch(CHUNK_SIZE)
        self._counter = 0
        self._ended = False
        self._failure = ""

    def update(self, data: Data) -> bytes:
        if self._failure:
            raise PayloadError(self._failure)
        for chunk in self._chunks.cut(data):
            self._open_whole(chunk)
            if self._failure:
                break
        sound = self._batch.take()
        if self._failure and not sound:
            raise PayloadError(self._failure)
        return sound

    def finish(self) -> bytes:
        chunk = self._chunks.rest()
        if not self._failure and (chunk or not self._ended):
            self._open_last(chunk)
        if self._failure:
            raise PayloadError(self._failure)
        return self._batch.take()

    def _open_whole(self, chunk: memoryview) -> None:
        """Open a chunk of full size: one of many, or the last if that is what its nonce says."""
        if self._ended:
            self._failure = "something was added after the last chunk"
        elif not self._open(chunk, final=False):
            self._ended = self._open(chunk, final=True)
            if not self._ended:
                self._failure = f"chunk {self._counter + 1} was changed after it was written"

    def _open_last(self, chunk: memoryview) -> None:
        if self._ended:
            self._failure = "something was added after the last chunk"
        elif len(chunk) < TAG_SIZE:
            self._failure = f"the file was cut off after chunk {self._counter}"
        elif len(chunk) == TAG_SIZE and self._counter:
            self._failure = "the last chunk is empty, which no age program writes"
        elif not self._open(chunk, final=True):
            number = self._counter + 1
            self._failure = f"chunk {number} was cut off, or changed after it was written"

    def _open(self, chunk: memoryview, *, final: bool) -> bool:
        """Put the chunk's plaintext into the batch, if it is what the sealer put here."""
        room = self._batch.room(len(chunk) - TAG_SIZE)
        try:
            self._cipher.decrypt_into(_nonce(self._counter, final=final), chunk, None, room)
        except InvalidTag:
            self._batch.give_back(len(room))
            return False
        self._counter += 1
        return True


def _nonce(counter: int, *, final: bool) -> bytes:
    return (counter << 8 | final).to_bytes(12, "big")


class _Chunks:
    """Cuts pieces of any size into chunks of one size.

    Args:
        size: The size of a chunk.
        keep: How many bytes must follow a chunk before it is given out.
    """

    def __init__(self, size: int, *, keep: int) -> None:
        self._size = size
        self._keep = keep
        self._held = memoryview(bytearray(size))
        self._filled = 0

    def cut(self, data: Data) -> Iterator[memoryview]:
        """Yield each whole chunk; it is only valid until the next one."""
        view = memoryview(data).cast("B")
        if self._filled:
            head = view[: self._size - self._filled]
            view = view[len(head) :]
            self._hold(head)
            if self._filled < self._size or len(view) < self._keep:
                return
            yield self._held
            self._filled = 0
        whole = max(0, len(view) - self._keep) // self._size * self._size
        for start in range(0, whole, self._size):
            yield view[start : start + self._size]
        self._hold(view[whole:])

    def rest(self) -> memoryview:
        return self._held[: self._filled]

    def _hold(self, data: memoryview) -> None:
        self._held[self._filled : self._filled + len(data)] = data
        self._filled += len(data)


class _Batch:
    """A work buffer for the results of one call, used again for the next."""

    def __init__(self, chunk_size: int) -> None:
        self._chunk_size = chunk_size
        self._buffer = memoryview(bytearray())
        self._used = 0
        self._full: list[bytes] = []

    def room(self, size: int) -> memoryview:
        """Return *size* bytes to write to, which are then part of the batch."""
        if self._used + size > len(self._buffer):
            self._grow()
        self._used += size
        return self._buffer[self._used - size : self._used]

    def give_back(self, size: int) -> None:
        """Drop the last *size* bytes again."""
        self._used -= size

    def take(self) -> bytes:
        """Return what was written since the last call."""
        self._full.append(bytes(self._buffer[: self._used]))
        result = b"".join(self._full)
        self._full.clear()
        self._used = 0
        return result

    def _grow(self) -> None:
        """Double up to a whole batch; from there on put the full one aside."""
        chunks = len(self._buffer) // self._chunk_size
        if chunks == _BATCH:
            self._full.append(bytes(self._buffer[: self._used]))
            self._used = 0
            return
        grown = memoryview(bytearray(max(1, 2 * chunks) * self._chunk_size))
        grown[: self._used] = self._buffer[: self._used]
        self._buffer = grown
