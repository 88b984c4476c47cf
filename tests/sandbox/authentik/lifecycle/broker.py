"""Redis: the store of old sessions and Celery's queue (§10)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol, cast

import redis  # type: ignore[import-not-found]

from .settings import Settings

CELERY_QUEUE = "celery"

BrokerError = redis.RedisError


class Broker(Protocol):
    """What the stand-in uses of redis-py's client."""

    def ping(self) -> bool: ...

    def get(self, name: str | bytes) -> bytes | None: ...

    def setex(self, name: str, time: timedelta, value: str) -> object: ...

    def delete(self, *names: str) -> int: ...

    def ttl(self, name: str | bytes) -> int: ...

    def scan_iter(self, match: str) -> Iterator[bytes]: ...

    def lpush(self, name: str, *values: str) -> int: ...

    def brpop(self, keys: list[str], timeout: int) -> tuple[bytes, bytes] | None: ...


def open_broker(settings: Settings) -> Broker:
    """Return a client; nothing is sent before it is used."""
    opened = redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        db=settings.redis_db,
        password=settings.redis_password,
        socket_connect_timeout=3,
        socket_timeout=5,
    )
    return cast("Broker", opened)
