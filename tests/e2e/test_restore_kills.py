"""SIGKILL at each step of a restore: the stack serves one whole state, and says which.

After the kill a person starts the stack, or dockerd is restarted, in turns; `tests/soak` has all of
it at every step.
"""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.aftermath import throw_aways
from tests.e2e.akbot import Akbot
from tests.e2e.disturbed import Disturbance, disturb, require
from tests.e2e.filled import fill_redis
from tests.e2e.test_backup import wait_until
from tests.e2e.test_kills import running_step
from tests.e2e.test_restore import (
    answers,
    forget_kept,
    own_databases,
    own_folders,
    served,
    unchanged_by_up,
)
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH, a_few

pytestmark = pytest.mark.docker

THEN, NOW = "then", "now"
TRIES = 5
STEPS = [
    "checking postgres", "checking media", "getting the image",
    "restoring postgres beside what serves", "comparing every table with the manifest",
    "restoring media beside what serves", "restoring certs beside what serves",
    "stopping and removing server and worker", "keeping what Redis holds", "closing the databases",
    "swapping the databases", "swapping the files", "emptying Redis",
    "starting", "waiting until it holds",
]  # fmt: skip
# "removing server and worker once more" is over too soon to be hit; tests/services has it.
OF_REDIS = ["restoring redis beside what serves", "keeping what Redis holds", "loading Redis"]
# "checking redis" is as soon over, and likewise there.
KEPT = {"starting", "waiting until it holds"}
LIVE_STEPS = ["keeping what Redis holds", "closing the databases", "swapping the files"]
KILLS = (Disturbance.KILLED_UP, Disturbance.KILLED_ENGINE, Disturbance.KILLED)
VERSION, NEWER = "2025.2.1", "2025.2.4"
HISTORY = "authentik_version_history"


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


def rotating() -> list[tuple[str, Disturbance]]:
    """Every step is killed at, and each time something else happens as well."""
    return list(zip(STEPS, cycle(KILLS), strict=False))


@pytest.mark.parametrize(("step", "what"), a_few(rotating(), of={"swapping the databases"}))
def test_killed_at_a_step_one_whole_state_serves(
    marked: Marked, to_folder: Akbot, step: str, what: Disturbance
) -> None:
    one_whole_state_serves(marked, to_folder, step, what)


@pytest.mark.parametrize(
    ("step", "what"), a_few(zip(OF_REDIS, KILLS, strict=True), of={"loading Redis"})
)
def test_killed_at_a_step_of_a_restore_with_redis_one_whole_state_serves(
    marked: Marked, to_folder: Akbot, step: str, what: Disturbance
) -> None:
    one_whole_state_serves(marked, to_folder, step, what, "--with-redis")


@contextmanager
def newer(sandbox: Sandbox) -> Iterator[None]:
    """The stack runs the next patch release, which writes no more than its row of the history."""
    sandbox.stand_ins(f"goauthentik/server:{NEWER}")
    env = sandbox.project / ".env"
    text = env.read_text()
    env.write_text(text.replace(f"\nAUTHENTIK_TAG={VERSION}\n", f"\nAUTHENTIK_TAG={NEWER}\n"))
    services = ("postgresql", "redis", "authentik", "worker")
    try:
        sandbox.compose("up", "--detach", "--wait", *services)
        wait_until(lambda: answers(sandbox), "the login page is served")  # later than healthy
        assert served(sandbox) == (200, NEWER)
        yield
    finally:
        env.write_text(text)
        sandbox.compose("up", "--detach", "--wait", *services)
        sandbox.psql(f"DELETE FROM {HISTORY} WHERE version = '{NEWER}'")


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Whoever opens *file* waits until it is let go (a lease, which nobody breaks within 45 s)."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # by which the kernel asks for it
    number = os.open(file, os.O_RDWR)
    try:
        fcntl.fcntl(number, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        os.close(number)
        signal.signal(signal.SIGIO, before)


@THOROUGH
@pytest.mark.parametrize("what", KILLS)
def test_killed_as_it_sets_the_tag_one_whole_version_serves(
    marked: Marked, to_folder: Akbot, what: Disturbance
) -> None:
    """That step takes no time: it is made to wait for the file."""
    backup_id = to_folder.backup()["id"]
    with newer(marked.sandbox):
        before = "stopping and removing server and worker"
        process = caught(marked, to_folder, backup_id, before)
        with held(marked.sandbox.project / ".env"):
            process.send_signal(signal.SIGCONT)
            step = f"setting AUTHENTIK_TAG to {VERSION}"
            wait_until(lambda: running_step(to_folder) == step, step)
            process.send_signal(signal.SIGSTOP)
        disturb(what, marked.sandbox, process)

        job = settled(marked, to_folder, backup_id)

        assert job["state"] == "interrupted", job
        assert served(marked.sandbox) == (200, NEWER)


@THOROUGH
@pytest.mark.parametrize("step", LIVE_STEPS)
def test_a_person_who_starts_the_stack_meanwhile_breaks_nothing(
    marked: Marked, to_folder: Akbot, step: str
) -> None:
    one_whole_state_serves(marked, to_folder, step, Disturbance.UP)


def test_what_was_written_since_it_was_started_stays(marked: Marked, to_folder: Akbot) -> None:
    """Its bot is gone before the gate has held, and people go on working for hours."""
    backup_id = to_folder.backup()["id"]
    process = caught(marked, to_folder, backup_id, "waiting until it holds")
    disturb(Disturbance.KILLED_UP, marked.sandbox, process)
    wait_until(lambda: answers(marked.sandbox), "the login page is served")
    marked.sandbox.psql("CREATE TABLE test_written AS SELECT 'since' AS word")
    written = marked.sandbox.mounts / "authentik" / "media" / "written"
    written.write_text("since")

    job = settled(marked, to_folder, backup_id)

    assert job["state"] == "done", job
    assert marked.sandbox.psql("SELECT word FROM test_written") == [["since"]]
    assert written.read_text() == "since"
    to_folder.ok("restore", "--undo", "--yes")
    assert marked.state() == {NOW}


def one_whole_state_serves(
    marked: Marked, akbot: Akbot, step: str, what: Disturbance, *options: str
) -> None:
    """Restore, let *what* happen at *step*, and look at what serves once it is settled."""
    require(what, marked.sandbox)
    backup_id = akbot.backup()["id"]
    process = caught(marked, akbot, backup_id, step, *options)
    disturb(what, marked.sandbox, process)
    if what is Disturbance.UP:
        process.communicate(timeout=180)

    if what is Disturbance.KILLED and step == "keeping what Redis holds":
        ended = akbot("status")
        assert (ended.code, "has taken server and worker away" in ended.err) == (3, True), ended.err
        without_name = akbot.with_settings(AKBOT_STACK="")
        assert without_name("backups").code == 0, "the stack's name is known all the same"

    job = settled(marked, akbot, backup_id, redis=THEN if "--with-redis" in options else "")
    if what is not Disturbance.UP:
        assert job["state"] == ("done" if step in KEPT else "interrupted"), job


def caught(
    marked: Marked, akbot: Akbot, backup_id: str, step: str, *options: str
) -> "subprocess.Popen[str]":
    """A restore that is stopped (SIGSTOP) at *step*; on a busy machine not at the first try."""
    for _ in range(TRIES):
        marked.mark(NOW)
        process = akbot.start("restore", backup_id, "--yes", "--no-safety-backup", *options)
        if stopped_at(akbot, process, step):
            return process
        process.communicate(timeout=180)
        forget_kept(marked.sandbox)
    raise AssertionError(f"step {step!r} was over too soon, {TRIES} times")


def stopped_at(akbot: Akbot, process: "subprocess.Popen[str]", step: str) -> bool:
    """Stop it (SIGSTOP) at *step*; False, and it goes on, where that step was over too soon."""
    end = time.monotonic() + 120
    while running_step(akbot) != step and process.poll() is None:
        assert time.monotonic() < end, f"not within 120 s: step {step!r}"
        time.sleep(0.001)  # some steps take a hundredth of a second
    process.send_signal(signal.SIGSTOP)
    if running_step(akbot) == step:
        return True
    process.send_signal(signal.SIGCONT)
    return False


def settled(marked: Marked, akbot: Akbot, backup_id: str, *, redis: str = "") -> dict[str, Any]:
    """The restore's job, once the next one has settled it; one whole state serves, as it says.

    *redis* is what Redis has by then where it was done.
    """
    akbot.backup("--component", "templates")
    job = last_restore(akbot)
    expected = THEN if job["state"] == "done" else NOW
    assert job["swept"] is True, job
    assert marked.state() == {expected}, job
    wait_until(lambda: answers(marked.sandbox), "the login page is served")
    assert marked.sandbox.redis("get", "test:mark") == (NOW if expected == NOW else redis)
    if job["state"] == "done":
        assert f"backup {backup_id} serves" in job["message"]
    else:
        assert job["state"] in {"failed", "interrupted"}, job
        assert own_databases(marked.sandbox) == own_folders(marked.sandbox) == []
    assert not throw_aways(marked.sandbox)
    unchanged_by_up(marked.sandbox)
    return job
