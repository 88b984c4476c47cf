"""The tools for a stack whose Redis is stopped and cannot start: all but Redis can be worked on."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.restore_place import DockerWorkplace
from bot.domain.discovery import StackWanted
from bot.domain.errors import PortError
from tests.domain.test_restore_recovery import SITE
from tests.fakes_engine_api import engine_api

RUNNING = ("postgresql", "server", "worker")


async def test_whoever_looks_does_not_start_it(tmp_path: Path) -> None:
    with engine_api(*RUNNING, "redis", running=RUNNING) as address:
        api = EngineApi(address)
        place = DockerWorkplace(
            DockerEngine(api, StackWanted("", {})), ComposeProgram({}, tmp_path / "lock")
        )

        tools = await place.tools(replace(SITE, redis="redis"), "a-job")

        assert tools.sessions
        with pytest.raises(PortError, match="start Redis: no space left on device"):
            await tools.sessions.put_back()
        await tools.sessions.discard()  # as it has no folder of its own, nothing is there
        await api.close()
