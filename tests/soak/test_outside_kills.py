"""Every step of a restore whose PostgreSQL is outside of the project, and every kill at it.

tests/run tests/soak/test_outside_kills.py: about half an hour.
"""

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.conftest import akbot
from tests.e2e.test_outside_kills import (
    AFTERWARDS,
    STEPS,
    Marked,
    beside_it,
    marked,
    one_whole_state_serves,
    stack,
)
from tests.sandbox.fixture import sandbox

__all__ = ["akbot", "beside_it", "marked", "sandbox", "stack"]

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("then", AFTERWARDS)
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_one_whole_state_serves(
    marked: Marked,
    beside_it: Akbot,
    step: str,
    then: str,
) -> None:
    one_whole_state_serves(marked, beside_it, step, then)
