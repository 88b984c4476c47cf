"""What may happen to a bot in the middle of its work, on the real Engine."""

import signal
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

import pytest

from tests.e2e.test_backup import wait_until
from tests.e2e.test_kills import kill
from tests.sandbox.fixture import Sandbox, script

SERVICES = ("postgresql", "redis", "authentik", "worker")


class Disturbance(StrEnum):
    """What happens at a step."""

    KILLED = "killed"
    KILLED_UP = "killed, and a person starts the stack"
    KILLED_ENGINE = "killed with the Engine, whose containers are up before the bot"
    KILLED_ENGINE_30 = "killed with the Engine, whose containers are up 30 s before the bot"
    UP = "a person starts the stack meanwhile"


_OF_THE_ENGINE = {Disturbance.KILLED_ENGINE, Disturbance.KILLED_ENGINE_30}
LONG = 30.0
EVERY = tuple(each for each in Disturbance if each is not Disturbance.KILLED_ENGINE)
"""All that can happen, where there is time for the longer of two that differ in nothing else."""


def require(what: Disturbance, sandbox: Sandbox) -> None:
    """Skip the test that asks where *what* cannot happen; ask before anything is begun."""
    if not possible([what], sandbox):
        pytest.skip(f"{what}: the Docker Engine here is not the sandbox's own")


def possible(among: Iterable[Disturbance], sandbox: Sandbox) -> list[Disturbance]:
    """Those that can happen here: an Engine of somebody else is not restarted."""
    own = _is_own_engine(sandbox)
    return [each for each in among if own or each not in _OF_THE_ENGINE]


def _is_own_engine(sandbox: Sandbox) -> bool:
    return (sandbox.state / "pid/dockerd").exists()


def disturb(what: Disturbance, sandbox: Sandbox, process: "subprocess.Popen[str]") -> None:
    """Let it happen to *process*, which may be stopped; it has ended then, or goes on with `UP`.

    What is not sure to be `possible` was required before *process* was begun.
    """
    if what is not Disturbance.UP:
        kill(process)
    if what in {Disturbance.KILLED_UP, Disturbance.UP}:
        # what has been fenced or removed may refuse: it is the bot's to mend
        sandbox.run("docker", "compose", "up", "--detach", *SERVICES, check=False)
    if what in _OF_THE_ENGINE:
        restart_engine(sandbox)
    if what is Disturbance.KILLED_ENGINE_30:
        wait_until(lambda: database_up_for(sandbox) >= LONG, f"it is up for {LONG:g} s", 60 + LONG)
    if what is Disturbance.UP:
        process.send_signal(signal.SIGCONT)


def database_up_for(sandbox: Sandbox) -> float:
    """For how many seconds PostgreSQL has run, by Docker's own word; all others came up with it."""
    started = sandbox.docker("inspect", "--format", "{{.State.StartedAt}}", "authentik-postgresql")
    at = datetime.fromisoformat(f"{started.strip()[:19]}+00:00")  # whole seconds
    return (datetime.now(UTC) - at).total_seconds()


def restart_engine(sandbox: Sandbox) -> None:
    """Stop dockerd, the sandbox's own, and start it; returns once the database answers again."""
    assert _is_own_engine(sandbox), "whether it may be restarted is asked before anything is begun"
    script("engine", "stop")
    script("engine")
    wait_for_database(sandbox)


def wait_for_database(sandbox: Sandbox) -> None:
    """Return once PostgreSQL lets people in again."""
    ready = ("docker", "exec", "authentik-postgresql", "pg_isready", "--quiet")
    wait_until(
        lambda: sandbox.run(*ready, check=False).returncode == 0, "PostgreSQL is up again", 60
    )
