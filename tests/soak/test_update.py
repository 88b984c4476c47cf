"""Every disturbance at every step of an update, and random instants. Not part of `tests/run`.

tests/run tests/soak/test_update.py                half an hour
SOAK=7:100 tests/run tests/soak/test_update.py     100 random instants, the first with seed 7
"""

import itertools
import os
import random
import time

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.disturbed import EVERY, Disturbance, disturb, possible
from tests.e2e.test_backup import wait_until
from tests.e2e.test_kills import newest_job
from tests.e2e.test_restore import rows, served
from tests.e2e.test_updates import env_of
from tests.e2e.test_updates_kills import (
    FAULTY,
    NEW,
    OLD,
    STEPS,
    bot,
    drop_aside,
    one_whole_version_serves,
    settled,
    stack,
    visitor,
)
from tests.e2e.visitor import Visitor
from tests.sandbox.fixture import Sandbox, engine, sandbox

__all__ = ["bot", "engine", "sandbox", "stack", "visitor"]

pytestmark = pytest.mark.docker

GATE = 40  # seconds in which also the old version must be up again, on a machine that is busy
LONGEST = GATE + 20.0  # seconds of an update of the sandbox's stack, its way back included
FIRST, RUNS = (int(each) for each in os.environ.get("SOAK", "1:20").split(":"))


@pytest.mark.parametrize(("step", "what"), list(itertools.product(STEPS, EVERY)))
def test_every_disturbance_at_every_step(
    stack: Sandbox, bot: Akbot, visitor: Visitor, step: str, what: Disturbance
) -> None:
    one_whole_version_serves(stack, bot, visitor, step, what)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_a_random_instant(stack: Sandbox, bot: Akbot, visitor: Visitor, seed: int) -> None:
    """Of an update to a good version, or to one that drops rows."""
    chance = random.Random(seed)
    disturbances = possible(EVERY, stack)
    target = chance.choice([NEW, FAULTY])
    quick = bot.with_settings(AKBOT_GATE_TIMEOUT=str(GATE))
    data = rows(stack)
    process = quick.start("update", "--yes", "--no-rehearsal", target)
    wait_until(lambda: newest_job(quick)[0] != "", "the update has begun")
    time.sleep(chance.uniform(0, LONGEST))  # the instant is the test's subject: nothing to wait for
    disturb(chance.choice(disturbances), stack, process)
    process.communicate(timeout=300)

    job = settled(stack, quick, visitor)

    version = served(stack)[1]
    assert f"AUTHENTIK_TAG={version}" in env_of(stack)
    if version == NEW:
        assert job["state"] == "done"
        quick.ok("rollback", "--yes", "--no-safety-backup")
    assert served(stack) == (200, OLD)
    assert rows(stack) == data
    drop_aside(stack)
