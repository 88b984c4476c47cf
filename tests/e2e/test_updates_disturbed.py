"""A rollback at each of its stages and an update of two hops, disturbed: one whole version serves.

`tests/soak/test_rollback.py` has every disturbance at every stage of both kinds of rollback, and at
every step of the two hops.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from bot.domain.restore import GOING_AWAY
from tests.e2e.akbot import Akbot
from tests.e2e.disturbed import Disturbance, disturb, require
from tests.e2e.late_rows import LateRow, write_late
from tests.e2e.test_kills import newest_job
from tests.e2e.test_restore import own_databases, rows, served
from tests.e2e.test_updates import assert_whole, bot_of, env_of, tables
from tests.e2e.test_updates_kills import drop_aside, fact, settled
from tests.e2e.visitor import Visitor
from tests.sandbox.fixture import Sandbox, script
from tests.thorough import THOROUGH, a_few

pytestmark = pytest.mark.docker

OLD, PATCH, FAR = "2025.2.1", "2025.2.4", "2025.4.4"
BACK = ("rollback", "--yes", "--no-safety-backup")
TRIES = 5
PATIENCE = 300


class Stage(StrEnum):
    """How far a rollback is, as it can be seen from outside: its way back waits for no journal."""

    GOING = "server and worker are stopped"
    GONE = "they are removed"
    SWAPPED = "the database is the one from before"
    TAGGED = "the tag is the one from before"
    STARTED = "the version before is started"


STAYS = {each: PATCH for each in Stage if each is not Stage.SWAPPED}
"""The stages of a rollback that leaves the database alone, and from where it goes back."""
SWAPS = dict.fromkeys(Stage, FAR)


@dataclass(frozen=True)
class HopStep:
    """A step of an update of two hops, and what serves if the bot is killed in it."""

    hop: int
    step: str
    serves: str


HOP_STEPS = (
    HopStep(1, GOING_AWAY, OLD),
    HopStep(1, "copying the database", OLD),
    HopStep(1, f"starting {PATCH}", PATCH),
    HopStep(1, f"waiting until {PATCH} holds", PATCH),
    HopStep(2, GOING_AWAY, PATCH),
    HopStep(2, "copying the database", PATCH),
    HopStep(2, f"starting {FAR}", FAR),
    HopStep(2, f"waiting until {FAR} holds", FAR),
)


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox) -> Iterator[Sandbox]:
    """2025.2.1, from which 2025.4.4 is two hops away."""
    fresh = sandbox.fresh()
    script("fill", "16MiB", "--media", "20")
    fresh.stand_ins(*(f"goauthentik/server:{tag}" for tag in (PATCH, FAR)))
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


@pytest.mark.parametrize(
    ("stage", "what"),
    a_few(
        (
            (Stage.GOING, Disturbance.KILLED),
            (Stage.GONE, Disturbance.KILLED_UP),
            (Stage.TAGGED, Disturbance.KILLED_ENGINE),
            (Stage.STARTED, Disturbance.KILLED),
        ),
        of={Stage.TAGGED},
    ),
)
def test_a_rollback_that_leaves_the_database(
    stack: Sandbox, bot: Akbot, visitor: Visitor, stage: Stage, what: Disturbance
) -> None:
    goes_back(stack, bot, visitor, PATCH, stage, what)


def test_a_rollback_that_swaps_the_database(stack: Sandbox, bot: Akbot, visitor: Visitor) -> None:
    goes_back(stack, bot, visitor, FAR, Stage.SWAPPED, Disturbance.KILLED_ENGINE)


@THOROUGH
def test_an_update_of_two_hops(stack: Sandbox, bot: Akbot, visitor: Visitor) -> None:
    two_hops(stack, bot, visitor, HOP_STEPS[5], Disturbance.KILLED_UP)


def goes_back(  # noqa: PLR0913, PLR0917 - what happens to which rollback, and who looks at it
    stack: Sandbox, bot: Akbot, visitor: Visitor, target: str, stage: Stage, what: Disturbance
) -> None:
    """Update, roll back, let *what* happen at *stage*: it comes to its end all the same."""
    require(what, stack)
    data, env = rows(stack), env_of(stack)
    late: list[LateRow] = []
    process = caught(
        bot, lambda: to_roll_back(stack, bot, target, late), lambda: at(stack, bot, stage)
    )
    disturb(what, stack, process)
    process.communicate(timeout=PATIENCE)

    job = settled(stack, bot, visitor, "rollback")

    assert job["state"] == "done", job
    assert f"{OLD} serves again" in job["message"]
    assert served(stack) == (200, OLD)
    for each in late:
        each.came_back(stack, bot)
    assert (rows(stack), env_of(stack)) == (data, env)
    left = own_databases(stack)
    assert len(left) == (target == FAR), left
    drop_aside(stack)


def to_roll_back(
    stack: Sandbox, bot: Akbot, target: str, late: list[LateRow]
) -> "subprocess.Popen[str]":
    """Of an update to *target*, in which one more row is written *late*."""
    if served(stack) != (200, target):
        drop_aside(stack)
        process = bot.start("update", "--yes", "--no-rehearsal", target)
        late.append(write_late(stack, bot, process))
        _, told = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, told
    return bot.start(*BACK)


def at(stack: Sandbox, bot: Akbot, stage: Stage) -> bool:
    """Whether the rollback has come so far."""
    if newest_job(bot)[1] != GOING_AWAY:
        return False
    match stage:
        case Stage.GOING:
            return True
        case Stage.GONE:
            names = stack.docker("ps", "--all", "--format", "{{.Names}}").split()
            return "authentik" not in names
        case Stage.SWAPPED:
            return any("_failed_" in each for each in own_databases(stack))
        case Stage.TAGGED:
            return f"AUTHENTIK_TAG={OLD}" in env_of(stack)
        case Stage.STARTED:
            images = stack.docker("ps", "--format", "{{.Names}} {{.Image}}").splitlines()
            return any(each.startswith("authentik ") and each.endswith(OLD) for each in images)


def two_hops(
    stack: Sandbox, bot: Akbot, visitor: Visitor, at_step: HopStep, what: Disturbance
) -> None:
    """Update, let *what* happen at a step: the last version that held serves, or the next one."""
    require(what, stack)
    data, whole, env = tables(stack), rows(stack), env_of(stack)
    wanted = (str(at_step.hop), at_step.step)
    process = caught(
        bot,
        lambda: to_update(stack, bot),
        lambda: (fact(bot, "hop"), newest_job(bot)[1]) == wanted,
    )
    disturb(what, stack, process)
    process.communicate(timeout=PATIENCE)

    job = settled(stack, bot, visitor)

    version = served(stack)[1]
    assert f"AUTHENTIK_TAG={version}" in env_of(stack)
    assert_whole(stack, data)
    if what is Disturbance.UP:  # a failed hop is undone, the ones before it stay
        assert version in {OLD, PATCH, FAR}
    else:
        assert version == at_step.serves, job
    assert (job["state"] == "done") is (version == FAR), job
    if version == PATCH:
        assert f"{PATCH} serves" in job["message"], job
    if version != OLD:
        bot.ok(*BACK)
    drop_aside(stack)
    assert served(stack) == (200, OLD)
    assert (rows(stack), env_of(stack)) == (whole, env)
    assert visitor.is_logged_in()


def to_update(stack: Sandbox, bot: Akbot) -> "subprocess.Popen[str]":
    if served(stack) != (200, OLD):
        bot.ok(*BACK)
        drop_aside(stack)
    return bot.start("update", "--yes", "--no-rehearsal", FAR)


def caught(
    bot: Akbot, begin: Callable[[], "subprocess.Popen[str]"], is_there: Callable[[], bool]
) -> "subprocess.Popen[str]":
    """What was begun, stopped (SIGSTOP) where it *is there*; on a busy machine not at once."""
    for _ in range(TRIES):
        before = newest_job(bot)[0]
        process = begin()
        end = time.monotonic() + PATIENCE
        while process.poll() is None and (newest_job(bot)[0] == before or not is_there()):
            assert time.monotonic() < end, "it has not come so far"
            time.sleep(0.001)  # some steps take a hundredth of a second
        process.send_signal(signal.SIGSTOP)
        if process.poll() is None and is_there():
            return process
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=PATIENCE)
    raise AssertionError(f"it was over too soon, {TRIES} times")
