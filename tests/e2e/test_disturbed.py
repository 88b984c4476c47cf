"""On somebody else's Engine the tests that would restart it end before they have begun anything."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.disturbed import Disturbance, possible, require, restart_engine
from tests.e2e.test_restore_kills import Marked
from tests.e2e.test_restore_kills import one_whole_state_serves as restored
from tests.e2e.test_undo_kills import undo_disturbed
from tests.e2e.test_updates import Early, on_the_way_to_another_layout
from tests.e2e.test_updates_disturbed import HOP_STEPS, Stage, goes_back, two_hops
from tests.e2e.test_updates_kills import one_whole_version_serves
from tests.e2e.visitor import Visitor
from tests.sandbox.fixture import Sandbox

ENGINE = Disturbance.KILLED_ENGINE
ENGINES = [ENGINE, Disturbance.KILLED_ENGINE_30]
WITHOUT_IT = [each for each in Disturbance if each not in ENGINES]


@pytest.fixture
def foreign(tmp_path: Path) -> Sandbox:
    """A sandbox that found an Engine and did not start it. It is nowhere, so nothing can begin."""
    return Sandbox(MappingProxyType({}), state=tmp_path, project=tmp_path / "nowhere")


@pytest.fixture
def own(foreign: Sandbox) -> Sandbox:
    (foreign.state / "pid").mkdir()
    (foreign.state / "pid" / "dockerd").write_text("1")
    return foreign


@pytest.fixture
def bot(foreign: Sandbox) -> Akbot:
    return Akbot(foreign.project, {"AKBOT_STATE": str(foreign.state)})


def skipped(test: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(pytest.skip.Exception) as why:
        test(*arguments)
    return str(why.value)


def test_only_the_sandboxs_own_engine_is_restarted(own: Sandbox, tmp_path: Path) -> None:
    foreign = replace(own, state=tmp_path / "other")

    assert possible(Disturbance, own) == list(Disturbance)
    assert possible(Disturbance, foreign) == WITHOUT_IT
    for each in ENGINES:
        require(each, own)
        assert "killed with the Engine" in skipped(require, each, foreign)
    for each in WITHOUT_IT:
        require(each, foreign)


def test_to_restart_it_unasked_is_a_mistake_of_the_test(foreign: Sandbox) -> None:
    with pytest.raises(AssertionError, match="asked before anything is begun"):
        restart_engine(foreign)


def test_no_restore_or_undo_is_begun(foreign: Sandbox, bot: Akbot) -> None:
    marked = Marked(foreign)

    skipped(restored, marked, bot, "starting", ENGINE)
    skipped(undo_disturbed, marked, bot, "starting", ENGINE)
    early = Early(bot, "none", {}, {}, {})
    skipped(on_the_way_to_another_layout, foreign, early, "starting redis", ENGINE)


def test_no_update_or_rollback_is_begun(foreign: Sandbox, bot: Akbot) -> None:
    visitor = Visitor()

    skipped(one_whole_version_serves, foreign, bot, visitor, "starting", ENGINE)
    skipped(goes_back, foreign, bot, visitor, "2025.4.4", Stage.GONE, ENGINE)
    skipped(two_hops, foreign, bot, visitor, HOP_STEPS[0], ENGINE)
