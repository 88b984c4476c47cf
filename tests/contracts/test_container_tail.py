"""The end of a container's log, as people are shown it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.container_tail import DockerTail
from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError
from bot.services.looks import Span
from tests.contracts.stacks import docker, running, until
from tests.telegram_chat.world import make_stack

pytestmark = pytest.mark.docker
TALKS = "seq 40; echo 'GET /x?token=planted'; sleep 2; echo later; sleep infinity"
MUCH = """
head -c 4000 /dev/zero | tr '\\0' x > /tmp/line
for each in $(seq 900); do cat /tmp/line; echo; done
echo done; sleep infinity
"""
SERVER = make_stack().server


@pytest.fixture
async def tail() -> AsyncIterator[DockerTail]:
    api = EngineApi("unix:///var/run/docker.sock")
    yield DockerTail(api)
    await api.close()


def words(lines: object) -> list[str]:
    assert isinstance(lines, list)
    return [line.partition(" ")[2] for line in lines]


async def test_the_last_lines_with_their_times_and_without_secrets(tail: DockerTail) -> None:
    with running("postgres:17", "-c", TALKS, options=["--entrypoint", "sh"]) as container:
        server = replace(SERVER, id=container.id)
        assert until(lambda: b"later" in docker("logs", container.id))
        few = await tail.tail(server, 2)
        all_of_them = await tail.tail(server, 1000)
        end = datetime.now(UTC) - timedelta(seconds=2)
        before = await tail.tail(server, 1000, Span(end - timedelta(minutes=1), end))
        none = await tail.tail(
            server, 1000, Span(end - timedelta(hours=2), end - timedelta(hours=1))
        )

    assert words(few) == ["GET /x?token=***", "later"]
    assert few[0].startswith(f"{datetime.now(UTC):%Y-}")
    assert len(all_of_them) == 42
    assert words(before)[-1] == "GET /x?token=***"
    assert none == []


async def test_much_is_cut_at_a_line(tail: DockerTail) -> None:
    with running("postgres:17", "-c", MUCH, options=["--entrypoint", "sh"]) as container:
        assert await asyncio.to_thread(until, lambda: b"done" in docker("logs", container.id))
        lines = await tail.tail(replace(SERVER, id=container.id), 1000)

    assert 200 < len(lines) < 400
    assert all(line.startswith("20") for line in lines)


async def test_a_container_that_is_gone_is_told(tail: DockerTail) -> None:
    with pytest.raises(PortError, match="read the log of server"):
        await tail.tail(replace(SERVER, id="0" * 64), 10)
