"""From when on a job takes containers away on purpose, so that what is down is no incident."""

import pytest

from bot.domain import restore, update
from bot.domain.backup_id import BackupId
from bot.domain.downtime import restarts_things
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from tests.fakes_stack import NOW


def job(kind: JobKind, state: JobState = JobState.RUNNING, **plan: str) -> Job:
    return Job(
        id=BackupId("20261123T033000Z-k3f9"),
        kind=kind,
        trigger=Trigger.CLI,
        actor="root",
        started=NOW,
        state=state,
        plan=plan,
    )


UPDATE, RESTORE, ROLLBACK = JobKind.UPDATE, JobKind.RESTORE, JobKind.ROLLBACK
OF_UPDATE, OF_RESTORE = update.Phase, restore.Phase


@pytest.mark.parametrize(
    ("job", "does"),
    [
        pytest.param(job(UPDATE), False, id="it asks, pulls, backs up or rehearses"),
        pytest.param(job(UPDATE, phase=OF_UPDATE.READY), False, id="the first hop is planned"),
        pytest.param(job(UPDATE, phase=OF_UPDATE.READY, hop="2"), True, id="between hops"),
        pytest.param(job(UPDATE, phase=OF_UPDATE.SWITCH), True, id="the server goes"),
        pytest.param(job(UPDATE, phase=OF_UPDATE.START), True, id="the new version starts"),
        pytest.param(job(UPDATE, phase=OF_UPDATE.BACK), True, id="the hop is undone"),
        pytest.param(job(UPDATE, phase=OF_UPDATE.RETURNED), True, id="it starts once more"),
        pytest.param(job(UPDATE, phase=OF_UPDATE.KEEP), True, id="it has held just now"),
        pytest.param(job(RESTORE), False, id="it asks, or reads the backup"),
        pytest.param(job(RESTORE, phase=OF_RESTORE.BESIDE), False, id="beside what serves"),
        pytest.param(job(RESTORE, phase=OF_RESTORE.SWITCH), True, id="all is swapped"),
        pytest.param(job(RESTORE, phase=OF_RESTORE.START), True, id="what was restored starts"),
        pytest.param(job(RESTORE, bootstrap="{}"), True, id="a whole stack is made"),
        pytest.param(
            job(RESTORE, phase=OF_RESTORE.BESIDE, bootstrap="{}"), True, id="and is filled"
        ),
        pytest.param(job(ROLLBACK), False, id="it asks, or makes the safety backup"),
        pytest.param(job(ROLLBACK, phase=OF_UPDATE.BACK), True, id="a rollback"),
        pytest.param(
            job(UPDATE, JobState.FAILED, phase=OF_UPDATE.BACK), False, id="nobody works on it"
        ),
        pytest.param(job(JobKind.BACKUP), False, id="a backup"),
    ],
)
def test_from_when_on_a_job_restarts_things(job: Job, *, does: bool) -> None:
    assert restarts_things(job) is does
