"""Which images the ways back that are kept need."""

from collections.abc import Mapping

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.kept import images_gone_back_to
from bot.domain.restore import KEPT, Kept
from bot.domain.update import PLAN, encode_plan
from tests.domain.test_update_recovery import PLAN as UPDATE
from tests.fakes_stack import NOW

BEFORE_ITS_HOPS = {"id-2025.2.1", "id-2025.2.4"}


def job(state: JobState, facts: Mapping[str, str], kind: JobKind = JobKind.UPDATE) -> Job:
    return Job(
        id=BackupId("20261124T100000Z-aaaa"),
        kind=kind,
        trigger=Trigger.CLI,
        actor="root",
        started=NOW,
        state=state,
        ended=NOW,
        swept=state is not JobState.STUCK,
        plan=facts,
    )


WENT = {PLAN: encode_plan(UPDATE)}
MADE = job(JobState.DONE, {**WENT, KEPT: Kept.BEFORE})


@pytest.mark.parametrize(
    ("jobs", "images"),
    [
        pytest.param([], set(), id="no job"),
        pytest.param([MADE], BEFORE_ITS_HOPS, id="can be taken back"),
        pytest.param([MADE, MADE], BEFORE_ITS_HOPS, id="by two"),
        pytest.param(
            [job(JobState.ROLLED_BACK, {**WENT, KEPT: Kept.BEFORE})],
            BEFORE_ITS_HOPS,
            id="a later hop failed",
        ),
        pytest.param([job(JobState.STUCK, WENT)], BEFORE_ITS_HOPS, id="waits for a person"),
        pytest.param(
            [job(JobState.STUCK, WENT, JobKind.ROLLBACK)],
            BEFORE_ITS_HOPS,
            id="a rollback that waits for a person",
        ),
        pytest.param(
            [job(JobState.ROLLED_BACK, {**WENT, KEPT: Kept.FAILED})], set(), id="was undone"
        ),
        pytest.param([job(JobState.DONE, {**WENT, KEPT: ""})], set(), id="keeps nothing any more"),
        pytest.param([job(JobState.FAILED, {})], set(), id="never began"),
        pytest.param(
            [job(JobState.DONE, {KEPT: Kept.BEFORE}, JobKind.RESTORE)], set(), id="a restore"
        ),
    ],
)
def test_images_of_ways_back_that_are_kept(jobs: list[Job], images: set[str]) -> None:
    assert images_gone_back_to(jobs) == images
