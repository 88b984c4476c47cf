"""SIGKILL in a restore, and in its undo, where PostgreSQL is outside of the project.

While server and worker are away only Compose can tell how the database is reached. After the kill
nothing happens, or a person starts the stack, or the database's server is restarted, in turns;
`tests/soak` has every step, and each of these at it.
"""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from tests.e2e.aftermath import throw_aways
from tests.e2e.akbot import Akbot
from tests.e2e.beside import Beside, alone, settings
from tests.e2e.test_backup import wait_until
from tests.e2e.test_kills import kill
from tests.e2e.test_outside import OUTSIDE
from tests.e2e.test_restore import answers
from tests.e2e.test_restore_kills import KEPT, NOW, THEN, TRIES, last_restore, stopped_at
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.docker, THOROUGH]

STEPS = [
    "checking postgres", "restoring postgres beside what serves",
    "comparing every table with the manifest", "restoring media beside what serves",
    "stopping and removing server and worker", "keeping what Redis holds",
    "closing the databases", "swapping the databases", "swapping the files", "emptying Redis",
    "starting", "waiting until it holds",
]  # fmt: skip
OF_THE_DATABASE = [
    "restoring postgres beside what serves", "stopping and removing server and worker",
    "closing the databases", "swapping the databases", "swapping the files", "starting",
]  # fmt: skip
OF_AN_UNDO = ["closing the databases", "swapping the databases"]
AFTERWARDS = ("nothing", "a person starts the stack", "the database's server is restarted")
SERVER, *_ = OUTSIDE.services


@dataclass(frozen=True)
class Marked:
    """A stack whose rows, files and Redis say which state they are of."""

    stack: Beside

    @property
    def sandbox(self) -> Sandbox:
        return self.stack.sandbox

    def mark(self, word: str) -> None:
        self.stack.psql(
            "CREATE TABLE IF NOT EXISTS test_mark (word text); TRUNCATE test_mark;"
            f" INSERT INTO test_mark VALUES ('{word}')"
        )
        self.stack.write_media(word)
        self._redis("set", "test:mark", word)

    def state(self) -> set[str]:
        return {self.stack.psql("SELECT word FROM test_mark").strip(), self.stack.media()}

    def redis(self) -> str:
        return self._redis("get", "test:mark")

    def _redis(self, *command: str) -> str:
        return self.stack.compose("exec", "--no-TTY", "redis", "redis-cli", *command).strip()

    def databases(self) -> list[str]:
        """Those that a restore has made or set aside."""
        listed = self.stack.psql("SELECT datname FROM pg_database WHERE datname LIKE 'sso\\_%'")
        return listed.split()

    def forget_kept(self) -> None:
        """Remove what there would be for an undo."""
        for name in self.databases():
            self.stack.as_owner(f'DROP DATABASE "{name}" WITH (FORCE)')
        remove = ("sh", "-c", "rm -rf /media/.akbot-*")
        self.stack.compose("exec", "--no-TTY", "worker", *remove)

    def unchanged_by_up(self) -> None:
        before = self._containers()
        self.stack.compose("up", "--detach", "--wait", "--remove-orphans")
        assert self._containers() == before, "Compose would have made a container anew"

    def _containers(self) -> list[str]:
        return sorted(self.stack.compose("ps", "--all", "--no-trunc", "--quiet").split())


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox) -> Iterator[Beside]:
    with alone(sandbox, OUTSIDE) as stack:
        yield stack


@pytest.fixture
def marked(stack: Beside) -> Marked:
    marked = Marked(stack)
    marked.forget_kept()
    marked.mark(THEN)
    return marked


@pytest.fixture
def beside_it(akbot: Akbot, sandbox: Sandbox, tmp_path: Path) -> Akbot:
    own = settings(sandbox, OUTSIDE) | {"AKBOT_GATE_STABLE": "1"}
    return akbot.with_settings(AKBOT_STORE=f"file://{tmp_path / 'store'}", **own)


def in_turns(steps: Sequence[str]) -> list[tuple[str, str]]:
    """Each step, and what happens after the kill there."""
    return list(zip(steps, cycle(AFTERWARDS), strict=False))


@pytest.mark.parametrize(("step", "then"), in_turns(OF_THE_DATABASE))
def test_killed_in_a_restore_one_whole_state_serves(
    marked: Marked, beside_it: Akbot, step: str, then: str
) -> None:
    one_whole_state_serves(marked, beside_it, step, then)


def one_whole_state_serves(marked: Marked, beside_it: Akbot, step: str, then: str) -> None:
    """Restore, kill it at *step*, let *then* happen, and look at what serves once it is settled."""
    backup = beside_it.backup()["id"]
    process = caught(marked, beside_it, step, "restore", backup, "--yes", "--no-safety-backup")
    kill_and(then, marked, process)

    job = settled(marked, beside_it)

    assert job["state"] == ("done" if step in KEPT else "interrupted"), job
    serves = THEN if step in KEPT else NOW
    assert marked.state() == {serves}, job
    assert marked.redis() == (NOW if serves == NOW else "")
    assert len(marked.databases()) == (1 if step in KEPT else 0)


@pytest.mark.parametrize(("step", "then"), in_turns(OF_AN_UNDO))
def test_killed_in_an_undo_the_restored_state_serves_and_the_way_back_is_there(
    marked: Marked, beside_it: Akbot, step: str, then: str
) -> None:
    backup = beside_it.backup()["id"]
    marked.mark(NOW)
    beside_it.ok("restore", backup, "--yes", "--no-safety-backup")
    process = caught(marked, beside_it, step, "restore", "--undo", "--yes")
    kill_and(then, marked, process)

    job = settled(marked, beside_it)

    assert job["state"] == "interrupted", job
    assert marked.state() == {THEN}, job
    beside_it.ok("restore", "--undo", "--yes")
    assert (marked.state(), marked.redis()) == ({NOW}, NOW)


def caught(marked: Marked, akbot: Akbot, step: str, *command: str) -> "subprocess.Popen[str]":
    """A restore that is stopped (SIGSTOP) at *step*; on a busy machine not at the first try."""
    is_undo = "--undo" in command
    for _ in range(TRIES):
        if not is_undo:
            marked.mark(NOW)
        process = akbot.start(*command)
        if stopped_at(akbot, process, step):
            return process
        process.communicate(timeout=180)
        if is_undo:
            akbot.ok("restore", "--undo", "--yes")  # it came to its end: back to where it began
        else:
            marked.forget_kept()
    raise AssertionError(f"step {step!r} was over too soon, {TRIES} times")


def kill_and(then: str, marked: Marked, process: "subprocess.Popen[str]") -> None:
    kill(process)
    if then == "a person starts the stack":
        # what is closed to it may refuse: it is the bot's to mend
        up = ("docker", "compose", "up", "--detach")
        marked.sandbox.run(*up, check=False, timeout=300)
    if then == "the database's server is restarted":
        marked.sandbox.docker("restart", SERVER)
        ready = ("docker", "exec", SERVER, "pg_isready", "--quiet")
        wait_until(
            lambda: marked.sandbox.run(*ready, check=False).returncode == 0, "PostgreSQL is up", 60
        )


def settled(marked: Marked, akbot: Akbot) -> dict[str, object]:
    """The restore's job, once the next one has settled it; nothing of it is left at work."""
    akbot.backup("--component", "media")
    job = last_restore(akbot)
    assert job["swept"] is True, job["message"]
    wait_until(lambda: answers(marked.sandbox), "the login page is served")
    assert not throw_aways(marked.sandbox)
    marked.unchanged_by_up()
    return job
