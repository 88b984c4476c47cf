"""When restarts by the Engine itself are a loop, and when that is over."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.restart_loop import Restarts

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def seen(*looks: tuple[float, int, bool]) -> Restarts:
    """After looks at a moment, with the Engine's count and whether it served."""
    restarts = Restarts()
    for seconds, count, serves in looks:
        restarts = restarts.after(count, at(seconds), serves=serves)
    return restarts


@pytest.mark.parametrize(
    ("looks", "began"),
    [
        pytest.param(
            [(0, 57, True)], None, id="nobody knows when those before the first look were"
        ),
        pytest.param([(0, 0, True), (60, 1, True), (90, 2, True)], None, id="two are no loop"),
        pytest.param([(0, 0, True), (60, 1, True), (90, 2, True), (95, 3, False)], 60, id="three"),
        pytest.param([(0, 4, True), (60, 7, True)], 60, id="three between two looks"),
        pytest.param(
            [(0, 0, True), (60, 1, True), (900, 2, True), (1860, 3, True)], 60, id="within a while"
        ),
        pytest.param(
            [(0, 0, True), (60, 1, True), (900, 2, True), (1861, 3, True)], None, id="too seldom"
        ),
        pytest.param(
            [(0, 0, True), (60, 1, True), (900, 2, True), (1861, 3, True), (1900, 4, True)],
            900,
            id="the newest three count",
        ),
        pytest.param(
            [(0, 0, True), (9, 2, True), (20, 0, True), (30, 1, True)],
            None,
            id="whoever starts it by hand begins anew",
        ),
        pytest.param(
            [(0, 0, True), (9, 3, True), (20, 0, True)], None, id="or puts an end to a loop"
        ),
        pytest.param(
            [(900, 0, True), (990, 2, True), (60, 3, True)], None, id="the clock was set back"
        ),
    ],
)
def test_what_is_a_loop(looks: list[tuple[float, int, bool]], began: float | None) -> None:
    assert seen(*looks).began == (None if began is None else at(began))


QUICK = [(0.0, 0, True), (1.0, 1, False), (2.0, 2, False), (4.0, 3, False)]
SLOW = [(0.0, 0, True), (60.0, 1, True), (360.0, 2, True), (600.0, 3, True)]


@pytest.mark.parametrize(
    ("looks", "serves_from", "over_at"),
    [
        pytest.param(QUICK, 10.0, 40.0, id="it must serve for half a minute"),
        pytest.param(SLOW, 600.0, 1200.0, id="or for twice as long as between two ends"),
        pytest.param([*QUICK, (10.0, 3, True), (20.0, 3, False)], 25.0, 55.0, id="without a break"),
    ],
)
def test_a_loop_is_over_once_it_has_stayed_up(
    looks: list[tuple[float, int, bool]], serves_from: float, over_at: float
) -> None:
    restarts = seen(*looks, (serves_from, looks[-1][1], True))

    assert not restarts.has_stayed(at(over_at - 1))
    assert restarts.after(looks[-1][1], at(over_at - 1), serves=True).began
    assert restarts.has_stayed(at(over_at))
    over = restarts.after(looks[-1][1], at(over_at), serves=True)
    assert (over.began, over.serves) == (None, at(serves_from))


def test_what_was_a_loop_and_is_ill_later_is_no_loop_again() -> None:
    restarts = seen(*QUICK, (10, 3, True), (50, 3, True), (3600, 3, False))

    assert restarts.began is None
    assert not restarts.has_stayed(at(9999))


def test_one_that_was_told_before_a_restart_of_the_bot_lasts_until_it_stays_up() -> None:
    restarts = Restarts.known(at(0), at(20)).after(57, at(100), serves=True)

    assert restarts.began == at(0)
    assert restarts.after(57, at(139), serves=True).began
    assert restarts.after(57, at(140), serves=True).began is None


def test_one_that_is_told_late_lasts_as_well() -> None:
    """As after a mute of hours."""
    assert Restarts.known(at(0), at(36000)).began == at(36000 - 1800)


def test_restarts_after_a_loop_that_is_over_are_counted_from_its_end() -> None:
    assert seen(*QUICK, (10.0, 3, True), (40.0, 3, True), (50.0, 6, False)).began == at(50)
