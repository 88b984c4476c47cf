from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.errors import ConfigError, RefusedError
from bot.domain.jobs import (
    OUTAGE,
    Job,
    JobKind,
    JobState,
    Trigger,
    as_it_stands,
    next_try,
    read_jobs_words,
    require_unsettled,
    slot_is_due,
)

ID = "20261123T033000Z-k3f9"


def make_job(state: JobState, *, swept: bool) -> Job:
    return Job(
        id=BackupId(ID),
        kind=JobKind.BACKUP,
        trigger=Trigger.CLI,
        actor="root",
        started=datetime(2026, 11, 23, 3, 30, tzinfo=UTC),
        state=state,
        swept=swept,
    )


SLOT = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)


def run(state: JobState, minutes: int, *, outage: bool = False) -> Job:
    """A run of SLOT that ended so many minutes after it."""
    moment = SLOT + timedelta(minutes=minutes)
    return replace(
        make_job(state, swept=True),
        slot=SLOT,
        started=moment,
        ended=None if state is JobState.RUNNING else moment,
        plan={OUTAGE: "yes"} if outage else {},
    )


LOST = JobState.INTERRUPTED
FAILED = JobState.FAILED


@pytest.mark.parametrize(
    ("runs", "minutes", "due"),
    [
        ([], 0, True),
        ([run(JobState.RUNNING, 0)], 60, False),
        ([run(JobState.DONE, 1)], 60, False),
        ([run(JobState.CANCELLED, 1)], 60, False),
        ([run(JobState.STUCK, 1)], 60, False),
        ([run(FAILED, 1)], 60, False),
        ([run(LOST, 1)], 1, True),
        ([run(LOST, 1), run(LOST, 2), run(LOST, 3)], 3, True),
        ([run(LOST, 1), run(LOST, 2), run(LOST, 3), run(LOST, 4)], 60, False),
        ([run(LOST, 1), run(JobState.DONE, 2)], 60, False),
        ([run(FAILED, 1, outage=True)], 10, False),
        ([run(FAILED, 1, outage=True)], 11, True),
        ([run(FAILED, 1, outage=True), run(FAILED, 11, outage=True)], 40, False),
        ([run(FAILED, 1, outage=True), run(FAILED, 11, outage=True)], 41, True),
        ([run(FAILED, 1, outage=True), run(FAILED, 11)], 60, False),
        ([run(FAILED, 1, outage=True), run(LOST, 12)], 12, True),
        ([run(FAILED, each, outage=True) for each in (1, 11, 41, 131)], 350, False),
    ],
)
def test_when_a_slot_is_due(runs: list[Job], minutes: int, *, due: bool) -> None:
    now = SLOT + timedelta(minutes=minutes)
    others = [replace(run(JobState.DONE, 0), kind=JobKind.DRILL), make_job(FAILED, swept=True)]

    assert slot_is_due([*others, *reversed(runs)], JobKind.BACKUP, SLOT, now) is due


def test_only_a_planned_run_that_met_an_outage_is_tried_again_by_itself() -> None:
    assert next_try(run(FAILED, 1, outage=True)) == timedelta(minutes=10)
    assert next_try(run(FAILED, 1)) is None
    assert next_try(replace(run(FAILED, 1, outage=True), slot=None)) is None


def test_a_job_that_nobody_works_on_does_not_run() -> None:
    running = make_job(JobState.RUNNING, swept=False)
    done = make_job(JobState.DONE, swept=True)

    assert as_it_stands(running, somebody_works=True) == running
    assert as_it_stands(done, somebody_works=False) == done
    gone = as_it_stands(running, somebody_works=False)
    assert (gone.state, gone.swept) == (JobState.INTERRUPTED, False)
    assert "the command was stopped in it; what it left is cleaned up" in gone.message


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], (False, "")),
        ([ID], (False, ID)),
        (["settle", ID], (True, ID)),
    ],
)
def test_what_is_asked_of_the_journal(words: list[str], asked: tuple[bool, str]) -> None:
    assert read_jobs_words(words) == asked


@pytest.mark.parametrize("words", [["settle"], ["settle", ""], [ID, "settle"], ["settle", ID, ID]])
def test_another_number_of_words_is_told_with_the_forms(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"^jobs") as caught:
        read_jobs_words(words)

    assert '"akbot jobs settle ID"' in caught.value.hint


@pytest.mark.parametrize(
    ("state", "swept"),
    [(JobState.STUCK, False), (JobState.RUNNING, False), (JobState.FAILED, False)],
)
def test_a_job_that_left_something_can_be_settled(state: JobState, *, swept: bool) -> None:
    require_unsettled(make_job(state, swept=swept))


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.INTERRUPTED])
def test_a_job_of_which_nothing_is_left_cannot(state: JobState) -> None:
    with pytest.raises(RefusedError, match=rf'^job "{ID}" is {state} already, and nothing'):
        require_unsettled(make_job(state, swept=True))
