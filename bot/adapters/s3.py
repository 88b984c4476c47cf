"""Keep backups in a bucket of any service that speaks S3."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

from bot.adapters.s3_errors import NOT_S3, S3Error
from bot.adapters.s3_part import MIB, part_size_for
from bot.adapters.s3_read import read_object
from bot.adapters.s3_session import Patience, S3Credentials, S3Session
from bot.adapters.s3_unfinished import abort_upload, find_uploads
from bot.adapters.s3_upload import upload
from bot.adapters.threads import stop
from bot.domain.errors import ObjectNotFoundError
from bot.domain.objects import is_object_key
from bot.domain.store_url import S3Location
from bot.services.store_ports import Protection, StoredObject

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

_TURN = 64  # objects of a listing, after which the others in the event loop have theirs
_NO_LOCK = {
    "ObjectLockConfigurationNotFoundError",
    "NoSuchObjectLockConfiguration",
    "NotImplemented",
    "MethodNotAllowed",
}

__all__ = ["Patience", "S3Credentials", "S3Store"]


class S3Store:
    """A BackupStore in a bucket.

    Without *credentials* the AWS chain decides: environment, profile, role. *max_parts* is what
    the service takes in one upload; fewer make larger parts, of which three are in memory.
    """

    def __init__(
        self,
        location: S3Location,
        credentials: S3Credentials | None = None,
        max_parts: int = 10_000,
        *,
        min_part_size: int = 8 * MIB,
        patience: Patience | None = None,
    ) -> None:
        self._location = location
        self._max_parts = max_parts
        self._min_part_size = min_part_size
        self._session = S3Session(location, credentials, patience or Patience())

    @property
    def name(self) -> str:
        return str(self._location)

    @property
    def local_path(self) -> str | None:
        return None

    @property
    def part_size(self) -> int:
        return self._min_part_size

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_hint: int | None = None,
        moved: Callable[[], None] | None = None,
    ) -> int:
        part_size = part_size_for(
            size_hint, smallest=self._min_part_size, max_parts=self._max_parts
        )
        return await upload(
            self._session,
            key,
            chunks,
            part_size=part_size,
            max_parts=self._max_parts,
            moved=moved,
        )

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        return read_object(self._session, key, start=start, length=length)

    async def stat(self, key: str) -> StoredObject:
        doing = f'look up object "{key}"'
        try:
            found = await self._session.head(doing, key)
        except ObjectNotFoundError:
            await self._session.explain(doing, key)
            raise
        return StoredObject(key, found.size)

    async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        place, begin = self._session.below(prefix), len(self._session.below(""))
        page = await self._page(prefix, place, "")
        while True:
            following = None
            if page["IsTruncated"]:  # asked for while this one is looked through
                token = page["NextContinuationToken"]
                following = asyncio.ensure_future(self._page(prefix, place, token))
            try:
                for number, item in enumerate(page.get("Contents", []), start=1):
                    if number % _TURN == 0:  # what asks for the next page needs one, too
                        await asyncio.sleep(0)
                    key = item["Key"][begin:]
                    if item["Key"].startswith(place) and is_object_key(key):
                        yield StoredObject(key, item["Size"], item.get("ETag", ""))
                if following is None:
                    return
                page = await following
            finally:
                if following is not None and not following.done():
                    await stop(following)

    async def _page(self, prefix: str, place: str, token: str) -> "ListObjectsV2OutputTypeDef":
        def ask(s3: "S3Client") -> "ListObjectsV2OutputTypeDef":
            more: dict[str, Any] = {"ContinuationToken": token} if token else {}
            page = s3.list_objects_v2(Bucket=self._session.bucket, Prefix=place, **more)
            # an answer that lacks these must not be taken for an empty store
            _ = page["IsTruncated"] and page["NextContinuationToken"]
            return page

        doing = f'list objects in "{prefix}"'
        try:
            return await self._session.persist(lambda: self._session.run(doing, ask))
        except ObjectNotFoundError as error:
            raise S3Error(f"{doing}: {NOT_S3.words}", hint=NOT_S3.hint) from error

    async def delete(self, *keys: str) -> None:
        for key, place in [(key, self._session.place(key)) for key in keys]:
            # one by one: not every service has the batch, and botocore cannot give it a checksum
            await self._delete(key, place)

    async def _delete(self, key: str, place: str) -> None:
        def remove(s3: "S3Client") -> None:
            s3.delete_object(Bucket=self._session.bucket, Key=place)

        try:
            await self._session.run(f'delete object "{key}"', remove)
        except ObjectNotFoundError:
            return

    async def unfinished(self, prefix: str = "") -> Sequence[str]:
        return [
            f"{found.key} (begun {found.begun}, upload {found.upload_id})"
            for found in await find_uploads(self._session, prefix)
        ]

    async def discard_unfinished(self, prefix: str = "") -> int:
        gone = 0
        for found in await find_uploads(self._session, prefix):
            if await abort_upload(self._session, found.key, found.upload_id):
                self._session.lost_uploads.pop(found.upload_id, None)
                gone += 1
        return gone

    async def protection(self) -> Protection:
        doing = "ask for the bucket's protection"
        try:
            if await self._session.run(doing, self._locks_by_default):
                return Protection.LOCKED
        except S3Error as error:
            if error.code not in _NO_LOCK:
                return _unknown(error)
        try:
            versioned = await self._session.run(doing, self._keeps_versions)
        except S3Error as error:
            return _unknown(error)
        return Protection.VERSIONED if versioned else Protection.NONE

    def _locks_by_default(self, s3: "S3Client") -> bool:
        """Without a default rule a bucket with object lock locks nothing that we put there."""
        found = s3.get_object_lock_configuration(Bucket=self._session.bucket)
        return bool(found.get("ObjectLockConfiguration", {}).get("Rule"))

    def _keeps_versions(self, s3: "S3Client") -> bool:
        found = s3.get_bucket_versioning(Bucket=self._session.bucket)
        return found.get("Status") == "Enabled"

    async def close(self) -> None:
        await self._session.close()


def _unknown(error: S3Error) -> Protection:
    """What a refusal tells: nothing, unless it is a bucket or a service that is not there."""
    if error.retryable or error.code in {"", "NoSuchBucket"}:
        raise error
    return Protection.UNKNOWN
