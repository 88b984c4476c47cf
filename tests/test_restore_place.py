"""Where the tools of restores and updates come from, asked through the real SDK."""

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
from tests.fakes_stack import make_stack

RUNNING = ("postgresql", "server", "worker")


def workplace(api: EngineApi, folder: Path) -> DockerWorkplace:
    return DockerWorkplace(
        DockerEngine(api, StackWanted("", {})), ComposeProgram({}, folder / "lock")
    )


async def test_an_outpost_that_was_stopped_is_left_as_it_is(tmp_path: Path) -> None:
    with engine_api("server", "proxy", "ldap", running=("server", "proxy")) as address:
        api = EngineApi(address)
        outposts = await workplace(api, tmp_path).outposts(make_stack())
        await api.close()

    assert outposts == ("proxy",)


async def test_whoever_looks_does_not_start_a_redis_that_is_stopped(tmp_path: Path) -> None:
    """And where it cannot start, all but it can be worked on."""
    with engine_api(*RUNNING, "redis", running=RUNNING) as address:
        api = EngineApi(address)
        place = workplace(api, tmp_path)

        tools = await place.tools(replace(SITE, redis="redis"), "a-job")

        assert tools.sessions
        with pytest.raises(PortError, match="start Redis: no space left on device"):
            await tools.sessions.put_back()
        await tools.sessions.discard()  # as it has no folder of its own, nothing is there
        await api.close()
