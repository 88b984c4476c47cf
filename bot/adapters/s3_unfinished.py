"""Uploads that were begun and neither finished nor aborted: they cost money and show nowhere."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.adapters.s3_errors import S3Error
from bot.adapters.s3_session import S3Session
from bot.domain.errors import ObjectNotFoundError, PortError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ABORT_DELAYS = (0.2, 1.0, 3.0)
_GONE = {"NoSuchUpload"}


class OpenUpload(NamedTuple):
    """An upload in the bucket; *begun* is empty where the service does not say."""

    key: str
    upload_id: str
    begun: str


async def abort_upload(session: S3Session, key: str, upload_id: str) -> bool:
    """Abort, again while parts that were on their way keep arriving; tell whether it is gone."""
    for delay in (*_ABORT_DELAYS, None):
        try:
            if await _abort_once(session, key, upload_id):
                return True
        except PortError as error:
            if not error.retryable:
                return False
        if delay is not None:
            await asyncio.sleep(delay)
    return False


async def _abort_once(session: S3Session, key: str, upload_id: str) -> bool:
    target: dict[str, Any] = {
        "Bucket": session.bucket,
        "Key": session.place(key),
        "UploadId": upload_id,
    }

    def abort(s3: "S3Client") -> bool:
        s3.abort_multipart_upload(**target)
        return not s3.list_parts(**target, MaxParts=1).get("Parts")

    try:
        return await session.run(f'abort upload of "{key}"', abort)
    except ObjectNotFoundError:
        return True
    except S3Error as error:
        if error.code in _GONE:
            return True
        raise


async def find_uploads(session: S3Session, prefix: str) -> Sequence[OpenUpload]:
    """Uploads below *prefix*, but for those that this very store is still sending."""
    found = await _list(session, session.below(prefix))
    if not found:
        # MinIO lists by whole keys only, and shows all where no prefix is given
        with suppress(PortError):
            found = await _list(session, "")
    seen = {upload.upload_id for upload in found}
    found += [
        OpenUpload(key, upload_id, "")
        for upload_id, key in session.lost_uploads.items()
        if upload_id not in seen
    ]
    return [
        upload
        for upload in found
        if upload.key.startswith(prefix) and upload.upload_id not in session.open_uploads
    ]


async def _list(session: S3Session, place: str) -> list[OpenUpload]:
    def pages(s3: "S3Client") -> list[OpenUpload]:
        found = s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=session.bucket, Prefix=place
        )
        return [
            OpenUpload(
                session.key_of(item["Key"]), item["UploadId"], str(item.get("Initiated", ""))
            )
            for page in found
            for item in page.get("Uploads", [])
            if item["Key"].startswith(session.below(""))
        ]

    return await session.run("list unfinished uploads", pages)
