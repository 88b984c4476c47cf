from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.errors import ConfigError, RefusedError
from bot.domain.jobs import (
    CHANGED,
    Job,
    JobKind,
    JobState,
    Outcome,
    Trigger,
    as_it_stands,
    choose_job,
    describe,
    plan_changed,
    read_jobs_words,
    require_unsettled,
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


def test_a_job_that_nobody_works_on_does_not_run() -> None:
    running = make_job(JobState.RUNNING, swept=False)
    done = make_job(JobState.DONE, swept=True)

    assert as_it_stands(running, somebody_works=True) == running
    assert as_it_stands(done, somebody_works=False) == done
    gone = as_it_stands(running, somebody_works=False)
    assert (gone.state, gone.swept) == (JobState.INTERRUPTED, False)
    assert "the command was stopped in it; what it left is cleaned up" in gone.message
    by_the_bot = as_it_stands(replace(running, trigger=Trigger.SCHEDULE), somebody_works=False)
    assert "the bot was stopped in it" in by_the_bot.message


def test_a_job_is_named_by_its_id_or_the_beginning_of_it() -> None:
    one = make_job(JobState.DONE, swept=True)
    other = replace(one, id=BackupId("20261124T033000Z-k3f9"))

    assert choose_job([one, other], "20261123") == one
    assert choose_job([one, other], str(other.id)) == other
    for wanted, words in [
        ("202611", '"202611" fits 2 jobs'),
        ("k3f9", '"k3f9" is no job'),
        ("", '"" is no job'),
    ]:
        with pytest.raises(RefusedError, match=words) as caught:
            choose_job([one, other], wanted)
        assert "akbot jobs" in caught.value.hint


def test_who_has_to_wait_hears_for_what() -> None:
    job = make_job(JobState.RUNNING, swept=False)

    assert describe(job) == "backup since 03:30 UTC, begun by root"
    assert describe(replace(job, share=0.624)) == "backup since 03:30 UTC, 62%, begun by root"


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
    words = rf'^job "{ID}" is {state} already, and nothing'
    with pytest.raises(RefusedError, match=words) as caught:
        require_unsettled(make_job(state, swept=True))

    assert f'"akbot jobs {ID}"' in caught.value.hint


def test_a_job_as_it_stands_once_its_end_is_written() -> None:
    job = make_job(JobState.RUNNING, swept=False)
    ended = job.started + timedelta(minutes=5)

    assert job.ending(Outcome(JobState.FAILED, "the store is full"), ended) == replace(
        job, state=JobState.FAILED, message="the store is full", swept=True, ended=ended
    )


@pytest.mark.parametrize(
    ("state", "swept", "message", "has_changed"),
    [
        (JobState.FAILED, True, CHANGED, True),
        (JobState.FAILED, True, f"{CHANGED}. Look again.", True),
        (JobState.FAILED, True, "the store is full", False),
        (JobState.FAILED, False, CHANGED, False),
        (JobState.DONE, True, CHANGED, False),
    ],
)
def test_a_job_did_nothing_since_its_plan_had_changed(
    state: JobState, message: str, *, swept: bool, has_changed: bool
) -> None:
    job = replace(make_job(state, swept=swept), message=message)

    assert plan_changed(job) is has_changed
