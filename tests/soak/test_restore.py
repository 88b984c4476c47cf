"""Every disturbance at every step of a restore, and random instants. Not part of `tests/run`.

tests/run tests/soak                    about an hour
SOAK=7:100 tests/run tests/soak   100 random instants, the first with seed 7
"""

import itertools
import os
import random
import time

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.conftest import akbot, filled
from tests.e2e.disturbed import Disturbance, disturb
from tests.e2e.test_backup import wait_until
from tests.e2e.test_kills import newest_job
from tests.e2e.test_restore_kills import (
    NOW,
    STEPS,
    Marked,
    marked,
    one_whole_state_serves,
    settled,
    to_folder,
)
from tests.sandbox.fixture import engine, sandbox

__all__ = ["akbot", "engine", "filled", "marked", "sandbox", "to_folder"]

pytestmark = pytest.mark.docker

LONGEST = 30.0  # seconds of a restore of the sandbox's stack
FIRST, RUNS = (int(each) for each in os.environ.get("SOAK", "1:20").split(":"))


@pytest.mark.parametrize(("step", "what"), list(itertools.product(STEPS, Disturbance)))
def test_every_disturbance_at_every_step(
    marked: Marked, to_folder: Akbot, step: str, what: Disturbance
) -> None:
    one_whole_state_serves(marked, to_folder, step, what)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_a_random_instant(marked: Marked, to_folder: Akbot, seed: int) -> None:
    chance = random.Random(seed)
    backup_id = to_folder.backup()["id"]
    marked.mark(NOW)
    process = to_folder.start("restore", backup_id, "--yes", "--no-safety-backup")
    wait_until(lambda: newest_job(to_folder)[0] != backup_id, "the restore has begun")
    time.sleep(chance.uniform(0, LONGEST))  # the instant is the test's subject: nothing to wait for
    what = chance.choice(list(Disturbance))
    disturb(what, marked.sandbox, process)
    process.communicate(timeout=180)

    settled(marked, to_folder, backup_id)
