"""Whoever began a job that failed hears what became of it, and what to do about it."""

from dataclasses import replace

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.errors import PortError, RollbackFailedError, UpdateFailedError
from bot.domain.job_failure import notes_on, reason_of, told_instead
from bot.domain.jobs import Job, JobKind, JobState, Outcome, Trigger
from tests.fakes_stack import NOW

UPDATE = Job(
    id=BackupId("20261123T033000Z-k3f9"),
    kind=JobKind.UPDATE,
    trigger=Trigger.CLI,
    actor="root",
    started=NOW,
    plan={"phase": "start"},
)
BEGUN = replace(UPDATE, plan={"phase": "beside"})
ROLLBACK = replace(UPDATE, kind=JobKind.ROLLBACK)
RESTORE = replace(UPDATE, kind=JobKind.RESTORE)
BACKUP = replace(UPDATE, kind=JobKind.BACKUP, plan={})

LOST = PortError("the disk is full")
UNHELD = UpdateFailedError("2025.12.1 did not hold: no login", ["proof"])

DONE = Outcome(JobState.DONE, "complete")
UNDONE = Outcome(JobState.FAILED, "the disk is full; 2025.10.1 serves again")
FAILED = Outcome(JobState.FAILED, "the disk is full")
LEFT = Outcome(JobState.FAILED, "the disk is full (not yet cleaned up: Docker)", swept=False)
ROLLED_BACK = Outcome(JobState.ROLLED_BACK, "2025.10.1 serves again")
STUCK = Outcome(JobState.STUCK, "a person must look", swept=False)

TRIED = Outcome(JobState.STUCK, f'3 times now; see "akbot jobs settle {UPDATE.id}"', swept=False)
MEND = f'Once the stack is as you want it, run "akbot jobs settle {UPDATE.id}".'

LEFT_NOTE = (
    "What it left is in the journal, and is cleaned up as soon as store and Docker answer:"
    " the disk is full (not yet cleaned up: Docker)."
)
ON_THE_WAY = (
    'It may be that nobody can log in yet: "akbot status" says what serves. The bot goes on with'
    " the way back by itself; a restart of it tries at once, so does a command that begins a job."
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(LOST, "the disk is full", id="one of ours"),
        pytest.param(
            PortError("the disk is full", hint="Make room."),
            "the disk is full. Make room.",
            id="with its hint",
        ),
        pytest.param(
            KeyError("x"),
            "an error of akbot itself, KeyError; its log has more",
            id="one that nobody foresaw",
        ),
    ],
)
def test_the_reason_is_a_sentence_of_the_journal(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


@pytest.mark.parametrize(
    ("job", "outcome", "notes"),
    [
        pytest.param(
            BACKUP,
            DONE,
            ["The backup 20261123T033000Z-k3f9 itself had been completed before."],
            id="it was whole",
        ),
        pytest.param(UPDATE, UNDONE, ["2025.10.1 serves again"], id="undone"),
        pytest.param(RESTORE, UNDONE, ["2025.10.1 serves again"], id="a restore, undone"),
        pytest.param(UPDATE, FAILED, [], id="nothing had to be undone"),
        pytest.param(BACKUP, UNDONE, [], id="one that took no server away"),
        pytest.param(BACKUP, LEFT, [LEFT_NOTE], id="something is left"),
        pytest.param(BEGUN, LEFT, [LEFT_NOTE], id="something is left, and all is served"),
        pytest.param(UPDATE, LEFT, [LEFT_NOTE, ON_THE_WAY], id="nobody may be served"),
        pytest.param(RESTORE, LEFT, [LEFT_NOTE, ON_THE_WAY], id="nor by a restore"),
    ],
)
def test_what_became_of_it_is_said_beside_the_reason(
    job: Job, outcome: Outcome, notes: list[str]
) -> None:
    assert [*notes_on(job, outcome, "the disk is full")] == notes


def test_a_reason_that_had_a_password_in_it_is_not_said_again() -> None:
    error = PortError("dump postgres://u:secretpw@h/x: refused")
    outcome = Outcome(JobState.FAILED, str(error))

    assert not [*notes_on(UPDATE, outcome, reason_of(error))]


@pytest.mark.parametrize(
    ("job", "outcome", "error"),
    [
        pytest.param(BACKUP, FAILED, LOST, id="a backup"),
        pytest.param(UPDATE, FAILED, LOST, id="nothing was begun, or all was undone"),
        pytest.param(BEGUN, LEFT, LOST, id="only left-overs"),
        pytest.param(RESTORE, LEFT, LOST, id="a restore, whose notes say it"),
        pytest.param(RESTORE, STUCK, LOST, id="a restore that a person must look at"),
    ],
)
def test_an_error_that_says_it_all_stays(job: Job, outcome: Outcome, error: Exception) -> None:
    assert told_instead(job, outcome, error) is None


@pytest.mark.parametrize(
    ("outcome", "error", "proof"),
    [
        pytest.param(ROLLED_BACK, UNHELD, ("proof",), id="a version that did not hold"),
        pytest.param(ROLLED_BACK, LOST, (), id="another error"),
    ],
)
def test_who_began_an_update_hears_that_it_was_rolled_back(
    outcome: Outcome, error: Exception, proof: tuple[str, ...]
) -> None:
    told = told_instead(UPDATE, outcome, error)

    assert isinstance(told, UpdateFailedError)
    assert str(told) == "2025.10.1 serves again"
    assert told.proof == proof


@pytest.mark.parametrize(
    ("job", "outcome", "error", "hint"),
    [
        pytest.param(UPDATE, STUCK, LOST, MEND, id="a person's"),
        pytest.param(UPDATE, STUCK, UNHELD, MEND, id="a person's, after a gate"),
        pytest.param(ROLLBACK, STUCK, LOST, MEND, id="a rollback of a person's"),
        pytest.param(UPDATE, TRIED, LOST, "", id="a person's, whose message says it"),
        pytest.param(UPDATE, LEFT, LOST, ON_THE_WAY, id="nobody may be served"),
        pytest.param(ROLLBACK, LEFT, LOST, ON_THE_WAY, id="nor by a rollback"),
        pytest.param(BEGUN, FAILED, UNHELD, ON_THE_WAY, id="not held, and not put back"),
    ],
)
def test_who_began_it_hears_that_the_way_back_failed(
    job: Job, outcome: Outcome, error: Exception, hint: str
) -> None:
    told = told_instead(job, outcome, error)

    assert isinstance(told, RollbackFailedError)
    assert str(told) == outcome.message
    assert told.hint == hint
