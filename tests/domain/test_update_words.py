"""What is said of an update that was undone."""

from datetime import datetime, timedelta, timezone

import pytest

from bot.domain.schema_change import RowsMoved, SchemaChange, WayBack
from bot.domain.update_words import (
    away_words,
    called_off_words,
    joined,
    not_held_words,
    put_back_words,
    stopped_on_the_way,
)
from tests.domain.test_update_recovery import PLAN

SWAPPED = SchemaChange(WayBack.SWAP, "2 migrations had been applied")
STAYED = SchemaChange(WayBack.STAY, "the database had not been touched")


NONE, SOME, MORE = RowsMoved(), RowsMoved(3, 1), RowsMoved(3, 0)
COPIED = datetime(2026, 11, 24, 11, 30, tzinfo=timezone(timedelta(hours=1)))
UNTIL = COPIED + timedelta(hours=24)


@pytest.mark.parametrize(
    ("change", "moved", "copied", "told"),
    [
        pytest.param(
            SWAPPED, NONE, None,
            "as it was before (2 migrations had been applied), every row intact that was there"
            " then; what was written, changed or deleted since is not in it: ",
            id="a change of a row that was there is not counted, and lost all the same",
        ),
        pytest.param(
            SWAPPED, SOME, None,
            "since (counted: 3 rows more and 1 fewer; rows that were changed are in no count) is"
            " not in it: ",
            id="rows",
        ),
        pytest.param(
            SWAPPED, SOME, COPIED, "deleted since 2026-11-24 10:30 UTC (counted: 3 rows",
            id="taken back after a day",
        ),
        pytest.param(
            None, NONE, None, "as it was before, every row intact that was there then; what was"
            ' written, changed or deleted since is not in it: what the new version left is kept as'
            ' database "old" until 2026-11-25 10:30 UTC at least',
            id="swapped by an earlier process, which has not said how many rows there were",
        ),
    ],
)  # fmt: skip
def test_it_says_what_is_lost_where_the_database_was_swapped(
    change: SchemaChange | None, moved: RowsMoved, copied: datetime | None, told: str
) -> None:
    assert told in put_back_words(PLAN, 1, change, moved, "old", until=UNTIL, copied=copied)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(STAYED, "on the same database, every row intact: ", id="it stayed"),
        pytest.param(None, "every row intact: the database had not been", id="no copy"),
    ],
)
def test_nothing_is_lost_where_the_database_stays(change: SchemaChange | None, told: str) -> None:
    assert told in put_back_words(PLAN, 1, change, MORE, "", until=UNTIL, copied=COPIED)


def test_rows_that_are_gone_although_nothing_was_migrated_are_told() -> None:
    told = put_back_words(PLAN, 2, STAYED, SOME, "", until=UNTIL)

    assert "3 rows more and 1 fewer than when the update began" in told
    assert (
        f'As it was then it is kept as database "{PLAN.snapshot(2)}" until 2026-11-25 10:30 UTC at'
        ' least; "A row that was deleted" in RUNBOOK.md brings back what is missing'
    ) in told
    assert "intact" not in told


def test_what_stayed_is_told_with_its_reason() -> None:
    only = SchemaChange(WayBack.STAY, "only indexes were added")

    assert put_back_words(PLAN, 1, only, MORE, "", until=UNTIL) == (
        "2025.2.1 serves again on the same database, every row intact: only indexes were added"
    )


def test_a_hop_that_was_called_off_has_touched_nothing() -> None:
    assert called_off_words(PLAN, 2) == "2025.2.4 serves again; the database was not touched"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        pytest.param(972.4, "; nobody could log in for up to 16 min 12 s", id="known"),
        pytest.param(None, "", id="nobody knows"),
        pytest.param(0, "", id="it never went"),
    ],
)
def test_for_how_long_nobody_could_log_in(seconds: float | None, told: str) -> None:
    assert away_words(seconds) == told


def test_where_the_version_before_does_not_hold_either() -> None:
    told = "2025.2.1 serves again on the same database; nothing else serves again"

    assert not_held_words(told, "no worker") == (
        "2025.2.1 was started again on the same database; nothing else serves again;"
        ' but it does not hold: no worker. See "Half-done renames" in RUNBOOK.md'
    )


def test_a_stop_on_the_way_says_how_to_go_on() -> None:
    assert stopped_on_the_way(PLAN, 2) == (
        '2025.2.4 serves: 1 of 2 steps were made, and "akbot update 2025.4.4" goes on from there'
    )


@pytest.mark.parametrize(
    ("words", "told", "both"),
    [
        ("it failed", "the old one serves", "it failed. The old one serves"),
        ("it failed.", "the old one serves", "it failed. The old one serves"),
        ("it failed; the old one serves", "the old one serves", "it failed; the old one serves"),
        ("it failed", "", "it failed"),
    ],
)
def test_nothing_is_said_twice(words: str, told: str, both: str) -> None:
    assert joined(words, told) == both
