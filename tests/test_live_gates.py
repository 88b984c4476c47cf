"""The gate before the stack that serves, as it is built for an update."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.gate_probe import PlaceProbe
from bot.app_updates import LiveGates
from bot.domain.discovery import StackWanted
from bot.domain.restore import Site
from bot.settings import Settings
from tests.fakes_engine_api import engine_api
from tests.fakes_stack import FakeClock

SITE = Site(
    project="authentik",
    postgresql="postgresql",
    server="server",
    worker="worker",
    redis=None,
    working_dir="/srv",
    config_files=(),
    env_files=(),
    database="authentik",
    user="authentik",
    image="image:1",
    version="2025.2.1",
    outposts=("proxy",),
)


@pytest.fixture
def settings() -> Settings:
    """All as they are by default; made outside the loop, which what checks them would block."""
    return Settings.model_validate({})


async def test_it_watches_the_outposts_that_go_and_come_with_the_server(
    settings: Settings, tmp_path: Path
) -> None:
    clock = FakeClock(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
    with engine_api("postgresql", "server", "worker", "proxy") as address:
        api = EngineApi(address)
        compose = ComposeProgram({}, tmp_path / "lock")
        gates = LiveGates(DockerEngine(api, StackWanted("", {})), clock, settings, compose)
        probe = gates.of(SITE).probe
        assert isinstance(probe, PlaceProbe)
        watched = [service for service, _ in await probe.place.containers()]
        await api.close()

    assert watched == ["server", "worker", "proxy"]
