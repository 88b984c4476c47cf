"""SIGKILL at each step of an update, and in its way back: one whole version serves, and says so.

After the kill a person starts the stack, or dockerd is restarted, in turns; `tests/soak` has all of
it at every step.
"""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.aftermath import throw_aways
from tests.e2e.akbot import Akbot
from tests.e2e.disturbed import Disturbance, disturb, require
from tests.e2e.late_rows import write_late
from tests.e2e.test_backup import wait_until
from tests.e2e.test_restore import answers, own_databases, rows, served
from tests.e2e.test_restore_kills import stopped_at
from tests.e2e.test_updates import bot_of, env_of, in_step
from tests.e2e.visitor import Visitor
from tests.sandbox.fixture import Sandbox, script
from tests.thorough import THOROUGH, a_few

pytestmark = pytest.mark.docker

OLD, NEW, FAULTY = "2025.2.1", "2025.4.4", "2025.4.97"
TRIES = 5
STEPS = [
    "checking the stack", "getting the image of 2025.4.4", "store media",
    "stopping and removing server and worker", "copying the database",
    f"starting {NEW}", f"waiting until {NEW} holds",
]  # fmt: skip
# "setting AUTHENTIK_TAG" and "removing … once more" are over too soon; tests/services has them.
STARTED = {f"starting {NEW}", f"waiting until {NEW} holds"}
KILLS = (Disturbance.KILLED_UP, Disturbance.KILLED_ENGINE, Disturbance.KILLED)


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox) -> Iterator[Sandbox]:
    """2025.2.1 of a repository that has a good and a faulty 2025.4, and no other patch."""
    fresh = sandbox.fresh("--repository", "goauthentik/faulty")
    script("fill", "16MiB", "--media", "20")
    fresh.stand_ins(f"goauthentik/faulty:{FAULTY}", f"goauthentik/server:{NEW}")
    source, target = (f"{fresh.registry}/goauthentik/{name}:{NEW}" for name in ("server", "faulty"))
    fresh.docker("pull", source)
    fresh.docker("tag", source, target)
    fresh.docker("push", target)
    yield fresh
    sandbox.fresh()


@pytest.fixture(scope="module")
def visitor(stack: Sandbox) -> Visitor:
    """Somebody who has logged in before it all began."""
    visitor = Visitor()
    visitor.log_in(stack)
    return visitor


@pytest.fixture
def bot(stack: Sandbox, tmp_path: Path) -> Akbot:
    """It looks at the gate for a second."""
    return bot_of(stack, tmp_path, AKBOT_GATE_STABLE="1", AKBOT_GATE_TIMEOUT="60")


def rotating() -> list[tuple[str, Disturbance]]:
    """Every step is killed at, and each time something else happens as well."""
    return list(zip(STEPS, cycle(KILLS), strict=False))


@pytest.mark.parametrize(("step", "what"), a_few(rotating(), of={"copying the database"}))
def test_killed_at_a_step_one_whole_version_serves(
    stack: Sandbox, bot: Akbot, visitor: Visitor, step: str, what: Disturbance
) -> None:
    one_whole_version_serves(stack, bot, visitor, step, what)


@THOROUGH
@pytest.mark.parametrize("what", [Disturbance.KILLED_UP, Disturbance.KILLED_ENGINE_30])
def test_killed_on_the_way_back_it_goes_on_with_it(
    stack: Sandbox, bot: Akbot, visitor: Visitor, what: Disturbance
) -> None:
    """Of a version whose migration has dropped rows."""
    require(what, stack)
    quick = bot.with_settings(AKBOT_GATE_TIMEOUT="20")
    data, env = rows(stack), env_of(stack)
    process = quick.start("update", "--yes", "--no-rehearsal", FAULTY)
    late = write_late(stack, quick, process)
    wait_until(lambda: "back" in phase(quick), "it goes back")

    disturb(what, stack, process)

    settled(stack, quick, visitor)
    assert served(stack) == (200, OLD)
    late.came_back(stack, quick)
    assert (rows(stack), env_of(stack)) == (data, env)
    drop_aside(stack)


def one_whole_version_serves(
    stack: Sandbox, bot: Akbot, visitor: Visitor, step: str, what: Disturbance
) -> None:
    """Update, let *what* happen at *step*, and look at what serves once it is settled."""
    require(what, stack)
    data = rows(stack)
    process = caught(stack, bot, step)
    disturb(what, stack, process)
    if what is Disturbance.UP:
        process.communicate(timeout=300)

    job = settled(stack, bot, visitor)

    version = served(stack)[1]
    assert f"AUTHENTIK_TAG={version}" in env_of(stack)
    if job["state"] == "done":
        assert version == NEW
        bot.ok("rollback", "--yes", "--no-safety-backup")
        drop_aside(stack)
    else:
        assert (version, job["state"]) in {(OLD, "interrupted"), (OLD, "rolled back")}, job
        assert own_databases(stack) == []
    if what is not Disturbance.UP:
        assert (job["state"] == "done") is (step in STARTED), job
    assert served(stack) == (200, OLD)
    assert rows(stack) == data
    assert visitor.is_logged_in()


def caught(stack: Sandbox, bot: Akbot, step: str) -> "subprocess.Popen[str]":
    """An update that is stopped (SIGSTOP) at *step*; on a busy machine not at the first try."""
    for _ in range(TRIES):
        process = bot.start("update", "--yes", "--no-rehearsal", NEW)
        if stopped_at(bot, process, step):
            return process
        process.communicate(timeout=300)
        bot.ok("rollback", "--yes", "--no-safety-backup")
        drop_aside(stack)
    raise AssertionError(f"step {step!r} was over too soon, {TRIES} times")


def settled(stack: Sandbox, bot: Akbot, visitor: Visitor, kind: str = "update") -> dict[str, Any]:
    """The job of that *kind*, once the next job has settled it."""
    bot.backup("--component", "templates")
    jobs: list[dict[str, Any]] = json.loads(bot.ok("jobs", "--json"))
    job = next(each for each in jobs if each["kind"] == kind)
    assert job["swept"] is True, job
    assert job["message"], "the outcome is told"
    wait_until(lambda: answers(stack), "the login page is served")
    wait_until(visitor.is_logged_in, "the session holds")
    assert not throw_aways(stack)
    in_step(stack)
    return job


def phase(bot: Akbot) -> str:
    """How far the newest job was about to go."""
    return fact(bot, "phase")


def fact(bot: Akbot, name: str) -> str:
    """What the journal has of the newest job's plan, read past the product."""
    place = f"file:{bot.state}/journal.db?mode=ro"
    try:
        with closing(sqlite3.connect(place, uri=True)) as journal:
            row = journal.execute("SELECT plan FROM jobs ORDER BY started DESC").fetchone()
    except sqlite3.OperationalError:  # not there yet
        return ""
    return str(json.loads(row[0]).get(name, "")) if row else ""


def drop_aside(stack: Sandbox) -> None:
    """What a rollback keeps of the newer version."""
    for name in own_databases(stack):
        stack.psql(f'DROP DATABASE "{name}" WITH (FORCE)', database="postgres")
