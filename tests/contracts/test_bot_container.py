"""The bot's own container: the fake and one of Docker's keep the same promises."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.setup_ground import DockerBot
from bot.domain.errors import PortError
from bot.domain.setup import BotState
from bot.services.setup_ports import BotContainer
from tests.contracts.stacks import engine_api
from tests.fakes_setup import FakeBot, FakeSetupFiles
from tests.sandbox.fixture import Sandbox, sandbox

__all__ = ["sandbox"]

pytestmark = pytest.mark.docker
COMPOSE = """name: akbot-contract
services:
  bot:
    image: akbot-sandbox/redis:8
    command: {command}
    init: true
    healthcheck: {{test: ["CMD", "true"], interval: 1s}}  # without one, what runs counts as well
    labels: ["{label}"]
networks: {{default: {{labels: ["{label}"]}}}}
"""


def docker_bot(api: object, sandbox: Sandbox, folder: Path, command: str) -> DockerBot:
    file = folder / "compose.yml"
    file.write_text(COMPOSE.format(command=command, label=sandbox.label))
    (folder / ".env").touch()
    environment = {name: sandbox.environment[name] for name in ("PATH", "DOCKER_CONFIG")}
    compose = ComposeProgram({**environment, "HOME": os.environ["HOME"]}, folder / "compose.lock")
    return DockerBot(
        api,  # type: ignore[arg-type]
        compose,
        SystemClock(),
        "akbot-contract",
        file=file,
        place_file=folder / ".env",
    )


@pytest.fixture(params=["fake", "docker"])
async def bot(
    request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path
) -> AsyncIterator[BotContainer]:
    if request.param == "fake":
        yield FakeBot(FakeSetupFiles())
        return
    async with engine_api() as api:
        bot = docker_bot(api, sandbox, tmp_path, "sleep 600")
        yield bot
        await bot.remove()


async def test_it_comes_starts_anew_and_goes(bot: BotContainer) -> None:
    assert await bot.look() == BotState()
    assert await bot.remove() is False

    await bot.start()
    first = await bot.look()
    await bot.start()
    second = await bot.look()

    assert first.well
    assert second.well
    assert first.since
    assert second.since
    assert second.since > first.since
    assert await bot.remove() is True
    assert await bot.look() == BotState()


async def test_one_that_ends_at_once_is_told_with_where_to_look(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    async with engine_api() as api:
        bot = docker_bot(api, sandbox, tmp_path, "/bin/false")
        try:
            with pytest.raises(PortError, match="start the bot: it is exited") as told:
                await bot.start()
        finally:
            await bot.remove()
    assert "logs bot" in told.value.hint
