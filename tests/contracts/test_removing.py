"""Server and worker are removed whether or not they stop when they are asked to."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.compose import ComposeControl
from bot.adapters.compose_program import ComposeProgram
from tests.contracts.stacks import docker, engine_api, idle, inspect
from tests.domain.test_restore_recovery import SITE

pytestmark = pytest.mark.docker

DEAF = "trap '' TERM; while :; do sleep 1; done"


@pytest.fixture
def deaf() -> Iterator[str]:
    """A server that does not stop by itself; its project."""
    project = "akbot-removing"
    with idle("redis:8") as container:
        image = str(inspect(container.id)["Image"])
    facts = {"project": project, "service": "server", "oneoff": "False"}
    labels = [f"com.docker.compose.{name}={value}" for name, value in facts.items()]
    name = docker(
        *("run", "--detach", "--entrypoint", "sh"),
        *(word for each in labels for word in ("--label", each)),
        *(image, "-c", DEAF),
    ).decode()
    yield project
    docker("rm", "--force", name.strip(), check=False)


async def test_in_a_hurry_nobody_waits_for_what_does_not_stop(deaf: str, tmp_path: Path) -> None:
    site = replace(SITE, project=deaf)
    async with engine_api() as api:
        control = ComposeControl(api, ComposeProgram({}, tmp_path / "lock"), site)
        began = time.monotonic()
        await control.remove(hurry=True)

    assert time.monotonic() - began < 15
    mine = f"label=com.docker.compose.project={deaf}"
    assert not docker("ps", "--all", "--quiet", "--filter", mine)
