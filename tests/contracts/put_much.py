"""Stream MIB mebibytes into a bucket; print by how many MiB the peak memory grew.

Run as `put_much ENDPOINT BUCKET MIB`; a first small object loads whatever is loaded once.
"""

import asyncio
import resource
import sys
from collections.abc import AsyncIterator

from pydantic import SecretStr

from bot.adapters.s3 import S3Credentials, S3Store
from bot.domain.store_url import S3Location

_CHUNK = bytes(256 * 1024)


async def _chunks(mib: int) -> AsyncIterator[bytes]:
    for _ in range(mib * 4):
        yield _CHUNK


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


async def _main(endpoint: str, bucket: str, mib: int) -> None:
    location = S3Location(bucket, endpoint=endpoint, path_style=True)
    store = S3Store(location, S3Credentials("x", SecretStr("x")))
    await store.put("small", _chunks(1))
    before = _peak_mib()
    await store.put("large", _chunks(mib))
    print(_peak_mib() - before)
    await store.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
