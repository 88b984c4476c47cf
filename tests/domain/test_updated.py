"""For how long nobody will be served by the next update, going by the ones before."""

from dataclasses import replace

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.bootstrap import BOOTSTRAP
from bot.domain.downtime import AWAY
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.update import HOP, PHASE, Phase
from bot.domain.updated import REHEARSED, START_ESTIMATE, Prediction, Updated, predict_away
from bot.entrypoints.render_roll import away_words, preview_lines
from tests.fakes_stack import NOW
from tests.telegram_chat.rolls import make_update

HELD = {PHASE: Phase.KEEP, HOP: "1", AWAY: "12.0", REHEARSED: "20.0"}
HELD_IN_TWO = {PHASE: Phase.KEEP, HOP: "2", AWAY: "30.0"}
STOPPED_AFTER_ONE = {PHASE: Phase.READY, HOP: "2", AWAY: "14.0"}
FAILED = {PHASE: Phase.BACK, HOP: "1", REHEARSED: "25.0"}
REFUSED = {REHEARSED: "30.0"}


ROUGH = Prediction(START_ESTIMATE, rough=True)


def job(plan: dict[str, str], kind: JobKind = JobKind.UPDATE) -> Job:
    return Job(
        id=BackupId("20261123T033000Z-k3f9"), kind=kind, trigger=Trigger.CLI, actor="root",
        started=NOW, plan=plan,
    )  # fmt: skip


def done(kind: JobKind, seconds: str, *more: str) -> Job:
    """A job that went as it should, and kept people away for so long."""
    plan = {AWAY: seconds, **dict.fromkeys(more, "yes")}
    return replace(job(plan, kind), state=JobState.DONE, ended=NOW)


def test_what_serves_now_is_told_with_what_served_before() -> None:
    updated = Updated(job="x", before="2025.2.1", version="2025.4.4", hops=2, seconds=90, away=30)
    words = ", after 1 min 30 s; nobody could log in for 30 s"

    assert updated.words == f"2025.4.4 serves in place of 2025.2.1, in 2 steps{words}"
    assert replace(updated, before=None, hops=1).words == f"2025.4.4 serves{words}"


@pytest.mark.parametrize(
    ("plans", "steps", "predicted"),
    [
        pytest.param([], 1, ROUGH, id="the first one"),
        pytest.param([], 2, Prediction(120, rough=True), id="the first one, in two steps"),
        pytest.param([{}], 1, ROUGH, id="one that was not begun"),
        pytest.param([{AWAY: "3.0"}], 1, ROUGH, id="no step was made"),
        pytest.param([{PHASE: Phase.KEEP}], 1, ROUGH, id="nobody measured"),
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
    plans: list[dict[str, str]], steps: int, predicted: Prediction
) -> None:
    assert predict_away([job(each) for each in plans], steps) == predicted


@pytest.mark.parametrize(("hops", "steps"), [(1, ""), (2, ", in 2 steps")])
def test_what_it_came_to_in_a_sentence(hops: int, steps: str) -> None:
    assert Updated("job", "2025.2.1", "2025.4.4", hops, 60.6, 12.4).words == (
        f"2025.4.4 serves in place of 2025.2.1{steps}, after 1 min 1 s;"
        " nobody could log in for 12 s"
    )


@pytest.mark.parametrize(
    ("jobs", "steps", "predicted"),
    [
        pytest.param(
            [done(JobKind.RESTORE, "24.0")], 2,
            Prediction(48, "the last restore here", rough=True), id="as a restore, for each step",
        ),
        pytest.param(
            [done(JobKind.ROLLBACK, "9.0"), done(JobKind.RESTORE, "24.0")], 1,
            Prediction(9, "the last rollback here", rough=True), id="as the newest of them",
        ),
        pytest.param(
            [done(JobKind.RESTORE, "24.0"), job(REFUSED)], 1,
            Prediction(30, "the last rehearsal here"), id="a rehearsal says more, however old",
        ),
        pytest.param(
            [done(JobKind.RESTORE, "24.0"), job(HELD)], 1,
            Prediction(12, "the last update here"), id="and so does an update",
        ),
        pytest.param([done(JobKind.RESTORE, "24.0", BOOTSTRAP)], 1, ROUGH, id="an empty host"),
        pytest.param([done(JobKind.RESTORE, "0.0")], 1, ROUGH, id="nobody was sent away"),
        pytest.param(
            [replace(done(JobKind.RESTORE, "24.0"), crashes=1)], 1, ROUGH, id="nobody knows",
        ),
        pytest.param(
            [replace(done(JobKind.RESTORE, "24.0"), state=JobState.FAILED)], 1, ROUGH,
            id="one that did not go as it should",
        ),
        pytest.param([done(JobKind.DRILL, "24.0")], 1, ROUGH, id="one that takes nobody away"),
    ],
)  # fmt: skip
def test_else_by_what_was_started_here_else_it_is_an_estimate(
    jobs: list[Job], steps: int, predicted: Prediction
) -> None:
    assert predict_away(jobs, steps) == predicted


@pytest.mark.parametrize(
    ("away", "rehearse", "words"),
    [
        (Prediction(12, "the last update here"), True, "about 12 s, going by the last update here"),
        (
            Prediction(48, "the last restore here", rough=True), True,
            "about 48 s, going by the last restore here (an estimate; the rehearsal measures it)",
        ),
        (ROUGH, True, "about 1 min 0 s (an estimate; the rehearsal measures it)"),
        (ROUGH, False, "about 1 min 0 s (an estimate)"),
    ],
)  # fmt: skip
def test_it_is_told_with_how_far_it_can_be_believed(
    away: Prediction, words: str, *, rehearse: bool
) -> None:
    preview = make_update(away=away, rehearse=rehearse)

    assert away_words(preview) == words
    assert f"server and worker are away for {words}." in "\n".join(preview_lines(preview))
