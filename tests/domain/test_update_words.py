"""What is said of an update that was undone."""

import pytest

from bot.domain.schema_change import SchemaChange, WayBack
from bot.domain.update_words import (
    called_off_words,
    joined,
    not_held_words,
    put_back_words,
    stopped_on_the_way,
)
from tests.domain.test_update_recovery import PLAN

SWAPPED = SchemaChange(WayBack.SWAP, "2 migrations had been applied")
STAYED = SchemaChange(WayBack.STAY, "the database had not been touched")


@pytest.mark.parametrize(
    ("change", "written", "aside", "told"),
    [
        pytest.param(STAYED, 3, "", "on the same database, every row intact: ", id="it stayed"),
        pytest.param(None, 0, "", "every row intact: the database had not been", id="no copy"),
        pytest.param(
            SWAPPED, 0, "old", "(2 migrations had been applied), every row intact;", id="swapped"
        ),
        pytest.param(
            SWAPPED,
            3,
            "old",
            "intact that was there then; 3 rows written since are not in it",
            id="rows",
        ),
        pytest.param(
            None,
            0,
            "old",
            "every row intact that was there then; what was written since lies only in what the new"
            ' version left, database "old"',
            id="swapped by an earlier process, which has not said how many rows there were",
        ),
    ],
)
def test_it_says_which_rows_are_there(
    change: SchemaChange | None, written: int, aside: str, told: str
) -> None:
    assert told in put_back_words(PLAN, 1, change, written, aside)


def test_what_stayed_is_told_with_its_reason() -> None:
    only = SchemaChange(WayBack.STAY, "only indexes were added")

    assert put_back_words(PLAN, 1, only, 3, "") == (
        "2025.2.1 serves again on the same database, every row intact: only indexes were added"
    )


def test_a_hop_that_was_called_off_has_touched_nothing() -> None:
    assert called_off_words(PLAN, 2) == "2025.2.4 serves again; the database was not touched"


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
