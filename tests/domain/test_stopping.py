from dataclasses import replace

import pytest

from bot.domain import restore, update
from bot.domain.jobs import JobKind
from bot.domain.stopping import Stop, can_stop, judge_stop
from tests.contracts.state_places import a_job

LATER = {update.HOP: "2"}
RESTORES = {
    None: Stop.UNTOUCHED,
    restore.Phase.BESIDE: Stop.UNTOUCHED,
    restore.Phase.SWITCH: Stop.COMES_BACK,
    restore.Phase.START: Stop.COMES_BACK,
    restore.Phase.KEEP: Stop.IS_DONE,
}
UPDATES = {
    None: Stop.UNTOUCHED,
    update.Phase.READY: Stop.UNTOUCHED,
    update.Phase.SWITCH: Stop.COMES_BACK,
    update.Phase.START: Stop.COMES_BACK,
    update.Phase.BACK: Stop.GOES_BACK,
    update.Phase.RETURNED: Stop.GOES_BACK,
    update.Phase.KEEP: Stop.IS_DONE,
}
ROLLBACKS = {
    None: Stop.UNTOUCHED,
    update.Phase.BACK: Stop.GOES_ON,
    update.Phase.KEEP: Stop.IS_DONE,
}
TAKE_AWAY = [
    *[(JobKind.RESTORE, restore.PLAN, phase, {}, stop) for phase, stop in RESTORES.items()],
    *[(JobKind.UPDATE, update.PLAN, phase, {}, stop) for phase, stop in UPDATES.items()],
    *[(JobKind.ROLLBACK, update.PLAN, phase, {}, stop) for phase, stop in ROLLBACKS.items()],
    (JobKind.UPDATE, update.PLAN, update.Phase.READY, LATER, Stop.STAYS),
    (JobKind.UPDATE, update.PLAN, update.Phase.START, LATER, Stop.COMES_BACK),
]


@pytest.mark.parametrize(("kind", "plan", "phase", "more", "stop"), TAKE_AWAY)
def test_what_becomes_of_one_that_takes_the_server_away(
    kind: JobKind, plan: str, phase: str | None, more: dict[str, str], stop: Stop
) -> None:
    facts = {plan: "{}", "phase": str(phase), **more} if phase else {}

    assert judge_stop(replace(a_job(), kind=kind, plan=facts)) is stop


@pytest.mark.parametrize(
    "kind", sorted(set(JobKind) - {JobKind.RESTORE, JobKind.UPDATE, JobKind.ROLLBACK})
)
def test_all_others_stop_at_any_time(kind: JobKind) -> None:
    job = replace(a_job(), kind=kind, plan={"stack": "authentik"})

    assert judge_stop(job) is Stop.STOPS


@pytest.mark.parametrize("kind", list(JobKind))
def test_one_whose_process_is_gone_is_put_right_first(kind: JobKind) -> None:
    assert judge_stop(replace(a_job(), kind=kind, crashes=1)) is Stop.SETTLES


def test_a_wish_is_heeded_before_the_point_of_no_return() -> None:
    phases = [each for each in TAKE_AWAY if each[2]]
    jobs = {
        (kind, phase, str(more)): can_stop(
            replace(a_job(), kind=kind, plan={plan: "{}", "phase": str(phase), **more})
        )
        for kind, plan, phase, more, _ in phases
    }

    assert {(kind, phase) for (kind, phase, _), can in jobs.items() if not can} == {
        (JobKind.RESTORE, "keep"),
        (JobKind.UPDATE, "back"),
        (JobKind.UPDATE, "returned"),
        (JobKind.UPDATE, "keep"),
        (JobKind.ROLLBACK, "back"),
        (JobKind.ROLLBACK, "keep"),
    }
