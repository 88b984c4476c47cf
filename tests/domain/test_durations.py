"""How long something takes, in words."""

import pytest

from bot.domain.durations import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (8.24, "8.2 s"),
        (9.4, "9.4 s"),
        (10.4, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (190, "3 min 10 s"),
        (3600, "1 h 0 min"),
        (47 * 3600 + 59 * 60, "47 h 59 min"),
        (48 * 3600, "2 days"),
        (56 * 3600 + 120, "2 days 8 h"),
    ],
)
def test_the_two_units_that_say_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words
