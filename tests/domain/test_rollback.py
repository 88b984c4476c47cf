"""What a person's word for a rollback is bound to."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.restore import KEPT, Kept
from bot.domain.rollback import RollbackPreview, last_update
from bot.domain.schema_change import RowsMoved, SchemaChange, WayBack
from bot.domain.update import COPIED, PHASE, PLAN, Phase, encode_plan
from tests.domain.test_update_recovery import PLAN as UPDATE_PLAN
from tests.fakes_stack import NOW

PREVIEW = RollbackPreview(
    update=BackupId("20261124T100000Z-aaaa"),
    version_now="2025.4.4",
    version_then="2025.2.1",
    since=NOW,
    change=SchemaChange(WayBack.SWAP, "12 migrations had been applied"),
    written=0,
    gone=0,
    kept_hours=24,
    safety_backup=True,
)


@pytest.mark.parametrize(
    ("shown", "found", "counts"),
    [
        pytest.param(0, 0, True, id="nothing"),
        pytest.param(0, 1, False, id="nothing was to be lost"),
        pytest.param(1, 0, False, id="less is another plan as well"),
        pytest.param(1, 99, True, id="a few"),
        pytest.param(99, 100, False, id="no longer a few"),
        pytest.param(1_204, 9_999, True, id="about as many"),
        pytest.param(1_204, 12_040, False, id="ten times as many"),
    ],
)
def test_the_word_counts_for_about_as_many_rows(shown: int, found: int, *, counts: bool) -> None:
    same = replace(PREVIEW, written=shown).plan_hash == replace(PREVIEW, written=found).plan_hash

    assert same is counts


@pytest.mark.parametrize("way", [WayBack.STAY, WayBack.DELETE_VERSION])
def test_where_the_database_stays_no_row_is_lost_and_none_counts(way: WayBack) -> None:
    stays = replace(PREVIEW, change=SchemaChange(way, "nothing had been migrated"), written=7)

    assert (stays.loses_rows, stays.loses) == (False, 0)
    assert replace(stays, written=7_000).plan_hash == stays.plan_hash


def test_rows_can_be_lost_before_there_are_any() -> None:
    assert PREVIEW.loses_rows
    assert PREVIEW.loses == 0


def test_a_row_that_was_deleted_counts_as_one_that_is_new() -> None:
    lost = replace(PREVIEW, written=60, gone=50)

    assert lost.loses == 110
    assert lost.counted == RowsMoved(60, 50)
    assert lost.plan_hash == replace(PREVIEW, written=110).plan_hash
    assert lost.plan_hash != replace(PREVIEW, written=60).plan_hash


BEGAN, COPIED_AT, ENDED = NOW - timedelta(hours=3), NOW - timedelta(hours=2), NOW


@pytest.mark.parametrize(
    ("facts", "since"),
    [
        pytest.param(
            {COPIED: COPIED_AT.isoformat()}, COPIED_AT, id="the copy, not the update's end"
        ),
        pytest.param({}, BEGAN, id="by an older release: no later than that"),
    ],
)
def test_what_is_lost_was_written_since_the_copy(facts: dict[str, str], since: datetime) -> None:
    kept = {PLAN: encode_plan(UPDATE_PLAN), PHASE: Phase.KEEP, KEPT: Kept.BEFORE}
    job = Job(
        id=BackupId("20261124T100000Z-aaaa"),
        kind=JobKind.UPDATE,
        trigger=Trigger.CLI,
        actor="root",
        started=BEGAN,
        state=JobState.DONE,
        ended=ENDED,
        swept=True,
        plan={**kept, **facts},
    )

    made = last_update([job])

    assert made
    assert made.copied == since
    for other in (
        replace(job, kind=JobKind.ROLLBACK),
        replace(job, swept=False),
        replace(job, state=JobState.RUNNING),
    ):
        assert last_update([other]) is None
        assert last_update([other, job]) == made
