"""For how long nobody will be served by the next update, going by the ones before."""

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.downtime import AWAY
from bot.domain.jobs import Job, JobKind, Trigger
from bot.domain.update import HOP, PHASE, Phase
from bot.domain.updated import REHEARSED, Prediction, Updated, predict_away
from tests.fakes_stack import NOW

HELD = {PHASE: Phase.KEEP, HOP: "1", AWAY: "12.0", REHEARSED: "20.0"}
HELD_IN_TWO = {PHASE: Phase.KEEP, HOP: "2", AWAY: "30.0"}
STOPPED_AFTER_ONE = {PHASE: Phase.READY, HOP: "2", AWAY: "14.0"}
FAILED = {PHASE: Phase.BACK, HOP: "1", REHEARSED: "25.0"}
REFUSED = {REHEARSED: "30.0"}


def job(plan: dict[str, str], kind: JobKind = JobKind.UPDATE) -> Job:
    return Job(
        id=BackupId("20261123T033000Z-k3f9"), kind=kind, trigger=Trigger.CLI, actor="root",
        started=NOW, plan=plan,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("plans", "steps", "predicted"),
    [
        pytest.param([], 1, None, id="the first one"),
        pytest.param([{}], 1, None, id="one that was not begun"),
        pytest.param([{AWAY: "3.0"}], 1, None, id="no step was made"),
        pytest.param([{PHASE: Phase.KEEP}], 1, None, id="nobody measured"),
        pytest.param([HELD], 1, Prediction(12, "the last update here"), id="as the last one"),
        pytest.param([HELD_IN_TWO], 1, Prediction(15, "the last update here"), id="as each step"),
        pytest.param([HELD], 3, Prediction(36, "the last update here"), id="in three steps"),
        pytest.param(
            [STOPPED_AFTER_ONE, HELD], 1, Prediction(14, "the last update here"),
            id="as the step that held",
        ),
        pytest.param(
            [FAILED, HELD], 1, Prediction(12, "the last update here"), id="as the last that held"
        ),
        pytest.param(
            [REFUSED, FAILED], 2, Prediction(60, "the last rehearsal here"),
            id="as the newest rehearsal",
        ),
    ],
)  # fmt: skip
def test_it_goes_by_the_last_update_else_by_the_last_rehearsal(
    plans: list[dict[str, str]], steps: int, predicted: Prediction | None
) -> None:
    assert predict_away([job(each) for each in plans], steps) == predicted


@pytest.mark.parametrize(("hops", "steps"), [(1, ""), (2, ", in 2 steps")])
def test_what_it_came_to_in_a_sentence(hops: int, steps: str) -> None:
    assert Updated("job", "2025.2.1", "2025.4.4", hops, 60.6, 12.4).words == (
        f"2025.4.4 serves in place of 2025.2.1{steps}, after 1 min 1 s;"
        " nobody could log in for 12 s"
    )


def test_other_jobs_say_nothing() -> None:
    assert predict_away([job(HELD, JobKind.ROLLBACK)], 1) is None
