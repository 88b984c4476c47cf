"""What people hear of the stack's containers, with the real Engine: each thing once, its cause."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.bot_api.people import Person
from tests.bot_api.server import BotApi
from tests.e2e.akbot import Akbot
from tests.e2e.disturbed import SERVICES, restart_engine
from tests.e2e.test_backup import wait_until
from tests.e2e.test_daemon import ADA, ada, chatting, daemon, telegram
from tests.sandbox.fixture import Sandbox

__all__ = ["ada", "chatting", "telegram"]

pytestmark = pytest.mark.docker

WORKER, DATABASE, REDIS = "authentik-worker", "authentik-postgresql", "authentik-redis"
AT_ONCE = 12.0  # seconds, of a busy machine: before what waits for 15 seconds would be told


@pytest.fixture
def watched(sandbox: Sandbox, chatting: Akbot, ada: Person) -> Iterator[Sandbox]:
    """The stack, well before and after, with a bot that watches it and Ada who listens."""
    all_start(sandbox)
    ada.says("/start")
    with daemon(chatting) as running:
        wait_until(lambda: "watching authentik" in running.log.read_text(), "it watches")
        yield sandbox
    all_start(sandbox)


def told(telegram: BotApi) -> list[str]:
    """The first lines of what was told of incidents."""
    texts = telegram.chat(ADA).texts
    return [text.splitlines()[0] for text in texts if text.startswith(("🔴", "🟢"))]


def ends(telegram: BotApi) -> list[str]:
    return [line for line in told(telegram) if line.startswith("🟢")]


def hear(telegram: BotApi, words: str, seconds: float) -> float:
    """Wait for a first line with *words*; how long that took."""
    began = time.monotonic()
    wait_until(lambda: any(words in line for line in told(telegram)), words, seconds)
    return time.monotonic() - began


def state_of(sandbox: Sandbox, container: str) -> dict[str, Any]:
    [details] = json.loads(sandbox.docker("inspect", container))
    state: dict[str, Any] = details["State"]
    return state


def health_of(sandbox: Sandbox, container: str) -> str:
    return str(state_of(sandbox, container).get("Health", {}).get("Status"))


@contextmanager
def failing_check(sandbox: Sandbox, container: str) -> Iterator[None]:
    """Inside, Docker says that *container* is unhealthy: its check finds no file of its mode."""
    here, away = "/dev/shm/authentik-mode", "/dev/shm/away"
    sandbox.docker("exec", container, "mv", here, away)
    try:
        wait_until(lambda: health_of(sandbox, container) == "unhealthy", "its check fails", 60)
        yield
    finally:
        sandbox.docker("exec", container, "mv", away, here)


def main_process(sandbox: Sandbox, container: str) -> str:
    return str(state_of(sandbox, container)["Pid"])


def all_start(sandbox: Sandbox) -> None:
    """Start what does not run; Compose gives up while something is unhealthy still."""
    containers = ["authentik", WORKER, DATABASE, REDIS]
    up = ("docker", "compose", "up", "--detach", *SERVICES)
    wait_until(lambda: sandbox.run(*up, check=False).returncode == 0, "all start", 120)
    wait_until(
        lambda: all(health_of(sandbox, each) == "healthy" for each in containers),
        "all are healthy",
        120,
    )


def dies_and_starts(sandbox: Sandbox, container: str) -> None:
    """Kill its process from outside, and wait until Docker has started it again."""
    before = main_process(sandbox, container)
    sandbox.run("kill", "-KILL", before)
    wait_until(lambda: main_process(sandbox, container) not in {"0", before}, "it is started again")


def comes_back(sandbox: Sandbox, telegram: BotApi, service: str) -> None:
    """Start all again; the end is told, and nothing but it."""
    all_start(sandbox)
    hear(telegram, f"{service} is well again", 120)
    assert len(told(telegram)) == 2, told(telegram)


@pytest.mark.parametrize(
    ("command", "words", "seconds"),
    [
        (("kill", WORKER), "worker has crashed since", AT_ONCE),
        (("pause", WORKER), "worker is paused since", AT_ONCE),
        (("stop", "--time", "2", WORKER), "worker is stopped since", 25),
        (("rm", "--force", WORKER), "worker is gone since", 25),
    ],
    ids=["kill", "pause", "stop", "remove"],
)
def test_what_people_do_to_a_container(
    watched: Sandbox, telegram: BotApi, command: tuple[str, ...], words: str, seconds: float
) -> None:
    if command[0] == "rm":
        watched.docker("stop", "--time", "2", WORKER)
    watched.docker(*command)
    hear(telegram, words, seconds)
    if command[0] == "pause":
        watched.docker("unpause", WORKER)

    comes_back(watched, telegram, "worker")


def test_a_process_that_dies_and_is_started_again_by_docker(
    watched: Sandbox, telegram: BotApi
) -> None:
    for _ in range(3):
        dies_and_starts(watched, WORKER)
        time.sleep(2)

    hear(telegram, "worker has crashed since", AT_ONCE)
    comes_back(watched, telegram, "worker")
    [end] = [text for text in telegram.chat(ADA).texts if text.startswith("🟢")]
    assert "it broke down again" in end


def test_a_health_check_that_fails(watched: Sandbox, telegram: BotApi) -> None:
    pid = main_process(watched, REDIS)
    watched.run("kill", "-STOP", pid)
    try:
        hear(telegram, "redis is unhealthy since", 180)
    finally:
        watched.run("kill", "-CONT", pid)

    comes_back(watched, telegram, "redis")


def test_the_database_takes_the_others_with_it_and_is_the_one_that_is_told(
    watched: Sandbox, telegram: BotApi
) -> None:
    watched.docker("kill", DATABASE)
    hear(telegram, "postgresql has crashed since", AT_ONCE)
    with failing_check(watched, "authentik"), failing_check(watched, WORKER):
        watched.docker("start", DATABASE)

    comes_back(watched, telegram, "postgresql")


def test_a_restart_of_docker_is_at_most_one_incident(watched: Sandbox, telegram: BotApi) -> None:
    restart_engine(watched)
    all_start(watched)
    wait_until(lambda: told(telegram)[-1:] == ends(telegram)[-1:], "what was told has ended", 120)
    before = len(told(telegram))
    watched.docker("kill", WORKER)
    wait_until(lambda: len(told(telegram)) > before, "the stream of events goes on", AT_ONCE)

    *earlier, crash = told(telegram)
    assert "worker has crashed since" in crash
    assert len(earlier) == 2 * len(ends(telegram)) <= 2, earlier
