"""What becomes of an update that was cut off: a table."""

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest

from bot.domain.restore import Site, TagChange
from bot.domain.update import ASKED_UNTIL, HopPlan, Phase, UpdatePlan, encode_plan, plan_of
from bot.domain.update_gate import Baseline
from bot.domain.update_recovery import Remedy, decide, may_answer_until
from tests.fakes_stack import NOW

SITE = Site(
    project="p",
    postgresql="postgresql",
    server="authentik",
    worker="worker",
    redis="redis",
    working_dir="/srv",
    config_files=(),
    env_files=(),
    database="authentik",
    user="authentik",
    image="g/server:2025.2.1",
    version="2025.2.1",
)


def hop(version: str) -> HopPlan:
    return HopPlan(
        version=version,
        image=f"g/server:{version}",
        digest="sha256:1",
        image_id=f"id-{version}",
        tag=TagChange("/srv/.env", "AUTHENTIK_TAG", "2025.2.1", version),
        keeps_sessions=True,
    )


PLAN = UpdatePlan(
    job="20261123T033000Z-k3f9",
    site=SITE,
    image_id="id-2025.2.1",
    hops=(hop("2025.2.4"), hop("2025.4.4")),
    baseline=Baseline(login_page=200, urls={"https://a.example/": 302}),
)
COPY, FAILED = PLAN.snapshot(2), PLAN.failed(2)
TABLE = {
    "switch, nothing copied": (Phase.SWITCH, [], True, Remedy.CALL_OFF),
    "switch, copied": (Phase.SWITCH, [COPY], True, Remedy.CALL_OFF),
    "switch, failed": (Phase.SWITCH, [COPY], False, Remedy.CALL_OFF),
    "started, cut off": (Phase.START, [COPY], True, Remedy.GATE),
    "started, failed": (Phase.START, [COPY], False, Remedy.BACK),
    "started, and swapped, which was not written": (Phase.START, [FAILED], True, Remedy.BACK),
    "started, the copy is gone": (Phase.START, [], True, Remedy.ASK),
    "going back, not swapped": (Phase.BACK, [COPY], True, Remedy.BACK),
    "going back, swapped": (Phase.BACK, [FAILED], True, Remedy.BACK),
    "going back, it needed no swap and the copy went": (Phase.BACK, [], True, Remedy.BACK),
    "both are there": (Phase.BACK, [COPY, FAILED], True, Remedy.ASK),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_done(name: str) -> None:
    phase, databases, interrupted, remedy = TABLE[name]

    assert decide(PLAN, 2, phase, {"authentik", *databases}, interrupted=interrupted) is remedy


LATER = NOW + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("until", "being_stopped", "expected"),
    [
        pytest.param(None, False, None, id="nobody was asked"),
        pytest.param("", False, None, id="of the hop before"),
        pytest.param(LATER.isoformat(), False, LATER, id="for what is left"),
        pytest.param(LATER.isoformat(), True, None, id="this process ends"),
        pytest.param(NOW.isoformat(), False, None, id="the time is over"),
        pytest.param((NOW - timedelta(hours=8)).isoformat(), False, None, id="long ago"),
    ],
)
def test_a_person_is_asked_once_more_while_there_is_time_for_an_answer(
    until: str | None, expected: datetime | None, *, being_stopped: bool
) -> None:
    facts = {} if until is None else {ASKED_UNTIL: until}

    assert may_answer_until(facts, NOW, being_stopped=being_stopped) == expected


@pytest.mark.parametrize("databases", [[], [COPY], [FAILED]])
def test_without_a_live_database_a_person_is_asked(databases: Collection[str]) -> None:
    assert decide(PLAN, 2, Phase.START, databases, interrupted=True) is Remedy.ASK


def test_the_plan_comes_back_from_the_journal_as_it_was() -> None:
    assert plan_of({"update": encode_plan(PLAN)}) == PLAN
    assert plan_of({}) is None


def test_each_hop_has_names_of_its_own() -> None:
    names = [PLAN.snapshot(1), PLAN.snapshot(2), PLAN.failed(1), PLAN.failed(2)]

    assert len(set(names)) == 4
    assert all(len(each.encode()) <= 63 for each in names)
    assert (PLAN.version_before(1), PLAN.version_before(2)) == ("2025.2.1", "2025.2.4")
    assert (PLAN.image_id_before(1), PLAN.image_id_before(2)) == ("id-2025.2.1", "id-2025.2.4")
