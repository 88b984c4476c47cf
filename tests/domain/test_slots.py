from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.jobs import OUTAGE, Job, JobKind, JobState, Trigger
from bot.domain.slots import (
    CATCH_UP,
    SlotState,
    given_up,
    judge_look,
    judge_slot,
    next_try,
    share_of_delay,
    slot_is_due,
)

SLOT = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
LOST = JobState.INTERRUPTED
FAILED = JobState.FAILED
DUE, WAITS, OVER = SlotState


def run(
    state: JobState, minutes: int, *, kind: JobKind = JobKind.BACKUP, outage: bool = False
) -> Job:
    """A run of SLOT that ended so many minutes after it."""
    moment = SLOT + timedelta(minutes=minutes)
    return Job(
        id=BackupId("20261123T033000Z-k3f9"),
        kind=kind,
        trigger=Trigger.SCHEDULE,
        actor="schedule",
        slot=SLOT,
        started=moment,
        state=state,
        ended=None if state is JobState.RUNNING else moment,
        plan={OUTAGE: "yes"} if outage else {},
    )


@pytest.mark.parametrize(
    ("runs", "minutes", "state"),
    [
        ([], 0, DUE),
        ([run(JobState.RUNNING, 0)], 60, WAITS),
        ([run(JobState.DONE, 1)], 60, OVER),
        ([run(JobState.CANCELLED, 1)], 60, OVER),
        ([run(JobState.STUCK, 1)], 60, OVER),
        ([run(LOST, 1)], 1, DUE),
        ([run(LOST, 1), run(LOST, 2), run(LOST, 3)], 3, DUE),
        ([run(LOST, 1), run(LOST, 2), run(LOST, 3), run(LOST, 4)], 60, OVER),
        ([run(LOST, 1), run(JobState.DONE, 2)], 60, OVER),
        ([run(FAILED, 1)], 5, WAITS),
        ([run(FAILED, 1)], 6, DUE),
        ([run(FAILED, 10)], 1, DUE),  # the clock was set back
        ([run(FAILED, 1), run(FAILED, 6)], 20, WAITS),
        ([run(FAILED, 1), run(FAILED, 6)], 21, DUE),
        ([run(FAILED, 1), run(LOST, 7)], 7, DUE),
        ([run(FAILED, each) for each in (1, 6, 21)], 65, WAITS),
        ([run(FAILED, each) for each in (1, 6, 21)], 66, DUE),
        ([run(FAILED, each) for each in (1, 6, 21, 66)], 350, OVER),
    ],
)
def test_what_a_slot_needs(runs: list[Job], minutes: int, state: SlotState) -> None:
    now = SLOT + timedelta(minutes=minutes)
    others = [
        run(JobState.DONE, 0, kind=JobKind.DRILL),
        replace(run(FAILED, 0), slot=None),
    ]

    assert judge_slot([*others, *reversed(runs)], JobKind.BACKUP, SLOT, now) is state


@pytest.mark.parametrize(("outage", "state"), [(True, DUE), (False, OVER)])
def test_a_drill_that_failed_is_a_verdict_unless_it_met_an_outage(
    *, outage: bool, state: SlotState
) -> None:
    runs = [run(FAILED, 1, kind=JobKind.DRILL, outage=outage)]

    assert judge_slot(runs, JobKind.DRILL, SLOT, SLOT + timedelta(hours=1)) is state


STUCK = JobState.STUCK
FOUR = [run(FAILED, each) for each in (1, 6, 21, 66)]


@pytest.mark.parametrize(
    ("runs", "following", "minute"),
    [
        pytest.param([], [], None, id="nothing was begun"),
        pytest.param([run(FAILED, 1)], [], 360, id="only if nobody tries it again"),
        pytest.param([run(LOST, 1)], [], 360, id="nor after a kill"),
        pytest.param([run(FAILED, 1), run(FAILED, 370)], [], 370, id="the last one ends late"),
        pytest.param(FOUR[:3], [], 360, id="one try is left"),
        pytest.param(FOUR, [], 66, id="the tries are over"),
        pytest.param([run(STUCK, 1)], [], 1, id="a person must look at it"),
        pytest.param([run(FAILED, 1), run(JobState.RUNNING, 6)], [], None, id="it is tried"),
        pytest.param([run(FAILED, 1), run(JobState.DONE, 6)], [], None, id="it is good"),
        pytest.param([run(FAILED, 1), run(JobState.CANCELLED, 6)], [], None, id="cancelled"),
        pytest.param([run(FAILED, 1)], [run(JobState.RUNNING, 60)], 360, id="the next is tried"),
        pytest.param([run(FAILED, 1)], [run(FAILED, 60), run(FAILED, 65)], 60, id="and fails, too"),
        pytest.param([run(FAILED, 1)], [run(STUCK, 60)], 60, id="or is stuck"),
    ],
)
def test_when_a_slot_is_given_up(runs: list[Job], following: list[Job], minute: int | None) -> None:
    later = [replace(each, slot=SLOT + timedelta(hours=1)) for each in following]
    others = [run(FAILED, 2, kind=JobKind.DRILL), replace(run(FAILED, 2), slot=None)]
    moment = given_up([*others, *later, *runs], JobKind.BACKUP, SLOT, CATCH_UP)

    assert moment == (None if minute is None else SLOT + timedelta(minutes=minute))


def test_a_drill_that_failed_is_given_up_at_once_unless_it_met_an_outage() -> None:
    verdict, outage = (run(FAILED, 1, kind=JobKind.DRILL, outage=each) for each in (False, True))

    assert given_up([verdict], JobKind.DRILL, SLOT, CATCH_UP) == SLOT + timedelta(minutes=1)
    assert given_up([outage], JobKind.DRILL, SLOT, CATCH_UP) == SLOT + CATCH_UP


@pytest.mark.parametrize(
    ("failures", "minutes", "state"),
    [
        ([], 0, DUE),
        ([1], 5, WAITS),
        ([1], 6, DUE),
        ([10], 1, DUE),  # the clock was set back
        ([1, 6], 20, WAITS),
        ([1, 6], 21, DUE),
        ([1, 6, 21], 65, WAITS),
        ([1, 6, 21], 66, DUE),
        ([1, 6, 21, 66], 350, OVER),
        ([354], 354, WAITS),
        ([355], 355, OVER),  # when it would be tried again it is too late
        ([1, 6, 315], 316, OVER),
    ],
)
def test_what_becomes_of_a_look(failures: list[int], minutes: int, state: SlotState) -> None:
    failed = [SLOT + timedelta(minutes=each) for each in failures]
    now = SLOT + timedelta(minutes=minutes)

    assert judge_look(failed, SLOT + timedelta(hours=6), now) is state


def test_what_is_due_is_begun_now() -> None:
    for minutes, is_due in [(5, False), (6, True)]:
        now = SLOT + timedelta(minutes=minutes)
        assert slot_is_due([run(FAILED, 1)], JobKind.BACKUP, SLOT, now) is is_due


def test_only_planned_work_is_tried_again_by_itself() -> None:
    assert next_try(run(FAILED, 1)) == timedelta(minutes=5)
    assert next_try(replace(run(FAILED, 1), slot=None)) is None
    assert next_try(run(FAILED, 1, kind=JobKind.DRILL)) is None
    assert next_try(run(FAILED, 1, kind=JobKind.DRILL, outage=True)) == timedelta(minutes=5)


def test_a_delay_is_spread_over_its_whole_length_and_stays_what_it_was() -> None:
    nights = [SLOT + timedelta(days=each) for each in range(1000)]
    shares = [share_of_delay(slot, SLOT) for slot in nights]

    assert shares == [share_of_delay(slot, SLOT) for slot in nights]
    assert shares != [share_of_delay(slot, SLOT + timedelta(seconds=1)) for slot in nights]
    assert 0 <= min(shares) < 0.01
    assert 0.99 < max(shares) < 1
    assert 0.45 < sum(shares) / len(shares) < 0.55
