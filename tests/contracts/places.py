"""What the store tests share: buckets and stores to test, bytes to put, and short ways to do it."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterable

from bot.adapters.s3 import Patience, S3Store
from bot.domain.store_url import S3Location
from bot.services.store_ports import BackupStore
from tests.s3_servers import PART_SIZE, S3Server

KEY = "stack/20261123T033000Z-k3f9/postgres.dump.age"
QUICK = Patience(connect_seconds=60, answer_seconds=120, attempts=2, delays=(0.01, 0.05, 0.2))
"""Tries again soon, and gives no answer up that a busy machine is late with."""

_numbers = itertools.count()


def new_bucket(server: S3Server, *, lock: bool = False) -> S3Location:
    """Make an empty bucket, and a location in it that has a prefix."""
    location = S3Location(
        f"bucket-{next(_numbers)}", "some/prefix", endpoint=server.endpoint, path_style=True
    )
    server.client.create_bucket(Bucket=location.bucket, ObjectLockEnabledForBucket=lock)
    return location


def s3_store(location: S3Location, server: S3Server) -> S3Store:
    return S3Store(location, server.credentials, min_part_size=PART_SIZE, patience=QUICK)


def some_bytes(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


async def stream(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


def in_chunks(data: bytes, size: int) -> list[bytes]:
    return [data[position : position + size] for position in range(0, len(data), size)]


async def put(store: BackupStore, key: str, data: bytes, size: int = 10_000) -> int:
    return await store.put(key, stream(in_chunks(data, size)))


async def read(store: BackupStore, key: str, *, start: int = 0, length: int | None = None) -> bytes:
    return b"".join([block async for block in store.get(key, start=start, length=length)])


async def listed(store: BackupStore, prefix: str = "") -> list[str]:
    return [found.key async for found in store.list(prefix)]
