"""What is said of an update that was undone."""

import pytest

from bot.domain.schema_change import SchemaChange, WayBack
from bot.domain.update_words import put_back_words
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
