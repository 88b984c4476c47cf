"""What a real Engine says of the memory of containers."""

from dataclasses import replace

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.engine_api import EngineApi
from bot.adapters.gauge import DockerGauge
from tests.contracts.stacks import docker, running, until
from tests.fakes_stack import make_container
from tests.telegram_chat.world import make_stack

pytestmark = pytest.mark.docker
MIB = 1024**2
HOLDS_64_MIB = "x=$(head -c 67108864 /dev/zero | tr '\\0' x); echo held; sleep infinity"
LIMITED = ["--entrypoint", "sh", "--memory", "256m"]


async def test_what_a_container_holds_is_told_beside_its_limit() -> None:
    api = EngineApi("unix:///var/run/docker.sock")
    with running("postgres:17", "-c", HOLDS_64_MIB, options=LIMITED) as container:
        stack = replace(make_stack(), server=replace(make_stack().server, id=container.id))
        stack = replace(stack, postgresql=make_container("postgresql", state="exited"))
        stack = replace(stack, redis=None, worker=None)
        assert until(lambda: b"held" in docker("logs", container.id))
        [use] = await DockerGauge(api, SystemClock()).memory(stack)
    await api.close()

    assert use.limit == 256 * MIB
    assert 60 * MIB < use.now < 256 * MIB
