"""What people hear of the stack's containers, with the real Engine: each thing once, its cause.

What may happen to each of them is in tests/contracts/test_watching.py.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.bot_api.people import Person
from tests.bot_api.server import BotApi
from tests.e2e.akbot import Akbot
from tests.e2e.disturbed import SERVICES, Disturbance, require, restart_engine
from tests.e2e.test_backup import wait_until
from tests.e2e.test_daemon import ADA, Daemon, ada, chatting, daemon, telegram
from tests.sandbox.fixture import Sandbox, script
from tests.thorough import THOROUGH

__all__ = ["ada", "chatting", "telegram"]

pytestmark = pytest.mark.docker

WORKER, DATABASE, REDIS = "authentik-worker", "authentik-postgresql", "authentik-redis"
_MODE, _AWAY = "/dev/shm/authentik-mode", "/dev/shm/away"
AT_ONCE = 12.0  # seconds, of a busy machine: before what waits for 15 seconds would be told
A_RESTART = 15.0  # seconds: what stops for longer is told
A_LOOK = 5.0  # seconds from one to the next, while Docker does not answer
SETTLED = 30.0  # seconds for which all must be well before that is told
ROUNDED = 0.5  # seconds, of what people are told


@contextmanager
def watching(sandbox: Sandbox, akbot: Akbot, **settings: str) -> Iterator[Daemon]:
    """The stack, well before and after, with a bot that watches it."""
    all_start(sandbox)
    with daemon(akbot, **settings) as running:
        wait_until(lambda: "watching authentik" in running.log.read_text(), "it watches")
        yield running
    all_start(sandbox)


@pytest.fixture
def own_engine(sandbox: Sandbox) -> None:
    """One that may be restarted; asked for before anybody watches."""
    require(Disturbance.KILLED_ENGINE, sandbox)


@pytest.fixture
def watched(sandbox: Sandbox, chatting: Akbot, ada: Person) -> Iterator[Sandbox]:
    """With Ada, who listens."""
    ada.says("/start")
    with watching(sandbox, chatting):
        yield sandbox


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
    fail_its_check(sandbox, container)
    try:
        yield
    finally:
        sandbox.docker("exec", container, "mv", _AWAY, _MODE)


def fail_its_check(sandbox: Sandbox, container: str) -> None:
    """Docker says that it is unhealthy until it is started again, or its file is put back."""
    sandbox.docker("exec", container, "mv", _MODE, _AWAY)
    wait_until(lambda: health_of(sandbox, container) == "unhealthy", "its check fails")


def main_process(sandbox: Sandbox, container: str) -> str:
    return str(state_of(sandbox, container)["Pid"])


def all_start(sandbox: Sandbox) -> None:
    """Start what does not run; Compose gives up while something is unhealthy still."""
    containers = ["authentik", WORKER, DATABASE, REDIS]
    up = ("docker", "compose", "up", "--detach", *SERVICES)
    wait_until(lambda: sandbox.run(*up, check=False).returncode == 0, "all start")
    wait_until(
        lambda: all(health_of(sandbox, each) == "healthy" for each in containers),
        "all are healthy",
        120,
    )


def dies_and_starts(sandbox: Sandbox, container: str, signal: str = "KILL") -> None:
    """Kill its process from outside, and wait until Docker has started it again."""
    before = main_process(sandbox, container)
    assert before != "0", "that would be all processes of these tests"
    sandbox.run("kill", f"-{signal}", before)
    wait_until(lambda: main_process(sandbox, container) not in {"0", before}, "it is started again")


def come_back(sandbox: Sandbox, telegram: BotApi, *services: str) -> None:
    """Start all again; their ends are told, and nothing but them."""
    all_start(sandbox)
    for each in services:
        hear(telegram, f"{each} is well again", 120)
    assert len(told(telegram)) == 2 * len(services), told(telegram)


def end_of(telegram: BotApi, service: str) -> str:
    [end] = [each for each in telegram.chat(ADA).texts if each.startswith(f"🟢 {service}")]
    return end


def seconds_in(words: str) -> float:
    """Those of "42 s" and of "2 min 5 s"."""
    *minutes, seconds = (float(each) for each in re.findall(r"[\d.]+", words))
    return 60 * sum(minutes) + seconds


def test_what_happens_to_two_at_once_is_told_of_each(watched: Sandbox, telegram: BotApi) -> None:
    watched.docker("kill", WORKER)
    watched.docker("pause", "authentik")
    hear(telegram, "worker has crashed at", AT_ONCE)
    hear(telegram, "authentik is paused since", AT_ONCE)
    watched.docker("unpause", "authentik")

    come_back(watched, telegram, "worker", "authentik")


def test_what_may_be_a_restart_by_hand_is_told_once_it_lasts(
    watched: Sandbox, telegram: BotApi
) -> None:
    watched.docker("stop", "--time", "2", WORKER, "authentik")
    watched.docker("rm", "--force", WORKER)
    assert told(telegram) == []
    hear(telegram, "worker is gone since", 25)
    hear(telegram, "authentik is stopped since", 25)

    come_back(watched, telegram, "worker", "authentik")


def test_a_loop_of_restarts_is_one_incident_and_one_that_is_unhealthy_is_cured_once(
    sandbox: Sandbox, chatting: Akbot, telegram: BotApi, ada: Person
) -> None:
    ada.says("/start")
    with watching(sandbox, chatting, AKBOT_CURE="1"):
        before = main_process(sandbox, "authentik")
        fail_its_check(sandbox, "authentik")
        hear(telegram, "authentik is unhealthy since", AT_ONCE)
        for _ in range(3):
            dies_and_starts(sandbox, WORKER)
        hear(telegram, "worker has crashed at", AT_ONCE)
        wait_until(lambda: main_process(sandbox, "authentik") not in {"0", before}, "it is cured")
        wait_until(lambda: health_of(sandbox, "authentik") == "healthy", "it is well")
        fail_its_check(sandbox, "authentik")
        hear(telegram, "authentik is unhealthy still", 30)
        [end] = [text for text in telegram.chat(ADA).texts if "I stop now" in text]
        assert "I restarted it once within an hour" in end
        sandbox.docker("exec", "authentik", "mv", _AWAY, _MODE)
        for each in ("authentik", "worker"):
            hear(telegram, f"{each} is well again", 120)

    assert "I restarted it at " in end_of(telegram, "authentik")
    assert "it broke down again" in end_of(telegram, "worker")
    assert len(told(telegram)) == 5, told(telegram)


def test_a_loop_of_ends_that_look_like_stops_is_one_incident_as_well(
    watched: Sandbox, telegram: BotApi
) -> None:
    for _ in range(4):
        dies_and_starts(watched, WORKER, "TERM")
    hear(telegram, "worker keeps restarting since", AT_ONCE)
    [begin] = [text for text in telegram.chat(ADA).texts if text.startswith("🔴")]
    assert "It ends by itself with exit code" in begin

    come_back(watched, telegram, "worker")


def test_the_database_takes_the_others_with_it_and_is_the_one_that_is_told(
    watched: Sandbox, telegram: BotApi
) -> None:
    watched.docker("kill", DATABASE)
    hear(telegram, "postgresql has crashed at", AT_ONCE)
    with failing_check(watched, "authentik"), failing_check(watched, WORKER):
        watched.docker("start", DATABASE)

    come_back(watched, telegram, "postgresql")


@pytest.mark.usefixtures("own_engine")
def test_a_short_restart_of_docker_is_no_news(watched: Sandbox, telegram: BotApi) -> None:
    began = time.monotonic()
    restart_engine(watched)
    is_short = time.monotonic() - began < A_RESTART
    all_start(watched)
    wait_until(lambda: told(telegram)[-1:] == ends(telegram)[-1:], "what was told has ended")
    before = told(telegram)
    watched.docker("kill", WORKER)
    hear(telegram, "worker has crashed at", AT_ONCE)

    assert told(telegram)[:-1] == before, "the stream of events goes on, and tells nothing else"
    if is_short:
        assert before == []
    assert len(before) <= 2
    assert all("The Docker Engine" in each for each in before)


@THOROUGH
@pytest.mark.usefixtures("own_engine")
def test_a_long_absence_of_docker_is_one_incident_and_nothing_is_told_of_each_container(
    watched: Sandbox, telegram: BotApi
) -> None:
    before = time.monotonic()
    script("engine", "stop")
    gone = time.monotonic()
    hear(telegram, "The Docker Engine does not answer since", 60)
    back = time.monotonic()
    script("engine")
    all_start(watched)
    hear(telegram, "The Docker Engine is well again", 120)
    told_at = time.monotonic()

    begin, end = told(telegram)
    assert begin.startswith("🔴 The Docker Engine does not answer since")
    lasted = seconds_in(end.rpartition(", after ")[2])
    assert back - gone - A_LOOK <= lasted <= told_at - before - SETTLED + ROUNDED, end
