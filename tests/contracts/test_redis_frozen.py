"""A Redis that hangs holds nobody for ever."""

import pytest

from bot.adapters.redis import RedisServer
from bot.domain.errors import PortError
from tests.contracts.stacks import docker, engine_api, redis_server

pytestmark = pytest.mark.docker


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    with redis_server(8) as redis:
        container = redis.container
        async with engine_api() as api:
            server = RedisServer(api, container, None, answer_within=2)
            assert (await server.version()).startswith("8.")
            redis.cli("CLIENT", "PAUSE", "60000", "ALL")
            with pytest.raises(PortError, match="no answer within 2 s") as caught:
                await server.version()
        docker("kill", container.id)

    assert caught.value.retryable
