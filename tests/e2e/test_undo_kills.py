"""SIGKILL at each step of `restore --undo`: the restored state serves, or the one before it.

`tests/soak` has every disturbance at every step.
"""

import subprocess
from itertools import cycle

import pytest

from tests.e2e.aftermath import throw_aways
from tests.e2e.akbot import Akbot
from tests.e2e.disturbed import Disturbance, disturb, possible, require
from tests.e2e.test_backup import wait_until
from tests.e2e.test_restore import answers, own_databases, own_folders, unchanged_by_up
from tests.e2e.test_restore_kills import (
    KEPT,
    KILLS,
    NOW,
    THEN,
    TRIES,
    Marked,
    last_restore,
    marked,
    stopped_at,
    to_folder,
)
from tests.thorough import THOROUGH

__all__ = ["marked", "to_folder"]

pytestmark = pytest.mark.docker

STEPS = [
    "getting the image", "getting the state before", "stopping and removing server and worker",
    "keeping what Redis holds", "closing the databases", "swapping the databases",
    "swapping the files", "loading Redis", "starting", "waiting until it holds",
]  # fmt: skip


OF_ITS_OWN = [
    "getting the state before", "closing the databases", "swapping the files", "loading Redis",
    "waiting until it holds",
]  # fmt: skip


@THOROUGH
def test_killed_in_an_undo_one_whole_state_serves(marked: Marked, to_folder: Akbot) -> None:
    """One undo after another, each from the restored state that the one before it has left."""
    kills = possible(KILLS, marked.sandbox)
    restored_over(marked, to_folder)
    for step, what in zip(OF_ITS_OWN, cycle(kills), strict=False):
        undo_disturbed(marked, to_folder, step, what)


def restored_over(marked: Marked, akbot: Akbot) -> None:
    """Let the state of then serve; what an undo brings back is that of now."""
    backup_id = akbot.backup()["id"]
    marked.mark(NOW)
    akbot.ok("restore", backup_id, "--yes", "--no-safety-backup")
    assert marked.state() == {THEN}


def undo_disturbed(marked: Marked, akbot: Akbot, step: str, what: Disturbance) -> None:
    """Undo, let *what* happen at *step*, and look at what serves; then the restored state does."""
    require(what, marked.sandbox)
    process = stopped_undo(akbot, step)
    disturb(what, marked.sandbox, process)
    if what is Disturbance.UP:
        process.communicate(timeout=180)

    akbot.backup("--component", "templates")  # settles it

    job = last_restore(akbot)
    assert job["swept"] is True, job
    if what is not Disturbance.UP:
        assert job["state"] == ("done" if step in KEPT else "interrupted"), (step, job)
    is_back = job["state"] == "done"
    assert marked.state() == {NOW if is_back else THEN}, (step, job)
    assert marked.sandbox.redis("get", "test:mark") == (NOW if is_back else "")
    wait_until(lambda: answers(marked.sandbox), "the login page is served")
    assert not throw_aways(marked.sandbox)
    unchanged_by_up(marked.sandbox)
    assert len(own_databases(marked.sandbox)) == 1, "the way back is still there"
    kept = {each.partition("/.akbot-")[2].partition(".")[0] for each in own_folders(marked.sandbox)}
    assert len(kept) == 1
    if is_back:
        akbot.ok("restore", "--undo", "--yes")


def stopped_undo(akbot: Akbot, step: str) -> "subprocess.Popen[str]":
    """An undo that is stopped (SIGSTOP) at *step*; on a busy machine not at the first try."""
    for _ in range(TRIES):
        process = akbot.start("restore", "--undo", "--yes")
        if stopped_at(akbot, process, step):
            return process
        process.communicate(timeout=180)
        akbot.ok("restore", "--undo", "--yes")  # it has come to its end: back to where it began
    raise AssertionError(f"step {step!r} was over too soon, {TRIES} times")
