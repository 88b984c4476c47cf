from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.alarms import (
    Alarm,
    Hindrance,
    Limit,
    Protection,
    judge,
    late_success,
    told_as_alarm,
)
from bot.domain.backup_id import make_backup_id
from bot.domain.jobs import PARTIAL, Job, JobKind, JobState, Trigger
from bot.domain.slots import CATCH_UP

SLOT = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
GOOD = SLOT - timedelta(days=1)
INSTALLED = SLOT - timedelta(days=30)
LIMIT = Limit(timedelta(hours=26))
FAILED, LOST = JobState.FAILED, JobState.INTERRUPTED


def run(
    state: JobState, minutes: float, *, kind: JobKind = JobKind.BACKUP, slot: datetime | None = SLOT
) -> Job:
    """A planned run that began so many minutes after SLOT and took one."""
    began = SLOT + timedelta(minutes=minutes)
    return Job(
        id=make_backup_id(began, "k3f9"),
        kind=kind,
        trigger=Trigger.SCHEDULE,
        actor="schedule",
        slot=slot,
        started=began,
        state=state,
        message=f"the store is away, {minutes:g}",
        ended=None if state is JobState.RUNNING else began + timedelta(minutes=1),
    )


def look(
    *runs: Job,
    after: timedelta,
    good: datetime | None = GOOD,
    limit: Limit | None = LIMIT,
    kind: JobKind = JobKind.BACKUP,
) -> Alarm | None:
    """The alarm so long after SLOT."""
    there = Protection(kind=kind, good=good, since=INSTALLED, jobs=runs[::-1])
    return judge(there, limit, CATCH_UP, SLOT + after)


def opened(alarm: Alarm | None) -> float | None:
    """So many minutes after SLOT."""
    return (alarm.opened - SLOT).total_seconds() / 60 if alarm else None


FOUR = [run(FAILED, each) for each in (0, 6, 22, 68)]


@pytest.mark.parametrize(
    ("runs", "minutes", "minute"),
    [
        pytest.param([], 119, None, id="26 hours are not over"),
        pytest.param([], 120, 120, id="26 hours without one, whatever the cause"),
        pytest.param([run(FAILED, 0)], 1, None, id="it is tried again"),
        pytest.param(FOUR[:3], 60, None, id="and again"),
        pytest.param(FOUR, 69, 69, id="given up after four"),
        pytest.param(FOUR, 3000, 69, id="and that is when it began"),
        pytest.param([run(FAILED, 0), run(LOST, 6)], 90, None, id="a kill is made up for"),
        pytest.param([run(FAILED, 0), run(JobState.CANCELLED, 6)], 90, None, id="cancelled"),
        pytest.param([run(FAILED, 0), run(JobState.RUNNING, 6)], 90, None, id="it runs"),
        pytest.param([run(JobState.STUCK, 0)], 90, None, id="stuck, which is told as a job's"),
        pytest.param([run(FAILED, 0, slot=None)], 90, None, id="one that a person asked for"),
    ],
)
def test_when_an_alarm_begins(runs: list[Job], minutes: float, minute: float | None) -> None:
    assert opened(look(*runs, after=timedelta(minutes=minutes))) == minute


def test_a_slot_that_nobody_tries_again_because_the_bot_was_off_is_given_up() -> None:
    alarm = look(run(FAILED, 0), after=timedelta(hours=6), limit=None)

    assert opened(alarm) == 360
    assert look(run(FAILED, 0), after=timedelta(minutes=359), limit=None) is None


def test_a_slot_whose_next_one_failed_too_is_given_up() -> None:
    hour = SLOT + timedelta(hours=1)
    runs = [run(FAILED, 0), run(FAILED, 6), run(JobState.RUNNING, 60, slot=hour)]
    assert look(*runs, after=timedelta(minutes=62), limit=None) is None

    runs[2] = run(FAILED, 60, slot=hour)
    assert opened(look(*runs, after=timedelta(minutes=62), limit=None)) == 61


def test_a_good_one_ends_it() -> None:
    good = SLOT + timedelta(minutes=80)

    assert look(*FOUR, run(JobState.DONE, 80), after=timedelta(hours=5), good=good) is None


def test_without_any_good_one_the_time_counts_from_the_installation() -> None:
    there = Protection(kind=JobKind.BACKUP, good=None, since=SLOT, jobs=[])

    assert judge(there, LIMIT, CATCH_UP, SLOT + timedelta(hours=25)) is None
    assert judge(there, LIMIT, CATCH_UP, SLOT + timedelta(hours=26))


def test_an_installation_of_times_to_come_began_with_its_first_job_at_the_latest() -> None:
    ahead = Protection(kind=JobKind.BACKUP, good=None, since=SLOT + timedelta(days=400), jobs=FOUR)

    alarm = judge(ahead, LIMIT, CATCH_UP, SLOT + timedelta(days=2))
    assert opened(alarm) == 69
    assert alarm
    assert alarm.baseline == FOUR[0].started
    assert len(alarm.failed) == 4


def test_an_installation_newer_than_the_backups_of_its_store_has_its_time() -> None:
    there = Protection(kind=JobKind.BACKUP, good=GOOD, since=SLOT, jobs=[])

    assert judge(there, LIMIT, CATCH_UP, SLOT + timedelta(hours=25)) is None


@pytest.mark.parametrize(("minutes", "counts"), [(-1, False), (0, True), (90, True)])
def test_what_let_none_begin_is_the_cause_until_there_is_a_good_one(
    minutes: float, *, counts: bool
) -> None:
    hindrance = Hindrance(SLOT, GOOD + timedelta(minutes=minutes), "no key")
    there = Protection(
        kind=JobKind.BACKUP, good=GOOD, since=INSTALLED, jobs=FOUR[::-1], hindrance=hindrance
    )

    alarm = judge(there, LIMIT, CATCH_UP, SLOT + timedelta(hours=3))
    assert alarm
    assert (alarm.hindrance == hindrance) is counts
    assert alarm.words.endswith("2026-11-23 03:30 UTC could not begin: no key") is counts


@pytest.mark.parametrize("days", [1, 100])
def test_no_limit_no_alarm(days: int) -> None:
    assert look(after=timedelta(days=days), limit=None) is None


def took(hours: float, state: JobState = JobState.DONE, **changes: Any) -> Job:
    """The backup of the day before, which was as long in the making."""
    began = run(state, -24 * 60)
    return replace(began, ended=began.started + timedelta(hours=hours), **changes)


@pytest.mark.parametrize(
    ("runs", "hour"),
    [
        pytest.param([took(3)], 5, id="the next one has as long as this took"),
        pytest.param([took(3), run(JobState.RUNNING, 0)], 5, id="whether or not it runs"),
        pytest.param([took(9), took(3)], 5, id="the newest counts"),
        pytest.param([took(3), took(9, JobState.FAILED)], 5, id="of those that are good"),
        pytest.param([took(3), took(0.1, plan={PARTIAL: "yes"})], 5, id="and whole"),
        pytest.param([took(3, kind=JobKind.DRILL)], 2, id="a drill is no backup"),
        pytest.param([], 2, id="nobody knows how long it took"),
    ],
)
def test_no_alarm_while_the_next_backup_takes_as_long_as_the_one_before(
    runs: list[Job], hour: int
) -> None:
    limit = Limit(LIMIT.time, plus_work=True)

    assert look(*runs, after=timedelta(hours=hour, seconds=-1), limit=limit) is None
    assert opened(look(*runs, after=timedelta(hours=hour), limit=limit)) == hour * 60


FIRST = run(JobState.RUNNING, 0)


@pytest.mark.parametrize(
    ("runs", "hour"),
    [
        pytest.param([FIRST], 28, id="it has the 26 hours once more"),
        pytest.param([took(9, JobState.FAILED), FIRST], 28, id="nobody knows by one that failed"),
        pytest.param([run(JobState.CANCELLED, 0)], 2, id="it runs no more"),
        pytest.param([run(JobState.RUNNING, 0, kind=JobKind.DRILL)], 2, id="a drill is no backup"),
        pytest.param([run(JobState.RUNNING, 120)], 2, id="begun when there was an alarm"),
    ],
)
def test_no_alarm_while_the_first_backup_is_made_but_not_for_ever(
    runs: list[Job], hour: int
) -> None:
    limit = Limit(LIMIT.time, plus_work=True)

    assert look(*runs, after=timedelta(hours=hour, seconds=-1), limit=limit) is None
    assert opened(look(*runs, after=timedelta(hours=hour), limit=limit)) == hour * 60


def test_a_limit_that_a_person_set_is_exact() -> None:
    assert opened(look(took(3), after=timedelta(hours=2))) == 120
    assert opened(look(FIRST, after=timedelta(hours=2))) == 120


def test_reminders_come_less_and_less_often() -> None:
    told: list[float] = []
    following: list[datetime] = []
    number = -1
    for hour in range(2, 24 * 30):
        alarm = look(after=timedelta(hours=hour))
        assert alarm
        if alarm.number != number:
            assert alarm.number == number + 1
            told.append(hour - 2)
            following.append(alarm.next)
            number = alarm.number
        assert alarm.next > SLOT + timedelta(hours=hour)

    assert told == [0, 6, 24, 72, 72 + 168, 72 + 2 * 168, 72 + 3 * 168]
    assert following[:-1] == [SLOT + timedelta(hours=2 + hours) for hours in told[1:]]


def test_an_alarm_has_the_newest_cause_and_stays_the_same_one() -> None:
    early = look(*FOUR, after=timedelta(minutes=70))
    again = [replace(each, slot=SLOT + timedelta(days=1)) for each in [run(FAILED, 1440)]]
    late = look(*FOUR, *again, after=timedelta(minutes=1500))

    assert early
    assert late
    assert early.failed[0].message == "the store is away, 68"
    assert late.failed[0].message == "the store is away, 1440"
    assert (early.baseline, early.opened) == (late.baseline, late.opened)


def test_a_drill_that_failed_is_no_alarm_until_there_was_none_for_long() -> None:
    failed = run(FAILED, 0, kind=JobKind.DRILL)
    week = Limit(timedelta(days=8))

    assert look(failed, after=timedelta(days=6), limit=week, kind=JobKind.DRILL) is None
    alarm = look(failed, after=timedelta(days=8), limit=week, kind=JobKind.DRILL)
    assert alarm
    assert alarm.failed == (failed,)
    assert alarm.words.startswith("there is no drill that passed since ")
    assert alarm.words.endswith(f" UTC: {failed.message}")
    assert replace(alarm, failed=(), good=None).words == "there is no drill that passed yet"
    assert "no good backup" in replace(alarm, kind=JobKind.BACKUP).words


def test_success_after_failures_is_news_and_success_alone_is_none() -> None:
    done = run(JobState.DONE, 22)
    now = SLOT + timedelta(minutes=30)

    success = late_success([done, *FOUR[1::-1]], now)

    assert success
    assert success.job == done
    assert success.failed == tuple(FOUR[:2])
    after_three = late_success([run(JobState.DONE, 30), *FOUR[2::-1]], now)
    assert after_three
    assert after_three.words.endswith(f" after 3 that failed: {FOUR[2].message}")
    assert late_success([done], now) is None
    assert late_success([FOUR[2], *FOUR[1::-1]], now) is None
    assert late_success([done, run(LOST, 0)], now) is None
    assert late_success([done, *FOUR[1::-1]], now + timedelta(days=4)) is None
    assert late_success([], now) is None
    assert late_success([run(JobState.DONE, 22, kind=JobKind.DRILL)], now) is None
    by_hand = run(JobState.DONE, 25, slot=None)
    assert late_success([by_hand, done, *FOUR[1::-1]], now) == success
    assert success.words == (
        f"the planned backup {done.id} is good after 2 that failed: {FOUR[1].message}"
    )


@pytest.mark.parametrize(
    ("job", "alarms"),
    [
        (run(FAILED, 0), True),
        (run(LOST, 0), True),
        (run(FAILED, 0, slot=None), False),
        (run(FAILED, 0, kind=JobKind.DRILL), False),
        (run(JobState.STUCK, 0), False),
        (run(JobState.DONE, 0), False),
    ],
)
def test_what_the_alarms_tell_of(job: Job, *, alarms: bool) -> None:
    assert told_as_alarm(job) is alarms
