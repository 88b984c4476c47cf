"""What lies in PostgreSQL beside Authentik's database, and who removes it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.findings import Level
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.left_over import judge_left
from bot.domain.restore import KEPT, Kept
from bot.domain.update import PLAN, encode_plan
from tests.domain.test_update_recovery import PLAN as UPDATE
from tests.fakes_stack import NOW

MINE = "20261124T100000Z-aaaa"
OTHER = "20261125T100000Z-bbbb"
FAILED = "authentik_failed_20261124t100000z_aaaa"
OF_A_HOP = "authentik_before_20261124t100000z_aaaa_2"
RESTORED = "authentik_restore_20261124t100000z_aaaa"


def job(facts: Mapping[str, str], name: str = MINE, **changes: object) -> Job:
    plain = Job(
        id=BackupId(name),
        kind=JobKind.UPDATE,
        trigger=Trigger.CLI,
        actor="root",
        started=NOW,
        state=JobState.ROLLED_BACK,
        ended=NOW,
        swept=True,
        plan=facts,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


KEEPS = job({KEPT: Kept.FAILED})
KEEPS_NOTHING = job({KEPT: ""})
OF_ANOTHER = {PLAN: encode_plan(replace(UPDATE, job=MINE)), KEPT: Kept.FAILED}


@pytest.mark.parametrize(
    ("names", "jobs", "kept", "left"),
    [
        pytest.param(["postgres", "wiki", "authentik_wiki"], [], "", "", id="somebody else's"),
        pytest.param([FAILED], [KEEPS], f'"{FAILED}" by {MINE}', "", id="kept"),
        pytest.param([OF_A_HOP], [KEEPS], f'"{OF_A_HOP}" by {MINE}', "", id="of a later hop"),
        pytest.param(
            [RESTORED], [job({}, swept=False)], f'"{RESTORED}" by {MINE}', "", id="not at its end"
        ),
        pytest.param(
            [RESTORED], [job({}, state=JobState.RUNNING)], f'"{RESTORED}" by {MINE}', "", id="runs"
        ),
        pytest.param(
            [FAILED], [KEEPS_NOTHING, job(OF_ANOTHER, OTHER, kind=JobKind.ROLLBACK)],
            f'"{FAILED}" by {OTHER}', "", id="taken over by a rollback",
        ),
        pytest.param([FAILED], [KEEPS_NOTHING], "", f'"{FAILED}"', id="nobody keeps it any more"),
        pytest.param([FAILED, OF_A_HOP], [], "", f'"{OF_A_HOP}", "{FAILED}"', id="of no job"),
    ],
)  # fmt: skip
def test_whose_they_are(names: list[str], jobs: list[Job], kept: str, left: str) -> None:
    findings = judge_left(names, jobs)

    said = {each.level: each.message for each in findings}
    assert said == {
        **({Level.OK: f"kept for the way back, and removed in time: {kept}"} if kept else {}),
        **({Level.WARNING: f"no job knows of {left}, so that nobody removes it"} if left else {}),
    }
