"""Every disturbance at every stage of a rollback and of an update of two hops.

Not part of `tests/run`: tests/run tests/soak/test_rollback.py takes an hour and a half.
"""

import itertools

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.disturbed import EVERY, Disturbance
from tests.e2e.test_updates_disturbed import (
    HOP_STEPS,
    STAYS,
    SWAPS,
    HopStep,
    Stage,
    bot,
    goes_back,
    stack,
    two_hops,
    visitor,
)
from tests.e2e.visitor import Visitor
from tests.sandbox.fixture import Sandbox, engine, sandbox

__all__ = ["bot", "engine", "sandbox", "stack", "visitor"]

pytestmark = pytest.mark.docker

BACK = [*STAYS.items(), *SWAPS.items()]


@pytest.mark.parametrize(("way", "what"), list(itertools.product(BACK, EVERY)))
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
