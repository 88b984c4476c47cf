"""Put one object into the bucket: whole where it fits into one part, else in parts.

Two parts are on their way while a third is filled, so that three buffers are the most. A random
token in the object's metadata tells whether an object that is there after a lost answer is ours.
"""

import asyncio
import logging
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from bot.adapters.s3_errors import S3Error
from bot.adapters.s3_part import Furthest, content_md5, part_body, part_buffer
from bot.adapters.s3_session import TOKEN, S3Session
from bot.adapters.s3_unfinished import abort_upload
from bot.adapters.threads import finish
from bot.domain.errors import IntegrityError, ObjectExistsError, ObjectNotFoundError, PortError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

_IN_FLIGHT = 2
_EXISTS = {"PreconditionFailed", "412", "ConditionalRequestConflict"}
_NO_CONDITIONS = {"NotImplemented", "InvalidArgument", "InvalidRequest", "BadRequest", "501"}

_logger = logging.getLogger(__name__)


async def upload(  # noqa: PLR0913 - the store's settings, and what the port gives
    session: S3Session,
    key: str,
    chunks: AsyncIterator[bytes],
    *,
    part_size: int,
    max_parts: int,
    moved: Callable[[], None] | None = None,
) -> int:
    """Store *chunks* under *key* and return their size; see BackupStore.put for the promise."""
    target = _Upload(session, key, part_size, max_parts, moved)
    try:
        await target.require_absent()
        async for chunk in chunks:
            await target.take(chunk)
        return await target.end()
    except BaseException:
        await finish(target.discard())
        raise
    finally:
        target.forget()


class _Upload:
    def __init__(
        self,
        session: S3Session,
        key: str,
        part_size: int,
        max_parts: int,
        moved: Callable[[], None] | None,
    ) -> None:
        self._session = session
        self._key = key
        self._target: dict[str, Any] = {"Bucket": session.bucket, "Key": session.place(key)}
        self._doing = f'write object "{key}"'
        self._part_size = part_size
        self._max_parts = max_parts
        self._moved = moved
        self._token = secrets.token_hex(16)
        self._stop = threading.Event()
        self._size = 0
        self._filled = 0
        self._buffer: memoryview | None = None
        self._spare: list[memoryview] = []
        self._sending: dict[asyncio.Task[None], memoryview] = {}
        self._parts: dict[int, str] = {}
        self._sent = 0
        self._upload_id = ""
        self._maybe_visible = False
        self._visible = False

    async def require_absent(self) -> None:
        """Fail before anything is sent, or before it is shown, if somebody was faster."""
        try:
            await self._session.persist(lambda: self._session.head(self._doing, self._key))
        except ObjectNotFoundError:
            return
        raise ObjectExistsError(f"{self._doing}: exists already")

    async def take(self, chunk: bytes) -> None:
        """Copy *chunk* into the buffer; send each that is full once more is to come."""
        rest = memoryview(chunk)
        while rest:
            if self._filled == self._part_size:
                await self._send()
            if self._buffer is None:
                self._buffer = self._spare.pop() if self._spare else part_buffer(self._part_size)
            taken = min(len(rest), self._part_size - self._filled)
            self._buffer[self._filled : self._filled + taken] = rest[:taken]
            self._filled += taken
            self._size += taken
            rest = rest[taken:]

    async def end(self) -> int:
        """Send what is left and make the object visible."""
        if not self._upload_id:
            data = self._buffer[: self._filled] if self._buffer else memoryview(b"")
            far = Furthest(self._moved)
            show = self._show(lambda s3, condition: self._put_whole(s3, data, far, condition))
            self._sending[asyncio.create_task(show)] = data  # as a part, so that it can be stopped
            await self._reap()
            return self._size
        await self._send()
        while self._sending:
            await self._reap()
        await self.require_absent()
        await self._show(self._complete)
        await self._check()
        return self._size

    async def _send(self) -> None:
        while len(self._sending) >= _IN_FLIGHT:
            await self._reap()
        if not self._upload_id:
            await self._session.persist(lambda: self._session.run(self._doing, self._begin))
        if self._sent == self._max_parts:
            raise PortError(
                f"{self._doing}: larger than {self._max_parts} parts of {self._part_size} bytes",
                hint="Raise AKBOT_STORE_MAX_PARTS if the service takes more.",
            )
        if self._buffer is not None:
            self._sent += 1
            data = self._buffer[: self._filled]
            task = asyncio.create_task(self._send_part(self._sent, data))
            self._sending[task] = self._buffer
            self._buffer = None
            self._filled = 0

    async def _reap(self) -> None:
        done, _ = await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
            self._spare.append(self._sending.pop(task))

    async def _send_part(self, number: int, data: memoryview) -> None:
        furthest = Furthest(self._moved)

        def send(s3: "S3Client") -> str:
            return s3.upload_part(
                **self._target,
                UploadId=self._upload_id,
                PartNumber=number,
                Body=part_body(data, self._stop, furthest),
                ContentLength=len(data),
                ContentMD5=content_md5(data),
            )["ETag"]

        doing = f"{self._doing}, part {number}"
        self._parts[number] = await self._session.persist(lambda: self._session.run(doing, send))

    def _begin(self, s3: "S3Client") -> None:
        begun = s3.create_multipart_upload(**self._target, Metadata={TOKEN: self._token})
        self._upload_id = begun["UploadId"]  # kept here even if our task is cancelled meanwhile
        self._session.open_uploads.add(self._upload_id)

    def _put_whole(
        self, s3: "S3Client", data: memoryview, furthest: Furthest, condition: dict[str, Any]
    ) -> None:
        s3.put_object(
            **self._target,
            Body=part_body(data, self._stop, furthest) if data else b"",
            ContentLength=len(data),
            ContentMD5=content_md5(data),
            Metadata={TOKEN: self._token},
            **condition,
        )

    def _complete(self, s3: "S3Client", condition: dict[str, Any]) -> None:
        parts: list[CompletedPartTypeDef] = [
            {"PartNumber": number, "ETag": etag} for number, etag in sorted(self._parts.items())
        ]
        s3.complete_multipart_upload(
            **self._target,
            UploadId=self._upload_id,
            MultipartUpload={"Parts": parts},
            **condition,
        )

    async def _show(self, write: "Callable[[S3Client, dict[str, Any]], None]") -> None:
        self._maybe_visible = True
        try:
            await self._session.persist(lambda: self._show_once(write))
        except PortError as error:
            if not await self._is_ours():  # it is, where only the answer was lost
                if isinstance(error, S3Error) and error.code in _EXISTS:
                    raise ObjectExistsError(f"{self._doing}: exists already") from error
                raise
        self._visible = True

    async def _show_once(self, write: "Callable[[S3Client, dict[str, Any]], None]") -> None:
        if self._session.conditional_writes:
            condition = {"IfNoneMatch": "*"}
            try:
                await self._session.run(self._doing, lambda s3: write(s3, condition))
            except S3Error as error:
                if error.code not in _NO_CONDITIONS:
                    raise
            else:
                return
        await self._session.run(self._doing, lambda s3: write(s3, {}))
        self._session.conditional_writes = False

    async def _check(self) -> None:
        """Look at what lies there: some services answer 200 to what failed later."""
        found = await self._session.persist(lambda: self._session.head(self._doing, self._key))
        if found.token not in {"", self._token}:
            self._visible = False
            raise ObjectExistsError(f"{self._doing}: another writer was faster")
        if found.size != self._size:
            raise IntegrityError(
                f"{self._doing}: {self._size} bytes were sent, {found.size} are there",
                hint="Run the backup again; if it repeats, ask the service's operator.",
            )

    async def _is_ours(self) -> bool:
        try:
            found = await self._session.head(self._doing, self._key)
        except PortError:
            return False
        return found == (self._size, self._token)

    async def discard(self) -> None:
        """Leave nothing behind; where the service does not let us, the sweep will."""
        self._stop.set()
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._upload_id and not await abort_upload(self._session, self._key, self._upload_id):
            self._session.lost_uploads[self._upload_id] = self._key
            _logger.warning("%s: its unfinished upload waits for the sweep", self._doing)
        if self._visible or (self._maybe_visible and await self._is_ours()):
            try:
                await self._session.run(self._doing, lambda s3: s3.delete_object(**self._target))
            except PortError:
                _logger.warning("%s: given up, and what was written is still there", self._doing)

    def forget(self) -> None:
        """The upload is over: from now on its remains, if any, may be swept."""
        self._session.open_uploads.discard(self._upload_id)
