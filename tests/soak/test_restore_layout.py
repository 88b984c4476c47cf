"""Restores that bring another layout's compose files with them, disturbed at each step of that.

Not part of `tests/run`: tests/run tests/soak/test_restore_layout.py    about half an hour, most of
it for the way to a version whose files lie elsewhere.
"""

import itertools

import pytest

from tests.e2e.disturbed import Disturbance, disturb, require
from tests.e2e.test_restore_kills import TRIES, last_restore, stopped_at
from tests.e2e.test_updates import (
    Early,
    Newest,
    bot_of,
    early,
    in_step,
    on_the_way_to_another_layout,
    stack,
    texts,
    updated,
)
from tests.sandbox.fixture import Sandbox, engine, sandbox

__all__ = ["early", "engine", "sandbox", "stack"]

pytestmark = pytest.mark.docker

STEPS = ["swapping the compose files", "starting redis"]
UNDO_STEPS = ["swapping the compose files", "removing redis"]
KILLS = [Disturbance.KILLED, Disturbance.KILLED_ENGINE_30]


@pytest.fixture(scope="module")
def newest(stack: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The stack, far on from its early backup: without Redis, its media elsewhere."""
    late = bot_of(stack, tmp_path_factory.mktemp("late"))
    updated(late, "--apply-compose", "--no-rehearsal", "2026.8.3")
    return stack


@pytest.mark.parametrize(("step", "what"), list(itertools.product(STEPS, KILLS)))
def test_a_restore_is_undone(newest: Sandbox, early: Early, step: str, what: Disturbance) -> None:
    on_the_way_to_another_layout(newest, early, step, what)


@pytest.mark.parametrize(("step", "what"), list(itertools.product(UNDO_STEPS, KILLS)))
def test_an_undo_is_undone(newest: Sandbox, early: Early, step: str, what: Disturbance) -> None:
    """Of the restore: the restored layout serves, and the next undo takes it back."""
    require(what, newest)
    before, bot = Newest.of(newest), early.bot
    bot.ok("restore", early.backup, "--apply-compose", "--yes", "--no-safety-backup")
    process = bot.start("restore", "--undo", "--yes")
    tries = iter(range(TRIES))
    while not stopped_at(bot, process, step):
        next(tries)
        process.communicate(timeout=300)
        bot.ok("restore", "--undo", "--yes")
        process = bot.start("restore", "--undo", "--yes")
    disturb(what, newest, process)

    bot.backup("--component", "templates")

    assert last_restore(bot)["state"] == "interrupted"
    assert texts(newest) == early.texts
    assert "authentik-redis" in newest.docker("ps", "--format", "{{.Names}}").split()
    in_step(newest)
    bot.ok("restore", "--undo", "--yes")
    assert Newest.of(newest) == before
    in_step(newest)
