"""One bucket as seen by one store: client, threads, and patience with the network."""

import asyncio
import gc
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pydantic import SecretStr

from bot.adapters.s3_errors import S3Error
from bot.adapters.threads import Threads
from bot.domain.errors import PortError
from bot.domain.objects import key_parts
from bot.domain.store_url import S3Location

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

T = TypeVar("T")

THREADS = 8  # two parts each for a few components, and readers
TOKEN = "akbot-put"  # noqa: S105 - metadata by which a writer knows its own object again


@dataclass(frozen=True)
class S3Credentials:
    """A key pair, and the token of a temporary one."""

    access_key_id: str
    secret_access_key: SecretStr
    session_token: SecretStr | None = None


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for the service.

    *connect_seconds* also bounds the sending of one small block. botocore tries each request
    *attempts* times within a second or two; whatever moves data is then repeated after *delays*,
    but not once *outage_seconds* have passed.
    """

    connect_seconds: float = 10
    answer_seconds: float = 30
    outage_seconds: float = 120
    attempts: int = 3
    delays: tuple[float, ...] = (1, 2, 4, 8, 15, 30, 30, 30)


class Head(NamedTuple):
    """What a HEAD request tells; *token* is empty where the service keeps no metadata."""

    size: int
    token: str


class S3Session:
    """The client, made on first use, and what was learned about the service."""

    def __init__(
        self, location: S3Location, credentials: S3Credentials | None, patience: Patience
    ) -> None:
        self.bucket = location.bucket
        self.patience = patience
        self.conditional_writes = True  # until the service says that it has none
        self.open_uploads: set[str] = set()
        self.lost_uploads: dict[str, str] = {}  # id to key: begun here, and the abort failed
        self._location = location
        self._credentials = credentials
        self._threads = Threads("s3", THREADS)
        self._client: S3Client | None = None
        self._connecting = threading.Lock()

    def place(self, key: str) -> str:
        """The bucket's own name for the object *key*."""
        key_parts(key)
        return self.below(key)

    def below(self, prefix: str) -> str:
        """The bucket's own prefix for *prefix*, which may be empty."""
        return f"{self._location.prefix}/{prefix}" if self._location.prefix else prefix

    def key_of(self, place: str) -> str:
        """The key of what the bucket calls *place*."""
        return place.removeprefix(self.below(""))

    async def run(self, doing: str, call: "Callable[[S3Client], T]") -> T:
        """Make one call on a thread; its errors become PortError, beginning with *doing*."""
        return await self._threads.run(self._call, doing, call)

    def _call(self, doing: str, call: "Callable[[S3Client], T]") -> T:
        from bot.adapters import s3_client  # noqa: PLC0415 - 40 MB, for those who use S3

        with s3_client.s3_errors(doing):
            with self._connecting:
                if self._client is None:
                    self._client = s3_client.connect(
                        self._location, self._credentials, self.patience, connections=THREADS
                    )
                    # its descriptions stay to the end: no collection need look through them again,
                    # which takes as long as reading a listing
                    gc.freeze()
            return call(self._client)

    async def persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Await *attempt* until it succeeds, fails for good, or patience ends."""
        give_up = time.monotonic() + self.patience.outage_seconds
        for delay in self.patience.delays:
            try:
                return await attempt()
            except PortError as error:
                if not error.retryable or time.monotonic() + delay > give_up:
                    raise
            await asyncio.sleep(delay)
        return await attempt()

    async def head(self, doing: str, key: str) -> Head:
        """Look at the object without reading it."""
        place = self.place(key)

        def look(s3: "S3Client") -> Head:
            found = s3.head_object(Bucket=self.bucket, Key=place)
            return Head(found["ContentLength"], found["Metadata"].get(TOKEN, ""))

        try:
            return await self.run(doing, look)
        except S3Error as error:
            if not error.retryable:
                await self.explain(doing, key)
            raise

    async def explain(self, doing: str, key: str) -> None:
        """Raise what the answer to a HEAD of *key* hid, if anything.

        It has no body, so that a missing bucket looks like a missing object, and a wrong secret
        like a forbidden one; who asks for a list of that one key is told the difference.
        """
        place = self.place(key)
        await self.run(
            doing, lambda s3: s3.list_objects_v2(Bucket=self.bucket, Prefix=place, MaxKeys=1)
        )

    async def close(self) -> None:
        """Wait for running calls; close connections and end the threads."""
        await self._threads.close()
        if self._client is not None:
            self._client.close()
