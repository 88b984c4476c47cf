"""What may happen to a bot in the middle of its work, on the real Engine."""

import signal
import subprocess
from collections.abc import Iterable
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
    UP = "a person starts the stack meanwhile"


def require(what: Disturbance, sandbox: Sandbox) -> None:
    """Skip the test that asks where *what* cannot happen; ask before anything is begun."""
    if not possible([what], sandbox):
        pytest.skip(f"{what}: the Docker Engine here is not the sandbox's own")


def possible(among: Iterable[Disturbance], sandbox: Sandbox) -> list[Disturbance]:
    """Those that can happen here: an Engine of somebody else is not restarted."""
    own = _is_own_engine(sandbox)
    return [each for each in among if own or each is not Disturbance.KILLED_ENGINE]


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
    if what is Disturbance.KILLED_ENGINE:
        restart_engine(sandbox)
    if what is Disturbance.UP:
        process.send_signal(signal.SIGCONT)


def restart_engine(sandbox: Sandbox) -> None:
    """Stop dockerd, the sandbox's own, and start it; returns once the database answers again."""
    assert _is_own_engine(sandbox), "whether it may be restarted is asked before anything is begun"
    script("engine", "stop")
    script("engine")
    wait_until(
        lambda: (
            sandbox.run(
                *("docker", "exec", "authentik-postgresql", "pg_isready", "--quiet"), check=False
            ).returncode
            == 0
        ),
        "PostgreSQL is up again",
        60,
    )
