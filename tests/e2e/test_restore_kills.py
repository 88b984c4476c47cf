"""SIGKILL at each step of a restore: the stack serves one whole state, and says which."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.aftermath import throw_aways
from tests.e2e.akbot import Akbot
from tests.e2e.filled import fill_redis
from tests.e2e.test_backup import wait_until
from tests.e2e.test_kills import kill, newest_job
from tests.e2e.test_restore import forget_kept, own_databases, own_folders, served, unchanged_by_up
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker

THEN, NOW = "then", "now"
STEPS = [
    "checking postgres", "checking media", "getting the image",
    "restoring postgres beside what serves", "comparing every table with the manifest",
    "restoring media beside what serves", "restoring certs beside what serves",
    "stopping and removing server and worker", "keeping what Redis holds", "closing the databases",
    "swapping the databases", "swapping the files", "emptying Redis",
    "starting", "waiting until it holds",
]  # fmt: skip
# "removing server and worker once more" is over too soon to be hit; tests/services has it.
KEPT = {"starting", "waiting until it holds"}


@dataclass(frozen=True)
class Marked:
    """A stack whose rows, files and Redis say which state they are of."""

    sandbox: Sandbox

    def mark(self, word: str) -> None:
        self.sandbox.psql(
            "CREATE TABLE IF NOT EXISTS test_mark (word text); TRUNCATE test_mark;"
            f" INSERT INTO test_mark VALUES ('{word}')"
        )
        for mount in ("media", "templates", "certs"):
            (self.sandbox.mounts / "authentik" / mount / "mark").write_text(word)
        self.sandbox.redis("set", "test:mark", word)

    def state(self) -> set[str]:
        [[row]] = self.sandbox.psql("SELECT word FROM test_mark")
        folders = self.sandbox.mounts / "authentik"
        return {
            row,
            *((folders / each / "mark").read_text() for each in ("media", "templates", "certs")),
        }


@pytest.fixture
def marked(sandbox: Sandbox) -> Iterator[Marked]:
    forget_kept(sandbox)
    marked = Marked(sandbox)
    marked.mark(THEN)
    yield marked
    forget_kept(sandbox)
    fill_redis(sandbox)
    sandbox.psql("DROP TABLE test_mark")


@pytest.fixture
def to_folder(akbot: Akbot, tmp_path: Path) -> Akbot:
    return akbot.with_settings(
        AKBOT_STORE=f"file://{tmp_path / 'store'}", AKBOT_GATE_STABLE="1", AKBOT_GATE_TIMEOUT="120"
    )


def last_restore(akbot: Akbot) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = json.loads(akbot.ok("jobs", "--json"))
    return next(job for job in jobs if job["kind"] == "restore")


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_one_whole_state_serves(
    marked: Marked, to_folder: Akbot, step: str
) -> None:
    backup_id = to_folder.backup()["id"]
    marked.mark(NOW)
    process = to_folder.start("restore", backup_id, "--yes", "--no-safety-backup")
    wait_until(
        lambda: newest_job(to_folder)[1] == step or process.poll() is not None,
        f"step {step!r}",
        120,
    )
    reached = newest_job(to_folder)[1]
    kill(process)
    assert reached == step

    # the next job settles it first
    to_folder.backup("--component", "templates")

    job = last_restore(to_folder)
    expected = THEN if job["state"] == "done" else NOW
    assert job["swept"] is True, job
    assert marked.state() == {expected}, job
    assert served(marked.sandbox)[0] == 200
    assert marked.sandbox.redis("get", "test:mark") == (NOW if expected == NOW else "")
    if step in KEPT:
        assert f"backup {backup_id} serves" in job["message"]
    else:
        assert job["state"] == "interrupted", job
        assert own_databases(marked.sandbox) == own_folders(marked.sandbox) == []
    assert not throw_aways(marked.sandbox)
    unchanged_by_up(marked.sandbox)
