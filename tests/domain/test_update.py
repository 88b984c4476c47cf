"""A plan of an update knows what served before each of its hops."""

from dataclasses import replace

import pytest

from bot.domain.update import HOP, PHASE, Phase, encode_plan, hop_of, phase_of, plan_of, promoted
from tests.domain.test_update_recovery import PLAN as WAY

FIRST, SECOND = (
    replace(each, digest=f"sha256:{number}") for number, each in enumerate(WAY.hops, start=1)
)
PLAN = replace(WAY, hops=(FIRST, SECOND), digest="sha256:0")


def test_what_serves_before_a_hop() -> None:
    before = [
        (
            PLAN.version_before(number),
            PLAN.image_before(number),
            PLAN.image_id_before(number),
            PLAN.digest_before(number),
        )
        for number in (1, 2, 3)
    ]

    assert before == [
        ("2025.2.1", "g/server:2025.2.1", "id-2025.2.1", "sha256:0"),
        ("2025.2.4", "g/server:2025.2.4", "id-2025.2.4", "sha256:1"),
        ("2025.4.4", "g/server:2025.4.4", "id-2025.4.4", "sha256:2"),
    ]


def test_where_it_leads() -> None:
    assert PLAN.target == SECOND
    assert replace(PLAN, hops=(FIRST,)).target == FIRST
    assert (PLAN.hop(1), PLAN.hop(2)) == (FIRST, SECOND)


def test_what_a_hop_keeps_is_named_after_it() -> None:
    job = "20261123t033000z_k3f9"

    assert [PLAN.key(number) for number in (1, 2)] == [WAY.job, f"{WAY.job}-2"]
    assert PLAN.snapshot(1) == f"authentik_before_{job}"
    assert PLAN.snapshot(2) == f"authentik_before_{job}_2"
    assert PLAN.failed(2) == f"authentik_failed_{job}_2"


def test_it_is_written_down_and_read_again() -> None:
    assert plan_of({"update": encode_plan(PLAN)}) == PLAN
    assert plan_of({}) is None


@pytest.mark.parametrize(
    ("facts", "phase", "hop", "made"),
    [
        ({}, Phase.READY, 1, 0),
        ({PHASE: "start", HOP: "1"}, Phase.START, 1, 0),
        ({PHASE: "back", HOP: "3"}, Phase.BACK, 3, 2),
        ({PHASE: "keep", HOP: "3"}, Phase.KEEP, 3, 3),
    ],
)
def test_how_far_it_came(facts: dict[str, str], phase: Phase, hop: int, made: int) -> None:
    assert (phase_of(facts), hop_of(facts), promoted(facts)) == (phase, hop, made)
