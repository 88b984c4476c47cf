"""What a person's word for a rollback is bound to."""

from dataclasses import replace

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.rollback import RollbackPreview
from bot.domain.schema_change import SchemaChange, WayBack
from tests.fakes_stack import NOW

PREVIEW = RollbackPreview(
    update=BackupId("20261124T100000Z-aaaa"),
    version_now="2025.4.4",
    version_then="2025.2.1",
    since=NOW,
    change=SchemaChange(WayBack.SWAP, "12 migrations had been applied"),
    written=0,
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
