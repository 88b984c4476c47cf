"""Signs in the logs of containers, as they come."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.adapters.container_log import ContainerLogs
from bot.adapters.engine_api import EngineApi
from bot.domain.gate_signs import Sign, SignKind
from tests.contracts.stacks import docker, inspect, running, until

pytestmark = pytest.mark.docker
TALKS = r"""
echo 'Traceback (most recent call last):' >&2
echo '  File "/lifecycle/migrate.py", line 1' >&2
echo '{"event": "between"}'
while [ ! -e /tmp/go ]; do sleep 0.05; done
echo 'ValueError: token=planted' >&2
echo '{"event": "gunicorn process died, restarting"}' >&2
sleep infinity
"""
MUCH = "yes '{\"event\": \"nothing\"}' | head -n 200000; echo 'X: gunicorn is restarting'; sleep 99"


@pytest.fixture
async def logs() -> AsyncIterator[ContainerLogs]:
    api = EngineApi("unix:///var/run/docker.sock")
    yield ContainerLogs(api)
    await api.close()


async def test_each_line_is_read_once_also_of_a_traceback_in_two_reads(logs: ContainerLogs) -> None:
    with running("postgres:17", "-c", TALKS, options=["--entrypoint", "sh"]) as container:
        before = await logs.new_signs("server", inspect(container.id))
        docker("exec", container.id, "touch", "/tmp/go")
        found: list[Sign] = []
        async with asyncio.timeout(20):
            while len(found) < 2:
                found += await logs.new_signs("server", inspect(container.id))
                await asyncio.sleep(0.05)
        after = await logs.new_signs("server", inspect(container.id))

    assert (before, after) == ([], [])
    assert found == [
        Sign(SignKind.MIGRATION, "server", "ValueError: token=***"),
        Sign(SignKind.RESTARTING, "server", "gunicorn process died, restarting"),
    ]


async def test_a_log_of_a_terminal(logs: ContainerLogs) -> None:
    talks = "echo 'gunicorn is restarting'; echo x; sleep 99"
    with running("postgres:17", "-c", talks, options=["--tty", "--entrypoint", "sh"]) as container:
        assert until(lambda: b"x" in docker("logs", container.id))
        found = await logs.new_signs("server", inspect(container.id))

    assert found == [Sign(SignKind.RESTARTING, "server", "gunicorn is restarting")]


async def test_much_is_read_piece_by_piece(logs: ContainerLogs) -> None:
    with running("postgres:17", "-c", MUCH, options=["--entrypoint", "sh"]) as container:
        looks = 0
        async with asyncio.timeout(60):
            while not await logs.new_signs("server", inspect(container.id)):
                looks += 1

    assert looks > 3


async def test_a_container_that_is_gone_shows_nothing(logs: ContainerLogs) -> None:
    assert await logs.new_signs("server", {"Id": "0" * 64, "Config": {"Tty": False}}) == []
