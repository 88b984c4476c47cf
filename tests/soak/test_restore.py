"""Every disturbance at every step of a restore and its undo, random instants, real databases.

Not part of `tests/run`.

tests/run tests/soak                    about an hour and a half
SOAK=7:100 tests/run tests/soak   100 random instants, the first with seed 7
"""

import itertools
import os
import random
import time

import pytest

from tests.contracts.test_database import REAL
from tests.e2e.akbot import Akbot
from tests.e2e.conftest import akbot, filled
from tests.e2e.disturbed import EVERY, Disturbance, disturb, possible, require
from tests.e2e.test_backup import wait_until
from tests.e2e.test_kills import newest_job
from tests.e2e.test_real_databases import every_row_comes_back
from tests.e2e.test_restore_kills import (
    NOW,
    STEPS,
    Marked,
    marked,
    one_whole_state_serves,
    settled,
    to_folder,
)
from tests.e2e.test_undo_kills import STEPS as UNDO_STEPS
from tests.e2e.test_undo_kills import restored_over, undo_disturbed
from tests.sandbox.fixture import Sandbox, engine, sandbox

__all__ = ["akbot", "engine", "filled", "marked", "sandbox", "to_folder"]

pytestmark = pytest.mark.docker

LONGEST = 30.0  # seconds of a restore of the sandbox's stack
FIRST, RUNS = (int(each) for each in os.environ.get("SOAK", "1:20").split(":"))


@pytest.mark.parametrize(("step", "what"), list(itertools.product(STEPS, EVERY)))
def test_every_disturbance_at_every_step(
    marked: Marked, to_folder: Akbot, step: str, what: Disturbance
) -> None:
    one_whole_state_serves(marked, to_folder, step, what)


@pytest.mark.parametrize("what", EVERY)
def test_every_disturbance_at_every_step_of_an_undo(
    marked: Marked, to_folder: Akbot, what: Disturbance
) -> None:
    require(what, marked.sandbox)
    restored_over(marked, to_folder)
    for step in UNDO_STEPS:
        undo_disturbed(marked, to_folder, step, what)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no dumps of real databases in {REAL}")
@pytest.mark.parametrize("version", ["2025.8.6", "2025.10.4"])
def test_every_row_of_a_real_database_comes_back(
    sandbox: Sandbox, to_folder: Akbot, version: str
) -> None:
    every_row_comes_back(sandbox, to_folder, version)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_a_random_instant(marked: Marked, to_folder: Akbot, seed: int) -> None:
    chance = random.Random(seed)
    disturbances = possible(EVERY, marked.sandbox)
    backup_id = to_folder.backup()["id"]
    marked.mark(NOW)
    process = to_folder.start("restore", backup_id, "--yes", "--no-safety-backup")
    wait_until(lambda: newest_job(to_folder)[0] != backup_id, "the restore has begun")
    time.sleep(chance.uniform(0, LONGEST))  # the instant is the test's subject: nothing to wait for
    disturb(chance.choice(disturbances), marked.sandbox, process)
    process.communicate(timeout=180)

    settled(marked, to_folder, backup_id)
