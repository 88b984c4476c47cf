from pathlib import Path

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.filled import fill_redis
from tests.e2e.recovery import stack
from tests.sandbox.fixture import Sandbox, engine, sandbox, script

__all__ = ["engine", "sandbox", "stack"]


@pytest.fixture
def akbot(sandbox: Sandbox, tmp_path: Path) -> Akbot:
    """The command line against the sandbox's stack and S3, with a state folder of its own."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    settings = {"AKBOT_STATE": str(tmp_path / "state"), "AKBOT_STACK": tmp_path.name}
    return Akbot(folder, {**sandbox.environment, **settings})


@pytest.fixture(scope="session")
def filled(sandbox: Sandbox) -> Sandbox:
    """The sandbox with a database of 256 MiB at least, media, and something in Redis."""
    script("fill", "256MiB", "--media", "200")
    fill_redis(sandbox)
    return sandbox


@pytest.fixture
def keys_in_redis(filled: Sandbox) -> None:
    """Something in Redis, also after a test that followed the runbook, which flushes it."""
    fill_redis(filled)
