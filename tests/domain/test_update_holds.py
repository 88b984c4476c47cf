"""What holds an update back, and until when."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.jobs import JobKind, JobState
from bot.domain.update_holds import (
    BadVersion,
    Candidate,
    FirstSeen,
    Hold,
    HoldKind,
    Remembered,
    find_holds,
)
from bot.domain.versions import Version
from tests.contracts.state_places import a_job

NOW = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
DAY = timedelta(days=1)
MINIMUM = 3 * DAY
FIRST, SECOND = Version(2025, 2, 4), Version(2025, 4, 4)
BAD = BadVersion("2025.4.4", "sha256:b", NOW - 2 * DAY, "it was never ready")
STUCK = replace(a_job(), kind=JobKind.RESTORE, state=JobState.STUCK, message="killed 3 times")


def way(*ages: float) -> list[Candidate]:
    return [
        Candidate(version, f"sha256:{letter}", NOW - age * DAY)
        for version, letter, age in zip((FIRST, SECOND), "ab", ages, strict=False)
    ]


def holds(candidates: Sequence[Candidate], known: Remembered | None = None) -> tuple[Hold, ...]:
    return find_holds(candidates, known or Remembered(), MINIMUM, NOW)


@pytest.mark.parametrize(
    ("ages", "until"),
    [
        pytest.param([], [], id="nothing newer"),
        pytest.param([10, 3], [], id="old enough, to the second"),
        pytest.param([10, 1], [2], id="the last is too fresh"),
        pytest.param([2, 1], [2], id="both are: the longer time counts"),
        pytest.param([10, -5], [8], id="seen in the future, by a clock that was wrong"),
    ],
)
def test_a_version_must_be_known_for_a_while(ages: list[float], until: list[float]) -> None:
    found = holds(way(*ages))

    assert [each.kind for each in found] == [HoldKind.TOO_FRESH] * len(until)
    assert [each.until for each in found] == [NOW + days * DAY for days in until]
    assert all("AKBOT_UPDATE_MINIMUM_AGE" in each.remedy for each in found)


def test_without_a_minimum_no_clock_holds_a_version_back() -> None:
    seen_in_a_moment = way(-0.001)
    assert find_holds(seen_in_a_moment, Remembered(), timedelta(), NOW) == ()


def test_a_security_release_waits_for_nobody() -> None:
    assert holds(way(0, 0), Remembered(security=[SECOND])) == ()
    assert holds(way(0, 0), Remembered(security=[FIRST])) == ()
    assert holds(way(0, 0), Remembered(security=[Version(2026, 2, 2)]))


@pytest.mark.parametrize(
    ("bad", "held"),
    [
        pytest.param(BAD, True, id="this image"),
        pytest.param(replace(BAD, digest="sha256:c"), False, id="another under the same tag"),
        pytest.param(replace(BAD, tag="2025.4.3"), False, id="another tag"),
    ],
)
def test_what_failed_here_is_not_tried_again(bad: BadVersion, *, held: bool) -> None:
    found = holds(way(9, 9), Remembered([bad], security=[SECOND]))

    assert bool(found) == held
    if held:
        assert found[0].words == "2025.4.4 failed here on 2026-11-21: it was never ready"
        assert (found[0].kind, found[0].until) == (HoldKind.FAILED_HERE, None)
        assert found[0].remedy == (
            "Wait for the next patch; this one is not offered by itself again."
        )


def test_after_a_job_that_was_given_up_a_person_must_look_first() -> None:
    (found,) = holds(way(9, 9), Remembered(stuck=[STUCK]))

    assert found.kind is HoldKind.UNSETTLED
    assert f"the restore {STUCK.id} was given up" in found.words
    assert f'"akbot jobs settle {STUCK.id}"' in found.remedy
    (alone,) = holds([], Remembered(stuck=[STUCK]))
    assert alone == found


def test_what_a_person_must_do_stands_before_what_time_mends() -> None:
    found = holds(way(1, 9), Remembered([BAD], [STUCK]))

    assert [each.kind for each in found] == [
        *(HoldKind.UNSETTLED, HoldKind.FAILED_HERE, HoldKind.TOO_FRESH)
    ]


@pytest.mark.parametrize(
    ("seen", "made", "since"),
    [
        pytest.param(
            FirstSeen(NOW, at_first_look=True), NOW - 9 * DAY, NOW - 9 * DAY, id="old at first look"
        ),
        pytest.param(FirstSeen(NOW, at_first_look=True), None, NOW, id="no date"),
        pytest.param(FirstSeen(NOW, at_first_look=True), NOW + DAY, NOW, id="a date in the future"),
        pytest.param(FirstSeen(NOW), NOW - 9 * DAY, NOW, id="came later: any date may be written"),
    ],
)
def test_from_when_an_age_counts(seen: FirstSeen, made: datetime | None, since: datetime) -> None:
    assert seen.since(made) == since
