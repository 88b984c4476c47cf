"""Checks that run over a component's bytes as they stream by, and know a cut one at its end."""

from functools import cache
from typing import TYPE_CHECKING, Protocol

from bot.domain.errors import IntegrityError, UnsafeArchiveError
from bot.domain.manifest import ArchiveCount
from bot.domain.tar_sieve import TarSieve

if TYPE_CHECKING:
    from collections.abc import Callable


class StreamCheck(Protocol):
    """Sees every byte in order, then says whether the whole is sound."""

    def update(self, block: bytes) -> None:
        """Look at the next bytes."""

    def finish(self) -> None:
        """Raise IntegrityError unless what was seen is whole."""


class ArchiveCheck:
    """A PostgreSQL custom-format dump: its magic. That it is whole only `pg_restore` can tell."""

    def __init__(self) -> None:
        self._head = b""

    def update(self, block: bytes) -> None:
        if len(self._head) < len(_ARCHIVE_MAGIC):
            self._head += block[: len(_ARCHIVE_MAGIC)]

    def finish(self) -> None:
        if not self._head.startswith(_ARCHIVE_MAGIC):
            raise IntegrityError("the dump is not a PostgreSQL archive")


class TextDumpCheck:
    """What `pg_dumpall` writes: its closing comment."""

    def __init__(self) -> None:
        self._tail = b""

    def update(self, block: bytes) -> None:
        self._tail = (self._tail + block[-_TEXT_TAIL:])[-_TEXT_TAIL:]

    def finish(self) -> None:
        if _TEXT_END not in self._tail:
            raise IntegrityError("the SQL text ends before its closing comment")


class TarCheck:
    """A tar stream: whole blocks, and the two empty ones that its writer adds only at the end.

    With *wanted* it must hold just so much. If *strict*, what is dangerous to unpack raises
    UnsafeArchiveError.
    """

    def __init__(self, wanted: ArchiveCount | None = None, *, strict: bool = False) -> None:
        self._wanted = wanted
        self._strict = strict
        self._sieve = TarSieve(strict=strict)
        self._size = 0
        self._tail = b""

    @property
    def count(self) -> ArchiveCount:
        """What has passed so far."""
        return self._sieve.count

    def update(self, block: bytes) -> None:
        try:
            self._sieve.feed(block)
        except IntegrityError as error:
            if not self._strict:
                raise
            raise UnsafeArchiveError(str(error)) from error
        self._size += len(block)
        self._tail = (self._tail + block[-_TAR_END:])[-_TAR_END:]

    def finish(self) -> None:
        if self._size % _TAR_BLOCK or self._tail != bytes(_TAR_END):
            raise IntegrityError("the tar archive ends before its closing blocks")
        self._sieve.finish()
        if self._wanted:
            _compare(self.count, self._wanted)


def _compare(found: ArchiveCount, wanted: ArchiveCount) -> None:
    if found.entries != wanted.entries:
        raise IntegrityError(
            f"it holds {found.entries:,} files and folders where the manifest says"
            f" {wanted.entries:,}"
        )
    if found.size != wanted.size:
        raise IntegrityError(
            f"its files have {found.size:,} bytes where the manifest says {wanted.size:,}"
        )


class RdbCheck:
    """A Redis RDB file: magic, version and the CRC-64 in its last eight bytes.

    Source of the rule: redis, `src/rdb.c` (an all-zero checksum means that Redis was told not to
    compute one) and `src/crc64.c` (the Jones polynomial, reflected, from 0).
    """

    def __init__(self) -> None:
        self._crc = 0
        self._head = b""
        self._held = b""

    def update(self, block: bytes) -> None:
        if len(self._head) < _RDB_HEAD:
            self._head = (self._head + block[:_RDB_HEAD])[:_RDB_HEAD]
        data = self._held + block
        self._held = data[-_RDB_CRC:]
        self._crc = _crc64()(data[:-_RDB_CRC], self._crc)

    def finish(self) -> None:
        version = self._head[len(_RDB_MAGIC) :]
        if not self._head.startswith(_RDB_MAGIC) or not version.isdigit():
            raise IntegrityError("the Redis snapshot is not an RDB file")
        stored = int.from_bytes(self._held, "little")
        if len(self._held) < _RDB_CRC or (stored and stored != self._crc):
            raise IntegrityError("the Redis snapshot is damaged: its checksum does not fit")


_ARCHIVE_MAGIC = b"PGDMP"
_TEXT_END = b"-- PostgreSQL database cluster dump complete"
_TEXT_TAIL = 4096
_TAR_BLOCK = 512
_TAR_END = 2 * _TAR_BLOCK
_RDB_MAGIC = b"REDIS"
_RDB_HEAD = len(_RDB_MAGIC) + 4
_RDB_CRC = 8
_JONES_POLYNOMIAL = 0x1AD93D23594C935A9


@cache
def _crc64() -> "Callable[[bytes, int], int]":
    import crcmod  # noqa: PLC0415 - only a stack with Redis needs it

    function: Callable[[bytes, int], int] = crcmod.mkCrcFun(
        _JONES_POLYNOMIAL, initCrc=0, rev=True, xorOut=0
    )
    return function
