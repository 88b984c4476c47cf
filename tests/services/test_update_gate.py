"""The gate of an update holds until there is a verdict, on a stack that follows a script."""

from bot.domain.update_gate import Patience, Sample, Verdict
from bot.services.update_gate import UpdateGate
from tests.fakes_restore import QuickClock
from tests.fakes_update_gate import (
    FakeGateProbe,
    answers,
    good_sample,
    seen_container,
    started_again,
    wanted_version,
)

PATIENCE = Patience(stable=60, timeout=900)


async def test_what_holds_is_promoted_after_about_as_many_looks_as_seconds() -> None:
    probe = FakeGateProbe()
    gate = UpdateGate(probe, QuickClock(), PATIENCE)
    baseline = await gate.baseline()

    judgement = await gate.hold(wanted_version(baseline=baseline))

    assert baseline == probe.before
    assert judgement.verdict is Verdict.PROMOTE, judgement
    assert 60 <= probe.asked <= 62


async def test_docker_that_is_away_for_a_while_is_waited_for() -> None:
    away = Sample(at=0, seen=False)
    probe = FakeGateProbe([good_sample(), *[away] * 30, good_sample()])

    judgement = await UpdateGate(probe, QuickClock(), PATIENCE).hold(wanted_version())

    assert judgement.verdict is Verdict.PROMOTE
    assert 91 <= probe.asked <= 93


async def test_a_page_that_stays_broken_does_not_use_up_the_timeout() -> None:
    probe = FakeGateProbe([good_sample(), good_sample(answers=answers(login_page=500))])

    judgement = await UpdateGate(probe, QuickClock(), PATIENCE).hold(wanted_version())

    assert judgement.verdict is Verdict.ROLL_BACK
    assert probe.asked < 20


async def test_the_exit_code_of_a_crash_loop_is_named_though_it_ran_at_every_look() -> None:
    runs = [seen_container("server")]
    for exit_code in (1, 2, 3):
        runs.append(started_again(runs[-1], exit_code))
    worker = seen_container("worker")
    probe = FakeGateProbe([good_sample(ready=502, containers=(run, worker)) for run in runs])

    judgement = await UpdateGate(probe, QuickClock(), PATIENCE).hold(wanted_version())

    assert judgement.verdict is Verdict.ROLL_BACK
    assert judgement.reason == '"server" ends with exit code 3 again and again, 3 times so far'
