"""What `docker stats` says of a stack's memory, asked through the real SDK."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.adapters.engine_api import EngineApi
from bot.adapters.gauge import DockerGauge
from bot.domain.charts import MemorySample, MemoryUse
from bot.domain.stack import Container, Stack
from tests.fakes_engine_api import engine_api
from tests.fakes_stack import FakeClock


def container(service: str, state: str = "running") -> Container:
    return Container(service, service, service, "image", "sha256:1", None, state, "", 3, "")


async def test_what_runs_is_measured_without_its_page_cache() -> None:
    stack = Stack(
        project="authentik",
        postgresql=replace(container("postgresql"), restarts=0),
        redis=container("redis", "exited"),
        server=container("server"),
        worker=container("worker"),
        working_dir="/srv",
        config_files=(),
    )
    clock = FakeClock(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
    with engine_api("postgresql", "redis", "server", "worker") as address:
        api = EngineApi(address)
        uses = await DockerGauge(api, clock).memory(stack)
        await api.close()

    assert uses == [
        MemoryUse("postgresql", (MemorySample(clock.now(), 100_000_000),)),
        MemoryUse("server", (MemorySample(clock.now(), 600_000_000),), 1_000_000_000, 3),
    ]
