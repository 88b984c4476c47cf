"""Numbers of things in a sentence."""

import pytest

from bot.domain.plural import count_of


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1001, "1,001 rows")],
)
def test_one_is_no_plural(number: int, expected: str) -> None:
    assert count_of(number, "row") == expected
