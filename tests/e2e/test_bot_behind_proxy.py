"""The bot in its container, hardened and without the Engine's socket: what it does in its life.

The proxy is a stand-in that is given the real one's command line and logs in its words; that log
is the record of what the bot asks of the Engine, and the compose file's list is held to it.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.e2e.filled import fill_redis
from tests.e2e.test_backup import wait_until
from tests.e2e.test_bot_service import IN_BOT, SERVICES, backup, containers
from tests.e2e.test_restore import forget_kept, served
from tests.e2e.test_watcher import fail_its_check, health_of, main_process
from tests.sandbox.fixture import Sandbox
from tests.sandbox.socket_filter import allowing, options, path_of, patterns
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.docker, THOROUGH]

REPO = Path(__file__).resolve().parents[2]
NARROW = REPO / "deploy" / "compose.socket-proxy.yml"
FILTER = REPO / "tests" / "sandbox" / "socket_filter.py"
SOCKET = "/var/run/docker.sock"
_ANSWERS = "import socket; socket.socket(socket.AF_UNIX).connect('/run/akbot/docker.sock')"
STAND_IN = f"""
services:
  socket-proxy:
    image: akbot-sandbox/bot:checkout
    entrypoint: [python3, -I, /socket_filter.py]
    environment:
      SP_LOGLEVEL: DEBUG
    healthcheck:
      test: [CMD, python3, -I, -c, "{_ANSWERS}"]
      interval: 1s
    volumes:
      - {FILTER}:/socket_filter.py:ro
  worker:
    volumes:
      - more:/more
volumes:
  socket: &ours
    labels:
      akbot.sandbox: $SANDBOX_STATE
  more: *ours
"""
MADE_ANEW = (
    *("docker", "compose", "up", "--detach", "--wait", "--wait-timeout", "120"),
    *("--force-recreate", "--no-deps", "authentik", "worker"),
)
_PATIENCE = 600
# There is no command for it: it happens once an update's way back is given up.
_DROP = """
import asyncio, sys
from bot.adapters.engine_api import EngineApi
from bot.adapters.images import drop_image
from bot.settings_source import load_settings

async def drop(image):
    engine = EngineApi(load_settings().settings.docker_host)
    await drop_image(engine, image)
    await engine.close()

asyncio.run(drop(sys.argv[1]))
"""


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> Mapping[str, str]:
    """It looks around itself, so that it uses what that takes, and waits for little."""
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return {
        "AKBOT_STORE": sandbox.store_inside,
        "AKBOT_STACK": tmp_path.name,
        "AKBOT_BACKUP_SCHEDULE": "off",
        "AKBOT_DRILL_SCHEDULE": "off",
        "AKBOT_REGISTRY_ENDPOINT": sandbox.registry_inside,
        "AKBOT_RELEASE_FEED": "off",
        "AKBOT_UPDATE_MINIMUM_AGE": "0",
        "AKBOT_GATE_STABLE": "4",
        "AKBOT_REHEARSAL_STABLE": "2",
        "AKBOT_WATCH_EVERY": "1",
        "AKBOT_CURE": "20",  # an hour, and the sandbox's bots share a journal
        **{key: sandbox.environment[key] for key in keys},
    }


@pytest.fixture
def bot(sandbox: Sandbox, settings: Mapping[str, str]) -> Iterator[Sandbox]:
    """The stack with the bot behind the proxy, all of it made from the files that the bot sees."""
    files = {
        "socket-proxy.yml": NARROW.read_text(),
        "stand-in.yml": STAND_IN,
    }
    for name, text in files.items():
        (sandbox.project / name).write_text(text)
    chosen = ":".join(("docker-compose.yml", "sandbox.yml", *files))
    narrow = replace(
        sandbox, environment=MappingProxyType({**sandbox.environment, "COMPOSE_FILE": chosen})
    )
    try:
        narrow.run(*MADE_ANEW, timeout=_PATIENCE)
        narrow.bot_up(**settings)
        yield narrow
    finally:
        narrow.bot_down()
        narrow.compose("rm", "--force", "--stop", "socket-proxy")
        for name in files:
            (sandbox.project / name).unlink()
        sandbox.run(*MADE_ANEW, timeout=_PATIENCE)
        sandbox.docker("volume", "rm", "--force", "authentik_socket", "authentik_more")
        forget_kept(sandbox)
        fill_redis(sandbox)


def akbot(stack: Sandbox, *arguments: str) -> str:
    ended = stack.run(*IN_BOT, "akbot", *arguments, timeout=_PATIENCE, check=False)
    assert ended.returncode == 0, f"akbot {' '.join(arguments)}: {ended.stdout}{ended.stderr}"
    return ended.stdout


def inspected(stack: Sandbox) -> dict[str, dict[str, Any]]:
    """Of each service what `docker inspect` says of its container."""
    found = json.loads(
        stack.docker("inspect", *(each for each, _, _ in containers(stack).values()))
    )
    return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}


def asked(stack: Sandbox) -> set[tuple[str, str]]:
    """Methods and paths of all requests since the proxy began."""
    said = stack.compose("logs", "--no-log-prefix", "socket-proxy")
    assert "blocked request" not in said
    return {
        (method, path_of(url))
        for method, url in re.findall(r'"allowed request" method=(\w+) URL="?([^\s"]+)', said)
    }


def test_all_that_it_does_passes_the_socket_proxy_and_the_list_has_nothing_else(
    bot: Sandbox, settings: Mapping[str, str]
) -> None:
    bot.stand_ins("goauthentik/server:2025.2.4")

    its_work(bot)
    its_cure(bot)

    before = containers(bot)
    bot.compose("up", "--detach")
    assert containers(bot) == before
    assert sorted(before) == sorted([*SERVICES, "socket-proxy"])
    assert_hardened(bot)
    assert_knows_nothing_of_the_bot(bot, settings)
    assert_asks_what_is_listed(bot)


def its_work(bot: Sandbox) -> None:
    """Backup, drill, restore, update and the way back."""
    made = backup(bot)
    akbot(bot, "check")
    akbot(bot, "verify", "--deep", made["id"])
    assert json.loads(akbot(bot, "drill", "--boot", "--json"))["verdict"] == "pass"
    assert json.loads(akbot(bot, "restore", "--yes", "--json"))["backup"] == made["id"]

    akbot(bot, "update", "--yes", "2025.2.4")
    assert served(bot) == (200, "2025.2.4")
    newer = bot.docker("inspect", "--format", "{{.Image}}", "authentik").strip()
    taken_back_while_it_is_replaced(bot)
    assert served(bot) == (200, "2025.2.1")

    bot.run(*IN_BOT, "python", "-I", "-", newer, stdin=_DROP)
    assert bot.run("docker", "image", "inspect", newer, check=False).returncode == 1


def taken_back_while_it_is_replaced(bot: Sandbox) -> None:
    """`docker compose up -d bot` in the middle, as for a newer one, which goes on with the job."""
    with subprocess.Popen(
        [*IN_BOT, "akbot", "rollback", "--yes", "--no-safety-backup"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=bot.project,
        env=dict(bot.environment),
    ) as rollback:
        running = ("docker", "inspect", "authentik")
        wait_until(lambda: bot.run(*running, check=False).returncode == 1, "the server is removed")
        bot.compose("up", "--detach", "--force-recreate", "bot")
    assert rollback.returncode != 0, "it had ended before"

    def state() -> str:
        listed = json.loads(akbot(bot, "jobs", "--json"))
        newest = max(listed, key=lambda job: str(job["started"]))
        assert newest["kind"] == "rollback"
        return str(newest["state"])

    wait_until(lambda: state() == "done", "the new one has taken it back")


def its_cure(bot: Sandbox) -> None:
    before = main_process(bot, "authentik")
    fail_its_check(bot, "authentik")
    wait_until(lambda: main_process(bot, "authentik") not in {"0", before}, "it is cured")
    wait_until(lambda: health_of(bot, "authentik") == "healthy", "it is well")


def assert_hardened(bot: Sandbox) -> None:
    """Both; and of the Engine's socket the bot has none."""
    found = inspected(bot)
    for service in ("bot", "socket-proxy"):
        host = found[service]["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert not host["Privileged"]
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert found["bot"]["HostConfig"]["Tmpfs"] == {"/tmp": ""}
    assert found["socket-proxy"]["HostConfig"]["CapAdd"] is None
    assert found["socket-proxy"]["HostConfig"]["NetworkMode"] == "none"
    assert [each["Source"] for each in found["bot"]["Mounts"] if each["Destination"] == SOCKET] == [
        "/dev/null"
    ]


def assert_knows_nothing_of_the_bot(bot: Sandbox, settings: Mapping[str, str]) -> None:
    """Neither names nor values of its settings are in Authentik's containers."""
    found = inspected(bot)
    for service in set(SERVICES) - {"bot"}:
        text = json.dumps(found[service])
        assert not re.findall(r"AKBOT_\w+|AWS_\w+", text), service
        assert settings["AWS_SECRET_ACCESS_KEY"] not in text
        mounted = {each["Source"] for each in found[service]["Mounts"]}
        assert not mounted & {str(bot.bot_state), str(bot.bot_settings), str(bot.project)}


def assert_asks_what_is_listed(bot: Sandbox) -> None:
    command = inspected(bot)["socket-proxy"]["Config"]["Cmd"]
    listed = patterns(options().parse_args(command))
    needed = {
        (method, each.pattern)
        for method, path in asked(bot)
        for each in allowing(listed, method, path)
    }

    assert needed == {(method, each.pattern) for method in listed for each in listed[method]}
