"""A way back that cannot be gone yet is tried often, then seldom, and people hear of it twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.way_back import (
    QUICK_TRIES,
    SLOW_BEAT,
    TRIED,
    TRIES,
    is_slow,
    needs_a_person,
    nobody_may_be_served,
    one_more_try,
    people_hear_again,
    rests,
    tries_of,
)
from tests.fakes_stack import NOW

FAILED = Job(
    id=BackupId("20261123T033000Z-k3f9"),
    kind=JobKind.UPDATE,
    trigger=Trigger.CLI,
    actor="root",
    started=NOW,
    state=JobState.FAILED,
    plan={"phase": "back"},
)


@pytest.mark.parametrize(
    ("job", "away"),
    [
        pytest.param(FAILED, True, id="in the way back"),
        pytest.param(replace(FAILED, state=JobState.INTERRUPTED), True, id="killed in it"),
        pytest.param(replace(FAILED, plan={"phase": "switch"}), True, id="called off"),
        pytest.param(replace(FAILED, plan={"phase": "start"}), True, id="started"),
        pytest.param(replace(FAILED, plan={"phase": "returned"}), False, id="it serves again"),
        pytest.param(replace(FAILED, plan={"phase": "keep"}), False, id="what is new serves"),
        pytest.param(replace(FAILED, plan={"phase": "beside"}), False, id="nothing was begun"),
        pytest.param(replace(FAILED, plan={}), False, id="no plan yet"),
        pytest.param(replace(FAILED, swept=True), False, id="undone"),
        pytest.param(replace(FAILED, state=JobState.ROLLED_BACK), False, id="only left-overs"),
        pytest.param(replace(FAILED, state=JobState.STUCK), False, id="a person's"),
        pytest.param(replace(FAILED, state=JobState.RUNNING), False, id="in hand"),
        pytest.param(replace(FAILED, kind=JobKind.ROLLBACK), True, id="a rollback"),
        pytest.param(replace(FAILED, kind=JobKind.RESTORE), True, id="a restore"),
        pytest.param(replace(FAILED, kind=JobKind.BACKUP), False, id="a backup"),
    ],
)
def test_whether_anybody_is_served(job: Job, *, away: bool) -> None:
    assert nobody_may_be_served(job) is away


def test_after_some_tries_it_has_time_and_people_hear_of_it_once_more() -> None:
    job, now, heard = FAILED, NOW, []
    for number in range(1, QUICK_TRIES + 3):
        assert not rests(job, now)
        job = replace(job, plan={**job.plan, **one_more_try(job, now)})
        heard += [number] * people_hear_again(job)
        assert tries_of(job) == number
        assert is_slow(job) is (number >= QUICK_TRIES)
        now += timedelta(minutes=1)
        if is_slow(job):
            assert rests(job, now)
            now += SLOW_BEAT

    assert heard == [QUICK_TRIES]


@pytest.mark.parametrize(
    ("since", "resting"),
    [
        (timedelta(), True),
        (SLOW_BEAT - timedelta(microseconds=1), True),
        (SLOW_BEAT, False),
        (timedelta(microseconds=-1), False),
    ],
)
def test_the_rest_is_over_after_one_slow_beat(since: timedelta, *, resting: bool) -> None:
    job = replace(FAILED, plan={TRIES: "9", TRIED: NOW.isoformat()})

    assert rests(job, NOW + since) is resting


@pytest.mark.parametrize(
    ("job", "person"),
    [
        pytest.param(FAILED, True, id="failed"),
        pytest.param(replace(FAILED, state=JobState.INTERRUPTED), False, id="cut off, not tried"),
        pytest.param(
            replace(FAILED, state=JobState.INTERRUPTED, plan={"phase": "back", TRIES: "9"}),
            True,
            id="cut off, tried often",
        ),
        pytest.param(replace(FAILED, swept=True), False, id="undone"),
    ],
)
def test_who_is_called_to_help(job: Job, *, person: bool) -> None:
    assert needs_a_person(job) is person


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    tried = (NOW + timedelta(days=1)).isoformat()
    job = replace(FAILED, plan={TRIES: "9", TRIED: tried})

    assert not rests(job, NOW)
