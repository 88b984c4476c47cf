"""Every disturbance at every stage of a rollback and of an update of two hops, and random instants.

Not part of `tests/run`.

tests/run tests/soak/test_rollback.py                two hours
SOAK=7:100 tests/run tests/soak/test_rollback.py     100 random instants, the first with seed 7
"""

import itertools
import os
import random
import time

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.disturbed import EVERY, Disturbance, disturb, possible
from tests.e2e.late_rows import LateRow
from tests.e2e.test_backup import wait_until
from tests.e2e.test_kills import newest_job
from tests.e2e.test_restore import rows, served
from tests.e2e.test_updates import env_of
from tests.e2e.test_updates_disturbed import (
    BACK,
    FAR,
    HOP_STEPS,
    OLD,
    PATCH,
    STAYS,
    SWAPS,
    HopStep,
    Stage,
    bot,
    goes_back,
    stack,
    to_roll_back,
    two_hops,
    visitor,
)
from tests.e2e.test_updates_kills import drop_aside, settled
from tests.e2e.visitor import Visitor
from tests.sandbox.fixture import Sandbox, engine, sandbox

__all__ = ["bot", "engine", "sandbox", "stack", "visitor"]

pytestmark = pytest.mark.docker

WAYS = [*STAYS.items(), *SWAPS.items()]
LONGEST = 25.0  # seconds of a rollback of the sandbox's stack
FIRST, RUNS = (int(each) for each in os.environ.get("SOAK", "1:20").split(":"))


@pytest.mark.parametrize(("way", "what"), list(itertools.product(WAYS, EVERY)))
def test_every_disturbance_at_every_stage_of_a_rollback(
    stack: Sandbox, bot: Akbot, visitor: Visitor, way: tuple[Stage, str], what: Disturbance
) -> None:
    stage, target = way
    goes_back(stack, bot, visitor, target, stage, what)


@pytest.mark.parametrize(
    ("step", "what"),
    list(itertools.product(HOP_STEPS, EVERY)),
    ids=lambda each: f"{each.hop}: {each.step}" if isinstance(each, HopStep) else each.name,
)
def test_every_disturbance_at_every_step_of_two_hops(
    stack: Sandbox, bot: Akbot, visitor: Visitor, step: HopStep, what: Disturbance
) -> None:
    two_hops(stack, bot, visitor, step, what)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_a_random_instant(stack: Sandbox, bot: Akbot, visitor: Visitor, seed: int) -> None:
    """One that has begun comes to its end, whether it swaps the database or not."""
    chance = random.Random(seed)
    disturbances = possible(EVERY, stack)
    target = chance.choice([PATCH, FAR])
    data, env, late = rows(stack), env_of(stack), list[LateRow]()
    process = to_roll_back(stack, bot, target, late)
    update = late[0].backup
    wait_until(lambda: newest_job(bot)[0] != update, "the rollback has begun")
    time.sleep(chance.uniform(0, LONGEST))  # the instant is the test's subject: nothing to wait for
    disturb(chance.choice(disturbances), stack, process)
    process.communicate(timeout=300)

    job = settled(stack, bot, visitor, "rollback")

    version = served(stack)[1]
    assert version == (OLD if job["state"] == "done" else target), job
    assert f"AUTHENTIK_TAG={version}" in env_of(stack)
    if version != OLD:
        bot.ok(*BACK)
    late[0].came_back(stack, bot)
    assert (rows(stack), env_of(stack)) == (data, env)
    assert served(stack) == (200, OLD)
    assert visitor.is_logged_in()
    drop_aside(stack)
