"""What may happen to a bot in the middle of its work, on the real Engine."""

import signal
import subprocess
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


def disturb(what: Disturbance, sandbox: Sandbox, process: "subprocess.Popen[str]") -> None:
    """Let it happen to *process*, which may be stopped; it has ended then, or goes on with `UP`."""
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
    """Stop dockerd and start it; returns once the database that it started answers."""
    if not (sandbox.state / "pid/dockerd").exists():
        pytest.skip("the Docker Engine here is not the sandbox's own: it is not restarted")
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
