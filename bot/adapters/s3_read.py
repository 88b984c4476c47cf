"""Read an object as a stream, going on where a connection broke."""

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from bot.adapters.s3_errors import S3Error
from bot.adapters.s3_session import S3Session
from bot.domain.errors import IntegrityError, PortError
from bot.domain.objects import range_end

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef

_BLOCK = 1024 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_BEYOND_THE_END = {"InvalidRange", "416"}


async def read_object(
    session: S3Session, key: str, *, start: int, length: int | None
) -> AsyncIterator[bytes]:
    """Stream the object in blocks of 1 MiB; see BackupStore.get for the promise."""
    reader = _Reader(session, key, start, length)
    try:
        while block := await reader.next_block():
            yield block
    finally:
        reader.close()


class _Reader:
    def __init__(self, session: S3Session, key: str, start: int, length: int | None) -> None:
        self._session = session
        self._key = key
        self._place = session.place(key)
        self._doing = f'read object "{key}"'
        self._position = start
        self._length = length
        self._last = None if length is None else start + length - 1
        self._end: int | None = None
        self._version = ""
        self._body: StreamingBody | None = None

    async def next_block(self) -> bytes:
        """The next bytes; none are left if it is empty."""
        return await self._session.persist(self._read_or_close)

    async def _read_or_close(self) -> bytes:
        """Read on; after an error from a new connection."""
        try:
            return await self._read()
        except PortError:
            self.close()
            raise

    async def _read(self) -> bytes:
        if self._body is None and self._position != self._end:
            await self._open()
        if self._position == self._end:
            return b""
        block = await self._session.run(self._doing, self._read_block)
        if not block:
            raise S3Error(f"{self._doing}: it ended early", retryable=True)
        self._position += len(block)
        return block

    async def _open(self) -> None:
        if self._length != 0:
            try:
                await self._session.run(self._doing, self._request)
            except S3Error as error:
                if error.code not in _BEYOND_THE_END:
                    raise
            else:
                return
        size = (await self._session.head(self._doing, self._key)).size
        self._end = range_end(self._key, size, start=self._position, length=self._length)

    def _request(self, s3: "S3Client") -> None:
        if self._position == 0 and self._length is None:
            answer = s3.get_object(Bucket=self._session.bucket, Key=self._place)
        else:
            last = "" if self._last is None else self._last
            wanted = f"bytes={self._position}-{last}"
            answer = s3.get_object(Bucket=self._session.bucket, Key=self._place, Range=wanted)
        self._body = answer["Body"]
        if self._version not in {"", answer["ETag"]}:
            raise IntegrityError(f"{self._doing}: it was replaced while it was read")
        self._version = answer["ETag"]
        rest = None if self._last is None else self._last + 1 - self._position
        self._end = range_end(self._key, self._size(answer), start=self._position, length=rest)

    def _size(self, answer: "GetObjectOutputTypeDef") -> int:
        found = _CONTENT_RANGE.fullmatch(answer.get("ContentRange", ""))
        if found is not None and int(found[1]) == self._position:
            return int(found[2])
        if self._position == 0 and self._length is None:
            return answer["ContentLength"]
        raise S3Error(f"{self._doing}: the service ignores ranges")

    def _read_block(self, _: "S3Client") -> bytes:
        if self._body is None or self._end is None:
            raise AssertionError("read before it was opened")
        return self._body.read(min(_BLOCK, self._end - self._position))

    def close(self) -> None:
        """Give the connection back, or break it if bytes are still to come."""
        if self._body is not None:
            self._body.close()
            self._body = None
