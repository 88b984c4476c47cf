"""A rehearsal by the bot in its container, which must join the copy's network to see it."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from bot.adapters.engine_api import EngineApi
from bot.adapters.state_folder import StateFolder
from bot.adapters.throwaway import remove_throw_aways
from tests.e2e.test_backup import wait_until
from tests.e2e.test_bot_service import IN_BOT
from tests.e2e.test_rehearsal import GOOD, hop, nothing_left, throw_aways
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.docker, THOROUGH]

JOB = "20261123T033000Z-k3f9"
# As the flow of an update does it; there is no command for a rehearsal alone.
REHEARSE = f"""
import asyncio, sys
from bot.app import App
from bot.domain.backup_id import parse_backup_id
from bot.domain.rehearsal import RehearsedHop
from bot.domain.update_gate import Baseline
from bot.domain.versions import parse_target
from bot.settings_source import load_settings

class Job:
    id = parse_backup_id("{JOB}")

    async def step(self, name):
        print(name, flush=True)

async def rehearse(app, image, image_id, tag):
    job, before = Job(), Baseline(login_page=200, root_config=200)
    rehearsal = app.updates.rehearsal(app.keys.keyring(), lambda _: None, before)
    way = [RehearsedHop(image, image_id, parse_target(tag))]
    print((await rehearsal.run(way, None, job, job.step)).words)
    await app.close()

asyncio.run(rehearse(App(load_settings().settings), *sys.argv[1:]))
"""


@pytest.fixture
def bot(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The stack with the bot running, for which a copy is well after a moment."""
    sandbox.bot_up(
        AKBOT_BACKUP_SCHEDULE="off", AKBOT_DRILL_SCHEDULE="off", AKBOT_REHEARSAL_STABLE="2"
    )
    yield sandbox
    sandbox.bot_down()


def rehearsing(bot: Sandbox) -> subprocess.Popen[str]:
    good = hop(bot, GOOD, "2025.2.4")
    process = subprocess.Popen(
        [*IN_BOT, "python", "-I", "-", good.image, good.image_id, str(good.version)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=bot.project,
        env=dict(bot.environment),
    )
    assert process.stdin
    process.stdin.write(REHEARSE)
    process.stdin.close()
    process.stdin = None
    return process


def networks(bot: Sandbox) -> list[str]:
    """Those that the bot is in."""
    [details] = json.loads(bot.docker("inspect", bot.compose("ps", "--quiet", "bot").strip()))
    return sorted(details["NetworkSettings"]["Networks"])


def test_the_bot_joins_the_copys_network_and_leaves_it(bot: Sandbox) -> None:
    own = networks(bot)

    with nothing_left(bot):
        output, _ = rehearsing(bot).communicate(timeout=240)

    assert "2025.2.4 migrates in" in output, output
    assert networks(bot) == own


async def test_a_network_that_a_killed_bot_is_in_goes_with_its_job(bot: Sandbox) -> None:
    own = networks(bot)
    engine = EngineApi("unix:///var/run/docker.sock", StateFolder(bot.bot_state).id)

    with nothing_left(bot):
        process = rehearsing(bot)
        try:
            wait_until(lambda: len(throw_aways(bot)) > 1, "the rehearsal has begun")
            bot.compose("kill", "bot")
        finally:
            process.communicate(timeout=60)
        bot.compose("start", "bot")
        assert len(networks(bot)) == len(own) + 1, "it is in that network again"

        assert await remove_throw_aways(engine, JOB) > 1
        await engine.close()

        assert networks(bot) == own
