"""Who is restarted, and when that is given up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.container_state import ContainerState
from bot.domain.cure import (
    Patient,
    Remedy,
    Treatment,
    is_to_be_restarted,
    patients,
    remedy,
    restarts_in,
    tried_lately,
)
from bot.domain.incident import Incident, Rules, Seen, Trouble
from bot.domain.incident_watch import Watch
from bot.domain.incidents import hush, mute, observe
from bot.domain.mute import Mute

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RULES = Rules(depends={"worker": frozenset({"Docker", "postgresql", "redis"})})
INCIDENT = Incident(
    root="worker",
    trouble=Trouble.UNHEALTHY,
    detail="its health check fails",
    image="a:1",
    began=NOW - timedelta(minutes=5),
    opened=NOW - timedelta(minutes=5),
)
PATIENT = Patient(INCIDENT, INCIDENT.began, RULES.depends["worker"])
WELL = {
    name: ContainerState(
        name, "running", "healthy", 0, out_of_memory=False, image="a:1", passed=NOW
    )
    for name in ("postgresql", "redis", "worker")
}
ILL = {**WELL, "worker": replace(WELL["worker"], health="unhealthy", passed=None)}


def watching(**troubles: Trouble) -> Watch:
    watch = Watch()
    for service in ("postgresql", "redis", "worker"):
        seen = Seen(service, NOW, troubles.get(service))
        watch, _ = observe(watch, seen, NOW, RULES)
    return watch


def roots(watch: Watch) -> list[str]:
    return [each.incident.root for each in patients(watch, RULES)]


@pytest.mark.parametrize(
    ("troubles", "found"),
    [
        ({}, []),
        ({"worker": Trouble.UNHEALTHY}, ["worker"]),
        ({"worker": Trouble.CRASHED}, []),
        ({"worker": Trouble.PAUSED}, []),
        ({"worker": Trouble.OUT_OF_MEMORY}, []),
        ({"worker": Trouble.STARTING}, []),
        ({"worker": Trouble.UNHEALTHY, "redis": Trouble.CRASHED}, []),
        ({"worker": Trouble.UNHEALTHY, "redis": Trouble.UNHEALTHY}, ["redis"]),
        ({"postgresql": Trouble.UNHEALTHY, "redis": Trouble.UNHEALTHY}, ["postgresql", "redis"]),
    ],
    ids=str,
)
def test_only_what_is_unhealthy_by_itself_is_a_patient(
    troubles: dict[str, Trouble], found: list[str]
) -> None:
    assert roots(watching(**troubles)) == found


def test_what_was_stopped_since_is_none() -> None:
    watch = watching(worker=Trouble.UNHEALTHY)
    watch, _ = observe(watch, Seen("worker", NOW, Trouble.STOPPED), NOW, RULES)

    assert roots(watch) == []


@pytest.mark.parametrize(
    ("first", "found"), [(Trouble.PAUSED, []), (Trouble.CRASHED, ["worker"])], ids=str
)
def test_what_goes_on_after_a_pause_by_hand_is_left_alone(first: Trouble, found: list[str]) -> None:
    watch = watching(worker=first)
    watch, _ = observe(watch, Seen("worker", NOW, Trouble.UNHEALTHY), NOW, RULES)

    assert roots(watch) == found


def test_nobody_is_a_patient_while_people_or_a_job_work_there() -> None:
    watch = watching(worker=Trouble.UNHEALTHY)
    quiet, _ = hush(watch, NOW, RULES, quiet=True)
    muted, _ = mute(watch, Mute(NOW, NOW + timedelta(hours=1)), NOW, RULES)
    loud, _ = hush(quiet, NOW, RULES, quiet=False)

    assert roots(quiet) == roots(muted) == []
    assert roots(loud) == ["worker"]


def tried(*minutes: int, service: str = "worker", gave_up: int | None = None) -> list[Treatment]:
    """Restarts that many minutes ago."""
    opened = INCIDENT.opened
    history = [
        Treatment(service=service, at=NOW - timedelta(minutes=each), opened=opened)
        for each in minutes
    ]
    if gave_up is not None:
        at = NOW - timedelta(minutes=gave_up)
        history.append(Treatment(service=service, at=at, opened=opened, gave_up=True))
    return history


@pytest.mark.parametrize(
    ("history", "what"),
    [
        pytest.param([], Remedy.RESTART, id="never"),
        pytest.param(tried(40, 20), Remedy.RESTART, id="less often than it may be"),
        pytest.param(tried(59, 40, 20), Remedy.GIVE_UP, id="as often as it may be"),
        pytest.param(tried(60, 40, 20), Remedy.RESTART, id="one is an hour ago"),
        pytest.param(tried(3, 2, 1, service="redis"), Remedy.RESTART, id="another one was"),
        pytest.param(tried(gave_up=90), Remedy.WAIT, id="given up, however long ago"),
        pytest.param(tried(gave_up=9, service="redis"), Remedy.RESTART, id="another was given up"),
        pytest.param(tried(-1, -2, -3), Remedy.GIVE_UP, id="the clock was set back a little"),
        pytest.param(tried(-99, -98, -97), Remedy.RESTART, id="the clock was set back by far"),
    ],
)
def test_it_is_restarted_so_often_in_an_hour(history: list[Treatment], what: Remedy) -> None:
    assert remedy(PATIENT, history, NOW, 3) is what


def test_what_was_done_before_another_one_was_started_beside_it_counts() -> None:
    renamed = replace(INCIDENT, root="worker-1", opened_as="worker")
    patient = replace(PATIENT, incident=renamed)
    under_both = [*tried(40, 20), *tried(10, service="worker-1")]

    assert remedy(patient, under_both, NOW, 3) is Remedy.GIVE_UP
    assert remedy(patient, under_both, NOW, 4) is Remedy.RESTART
    assert remedy(patient, tried(gave_up=5), NOW, 3) is Remedy.WAIT
    assert restarts_in(renamed, under_both) == {"worker-1": [each.at for each in under_both]}


def test_another_incident_of_it_is_not_given_up_but_has_its_share_of_the_hour() -> None:
    earlier = [
        replace(each, opened=NOW - timedelta(hours=2)) for each in tried(50, 40, 30, gave_up=20)
    ]
    assert remedy(PATIENT, earlier, NOW, 3) is Remedy.GIVE_UP
    assert remedy(PATIENT, earlier, NOW + timedelta(minutes=10), 3) is Remedy.RESTART


STALE = replace(WELL["redis"], passed=INCIDENT.began - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("change", "is_borne_out"),
    [
        pytest.param({}, True, id="it alone is ill"),
        pytest.param({"worker": WELL["worker"]}, False, id="it is well by now"),
        pytest.param({"worker": None}, False, id="it is gone"),
        pytest.param(
            {"worker": replace(ILL["worker"], status="exited")}, False, id="it was stopped"
        ),
        pytest.param({"worker": replace(ILL["worker"], status="paused")}, False, id="paused"),
        pytest.param({"redis": None}, False, id="what it needs is gone"),
        pytest.param({"redis": replace(WELL["redis"], status="exited")}, False, id="is stopped"),
        pytest.param({"redis": replace(WELL["redis"], health="starting")}, False, id="starts"),
        pytest.param({"redis": replace(WELL["redis"], passed=None)}, False, id="begins to fail"),
        pytest.param({"redis": STALE}, False, id="has passed no check since"),
        pytest.param({"redis": replace(STALE, health="")}, True, id="has no check"),
    ],
)
def test_a_look_must_bear_it_out(
    change: dict[str, ContainerState | None], *, is_borne_out: bool
) -> None:
    assert is_to_be_restarted(PATIENT, {**ILL, **change}, []) is is_borne_out


def test_one_that_the_stack_has_no_more_need_not_be_well() -> None:
    states = {name: state for name, state in ILL.items() if name != "redis"}

    assert is_to_be_restarted(PATIENT, states, [])


@pytest.mark.parametrize(
    ("history", "is_borne_out"),
    [(tried(1), True), (tried(-1), False), (tried(-1, service="redis"), True)],
)
def test_after_a_restart_what_it_needs_must_pass_once_more(
    history: Sequence[Treatment], *, is_borne_out: bool
) -> None:
    assert is_to_be_restarted(PATIENT, ILL, history) is is_borne_out


def test_what_is_told_leaves_out_what_failed_and_what_is_not_of_it() -> None:
    incident = replace(INCIDENT, others=frozenset({"authentik"}))
    [first, failed] = tried(4, 3)
    [other] = tried(2, service="authentik")
    [foreign] = tried(1, service="redis")
    failed = replace(failed, failure="no such port")
    history = [first, failed, other, foreign, *tried(gave_up=1)]

    assert restarts_in(incident, history) == {"worker": [first.at], "authentik": [other.at]}
    assert tried_lately(incident, history, NOW) == (first, failed)
