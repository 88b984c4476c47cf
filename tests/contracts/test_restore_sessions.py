"""What Sessions promises on a real Redis: kept, flushed, loaded, put back, by another process."""

from collections.abc import AsyncIterator, Iterator

import pytest

from bot.adapters.redis import RedisServer
from bot.adapters.redis_keeper import RedisKeeper
from bot.domain.errors import IntegrityError, PortError
from tests.contracts.stacks import Redis, docker, engine_api, inside, redis_server, until

pytestmark = pytest.mark.docker

JOB, OTHER = "20261123T033000Z-k3f9", "20261123T040000Z-aaaa"


@pytest.fixture(params=[8, 7])
def redis(request: pytest.FixtureRequest) -> Iterator[Redis]:
    with redis_server(request.param, password="secret") as redis:
        redis.cli("SET", "who", "before")
        redis.cli("CONFIG", "SET", "save", "60 1")  # as in the stack: it saves when it is stopped
        yield redis


def keeper(api: object, redis: Redis, job: str = JOB) -> RedisKeeper:
    server = RedisServer(api, redis.container, redis.password)  # type: ignore[arg-type]
    return RedisKeeper(api, redis.container, server, job, nothing_outside)  # type: ignore[arg-type]


async def nothing_outside() -> None:
    raise AssertionError("it runs, so that it has its own files removed")


def own_files(redis: Redis) -> str:
    return inside(redis.container, "sh", "-c", "ls -A /data | grep akbot || true")


async def snapshot_of(redis: Redis) -> bytes:
    async with engine_api() as api:
        server = RedisServer(api, redis.container, redis.password)
        return b"".join([block async for block in server.rdb()])


async def stream(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_what_was_kept_is_put_back(redis: Redis) -> None:
    async with engine_api() as api:
        sessions = keeper(api, redis)
        await sessions.keep()
        await sessions.flush()
        assert redis.cli("GET", "who") == ""
        redis.cli("SET", "who", "after")
        await sessions.keep()  # again, as after a kill: it keeps what it had kept

        await keeper(api, redis).put_back()

        assert redis.cli("GET", "who") == "before"
        await sessions.put_back()
        await sessions.discard()
    assert own_files(redis) == ""


async def test_a_snapshot_is_loaded_and_an_undo_takes_it_back(redis: Redis) -> None:
    redis.cli("SET", "who", "then")
    then = await snapshot_of(redis)
    redis.cli("SET", "who", "before")
    async with engine_api() as api:
        sessions, undo = keeper(api, redis), keeper(api, redis, OTHER)
        await sessions.stage(stream(then))
        await sessions.keep()
        await sessions.load_staged()
        assert redis.cli("GET", "who") == "then"

        await undo.claim(JOB)
        await undo.give_back(JOB)
        await undo.claim(JOB)
        await undo.keep()
        await undo.load_staged()
        assert redis.cli("GET", "who") == "before"

        await undo.put_back()
        assert redis.cli("GET", "who") == "then"
        await sessions.discard()
        await undo.discard()
    assert own_files(redis) == ""


async def test_a_damaged_snapshot_is_refused(redis: Redis) -> None:
    async with engine_api() as api:
        with pytest.raises(IntegrityError, match="damaged"):
            await keeper(api, redis).stage(stream(b"REDIS0011garbage"))
        await keeper(api, redis).discard()

    assert redis.cli("GET", "who") == "before"


async def test_one_that_was_left_stopped_is_started(redis: Redis) -> None:
    docker("stop", redis.container.id)
    async with engine_api() as api:
        await keeper(api, redis).start()

    assert until(lambda: redis.cli("PING") == "PONG")


async def test_where_redis_appends_nothing_is_kept_and_nothing_loaded(redis: Redis) -> None:
    redis.cli("CONFIG", "SET", "appendonly", "yes")
    async with engine_api() as api:
        sessions = keeper(api, redis)
        with pytest.raises(PortError, match="append-only"):
            await sessions.stage(stream(b""))
        await sessions.keep()
        await sessions.flush()
        await sessions.put_back()

    assert redis.cli("GET", "who") == ""
