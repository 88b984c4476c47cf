"""The sandbox's stack as a fixture: `from tests.sandbox.fixture import Sandbox, sandbox`."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

import pytest

HERE = Path(__file__).resolve().parent
STATE = HERE / ".state"
NO_ENGINE = 4
PATIENCE = 1200
BOT_UP = (
    *("docker", "compose", "up", "--detach", "--wait", "--wait-timeout", "120"),
    *("--force-recreate", "bot"),  # Compose does not see that akbot.env has changed
)


def skip_without_engine(reason: str) -> NoReturn:
    """Skip the test that asks; where everything must run, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"no Docker Engine can run here: {reason}", pytrace=False)
    pytest.skip(f"no Docker Engine can run here: {reason}")


def script(name: str, *arguments: str) -> str:
    """Run one of the sandbox's scripts and return what it prints."""
    result = subprocess.run(
        [HERE / name, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    if result.returncode == NO_ENGINE:
        skip_without_engine(result.stdout.strip().splitlines()[-1])
    if result.returncode != 0:
        pytest.fail(f"tests/sandbox/{name}: {result.stdout}", pytrace=False)
    return result.stdout


@dataclass(frozen=True)
class Sandbox:
    """A stack that runs, and how to talk to it."""

    environment: MappingProxyType[str, str]
    """For child processes: AKBOT_*, AWS_*, DOCKER_CONFIG, a PATH with the right docker first."""

    state: Path = STATE
    project: Path = STATE / "project"
    mounts: Path = STATE / "mounts"
    server: str = "http://127.0.0.1:9001"

    @property
    def s3(self) -> str:
        """The S3 server's address, from the host."""
        return self.environment["SANDBOX_S3"]

    @property
    def store_inside(self) -> str:
        """The value of AKBOT_STORE that is right inside a container: the same bucket and prefix."""
        return self.environment["AKBOT_STORE"].replace(
            self.s3, self.environment["SANDBOX_S3_INSIDE"]
        )

    @property
    def registry(self) -> str:
        """Host and port of the image registry."""
        return self.environment["SANDBOX_REGISTRY"]

    @property
    def registry_inside(self) -> str:
        """The URL at which a container asks that registry; images keep their names."""
        return self.environment["SANDBOX_REGISTRY_INSIDE"]

    @property
    def label(self) -> str:
        """A test's own containers, networks and volumes carry it; then `down` removes them too."""
        return f"akbot.sandbox={self.state}"

    def run(
        self, *command: str, stdin: str = "", timeout: float = 120, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder and the sandbox's environment."""
        result = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            cwd=self.project,
            env=dict(self.environment),
        )
        if check and result.returncode != 0:
            pytest.fail(f"{' '.join(command)}: exit {result.returncode}\n{result.stderr}")
        return result

    def docker(self, *arguments: str, stdin: str = "") -> str:
        """Run the Docker client and return what it prints."""
        return self.run("docker", *arguments, stdin=stdin).stdout

    def compose(self, *arguments: str) -> str:
        """Run Docker Compose on the project and return what it prints."""
        return self.docker("compose", *arguments)

    def bot_up(self, **settings: str) -> None:
        """Start the bot as a service of the stack, with *settings* as its akbot.env.

        Its image is that of this checkout. Returns when Docker says that it is healthy.
        """
        script("bot-image")
        self.bot_settings.unlink(missing_ok=True)
        if settings:
            self.bot_settings.touch(mode=0o600)
            self.bot_settings.write_text(
                "".join(f"{name}='{value}'\n" for name, value in settings.items())
            )
        self.run(*BOT_UP, timeout=PATIENCE)

    def bot_down(self) -> None:
        """Remove the bot's container and akbot.env; what is in its state folder stays."""
        self.compose("stop", "--timeout", "30", "bot")
        self.compose("rm", "--force", "bot")
        self.bot_settings.unlink(missing_ok=True)

    @property
    def bot_settings(self) -> Path:
        """The bot's own settings file, on the host."""
        return self.project / "akbot.env"

    @property
    def bot_state(self) -> Path:
        """The bot's state folder, on the host."""
        return self.mounts / "authentik" / "akbot"

    def psql(self, sql: str, *, database: str = "authentik") -> list[Sequence[str]]:
        """Run SQL as the database's owner and return the rows as text."""
        output = self.docker(
            *("exec", "--interactive", "authentik-postgresql"),
            *(
                "psql",
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "--no-align",
                "--field-separator=\t",
            ),
            *("--set=ON_ERROR_STOP=1", "--username=authentik", f"--dbname={database}"),
            stdin=sql,
        )
        return [line.split("\t") for line in output.splitlines()]

    def redis(self, *command: str) -> str:
        """Run one Redis command."""
        return self.docker("exec", "authentik-redis", "redis-cli", *command).strip()

    def stand_ins(self, *names: str) -> None:
        """See to it that the registry has these, REPOSITORY:TAG of tags.tsv; all without names."""
        script("standins", *names)

    def fresh(self, *options: str) -> "Sandbox":
        """Throw the stack away and bring up a new one, with `up`'s *options*."""
        script("up", "--fresh", *options)
        return Sandbox(environment())


def environment() -> MappingProxyType[str, str]:
    """Read what `up` wrote for those who want to talk to the sandbox."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AKBOT_")}
    output = subprocess.run(
        ["bash", "-c", 'source "$1" && env -0', "bash", STATE / "env"],
        capture_output=True,
        text=True,
        check=True,
        env=kept,
    ).stdout
    return MappingProxyType(dict(line.split("=", 1) for line in output.split("\0") if line))


@cache
def bring_up() -> None:
    script("up")


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """A real stack, brought up when the first test asks for it; one that runs already is used.

    Nobody resets it between tests: a test that needs a stack in its first state calls `fresh`.
    """
    bring_up()
    return Sandbox(environment())


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker Engine that answers."""
    script("engine")
