"""`deploy/bootstrap` of a stack that has no bot of its own: one beside it waits for a person."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.pause import RESTORED
from tests.e2e.beside import IMAGE, UP, Beside, beside
from tests.e2e.test_backup import wait_until
from tests.e2e.test_layouts import OFFICIAL
from tests.e2e.test_restore import served
from tests.sandbox.fixture import HERE, Sandbox
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.docker, THOROUGH]

LAYOUT = replace(OFFICIAL, settings={"AKBOT_BACKUP_SCHEDULE": "0 0 1 1 *"})
HEALTH = (
    "from urllib.request import urlopen as u;"
    " print(u('http://127.0.0.1:9180/healthz').read().decode())"
)


def health(stack: Beside) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        stack.bot("exec", "--no-TTY", "bot", "python3", "-c", HEALTH)
    )
    return found


def test_it_serves_again_and_its_bot_waits(sandbox: Sandbox, tmp_path: Path) -> None:
    with beside(sandbox, LAYOUT) as stack:
        stack.write_media("as it was")
        then, env = stack.rows(), stack.env
        backup = stack.told("backup")["id"]
        kit = tmp_path / "kit"
        shutil.copytree(stack.state, kit)
        lost(stack)

        done = subprocess.run(
            [
                HERE.parents[1] / "deploy" / "bootstrap",
                *("--from", f"file://{kit}/backups", "--identity", kit / "identity.txt", "--yes"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            cwd=stack.folder,
            env=of_a_person(sandbox),
        )

        assert done.returncode == 0, done.stderr
        assert f"Backup {backup} serves on this host" in done.stdout
        assert (stack.rows(), stack.media(), stack.env) == (then, "as it was", env)
        assert served(stack.sandbox) == (200, "2025.2.1")

        stack.state.mkdir(mode=0o700)
        shutil.copy(kit / "identity.txt", stack.state)
        stack.bot(*UP)
        assert stack.remade() == set()
        assert "Paused: schedules and chat are paused" in stack.akbot("status")
        assert (bool(health(stack)["paused"]), health(stack)["next_backup"]) == (True, "")

        stack.akbot("resume")

        wait_until(lambda: health(stack)["next_backup"] != "", "the schedule goes on")
        assert not (stack.folder / RESTORED).exists()
        listed = stack.told("backups")
        assert listed == []  # they lay in the state folder, which is lost


def of_a_person(sandbox: Sandbox) -> dict[str, str]:
    kept = {
        name: value
        for name, value in sandbox.environment.items()
        if not name.startswith("AKBOT_") and name != "DOCKER_HOST"
    }
    return {**kept, "AKBOT_IMAGE": IMAGE, "AKBOT_GATE_STABLE": "2", "AKBOT_GATE_TIMEOUT": "240"}


def lost(stack: Beside) -> None:
    """The host with all that it had: containers, volumes, folders, the bot's state."""
    stack.bot("down", "--timeout", "10")
    stack.compose("down", "--volumes", "--timeout", "5")
    for folder in (stack.folder, stack.state):
        shutil.rmtree(folder)
    stack.folder.mkdir()
