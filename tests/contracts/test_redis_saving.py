"""A Redis that writes snapshots by its own rules as well."""

import asyncio

import pytest

from bot.adapters.redis import RedisServer
from tests.contracts.stacks import engine_api, redis_server

pytestmark = pytest.mark.docker


async def test_a_snapshot_that_begins_in_between_is_waited_for() -> None:
    with redis_server(8) as redis:
        redis.cli("DEBUG", "POPULATE", "100000")
        async with engine_api() as api:
            server = RedisServer(api, redis.container, None)

            await asyncio.gather(*(server.save() for _ in range(6)))

            assert (await server._info("persistence"))["rdb_bgsave_in_progress"] == "0"
