"""What the journal remembers of drills, by backup."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.drill import KEYLESS, VERDICT, Verdict
from bot.domain.drilled import Drilled, drilled, has_passed, keyless_was_told, outcome_words
from bot.domain.jobs import DEGRADED, READS, Job, JobKind, JobState, Trigger
from tests.domain.test_drill import REPORT
from tests.telegram_chat.samples import record
from tests.telegram_chat.world import NOW

FIRST, SECOND = record(48).id, record(24).id


def drill(
    hours: float, backup: str, state: JobState = JobState.DONE, verdict: Verdict | None = None
) -> Job:
    return Job(
        id=record(hours).id,
        kind=JobKind.DRILL,
        trigger=Trigger.SCHEDULE,
        actor="akbot",
        started=NOW - timedelta(hours=hours),
        state=state,
        plan={READS: backup} | ({VERDICT: verdict} if verdict else {}),
    )


def test_the_newest_drill_that_has_shown_something_counts() -> None:
    jobs = [
        replace(drill(0.5, FIRST), kind=JobKind.RESTORE),
        drill(1, FIRST, JobState.FAILED, Verdict.COULD_NOT_RUN),
        drill(2, FIRST, JobState.CANCELLED),
        drill(2.5, FIRST, JobState.DONE, Verdict.READ),
        drill(3, FIRST, JobState.FAILED, Verdict.FAIL),
        drill(4, FIRST),
        drill(5, SECOND, JobState.RUNNING),
        drill(6, SECOND),
    ]
    expected = {
        FIRST: Drilled(NOW - timedelta(hours=3), passed=False),
        SECOND: Drilled(NOW - timedelta(hours=6), passed=True),
    }

    assert drilled(jobs) == expected
    assert drilled(reversed(jobs)) == expected


SAID = f"read; {DEGRADED}no key"


def keyless(verdict: Verdict, message: str = "read") -> Job:
    state = JobState.DONE if verdict is Verdict.READ else JobState.FAILED
    job = drill(1, FIRST, state, verdict)
    return replace(job, plan={**job.plan, KEYLESS: "yes"}, message=message)


KEYED = drill(2, FIRST, JobState.DONE, Verdict.PASS)
TOLD, QUIET = keyless(Verdict.READ, SAID), keyless(Verdict.READ)
UNKNOWN = drill(1, FIRST, JobState.INTERRUPTED)


@pytest.mark.parametrize(
    ("jobs", "was_told"),
    [
        pytest.param([], False, id="the first drill"),
        pytest.param([KEYED], False, id="there was a key"),
        pytest.param([TOLD], True, id="the one before has said it"),
        pytest.param([QUIET, QUIET, TOLD, KEYED], True, id="one before that"),
        pytest.param([QUIET], False, id="none that is still known"),
        pytest.param([KEYED, TOLD], False, id="a key has come and gone"),
        pytest.param([keyless(Verdict.FAIL), TOLD], True, id="something was wrong since"),
        pytest.param([keyless(Verdict.FAIL)], False, id="all that was said is what was wrong"),
        pytest.param([keyless(Verdict.COULD_NOT_RUN), TOLD], True, id="somebody asked since"),
        pytest.param([UNKNOWN, TOLD], True, id="one that was cut off says nothing"),
        pytest.param([replace(TOLD, kind=JobKind.BACKUP), KEYED], False, id="another job"),
    ],
)
def test_that_there_is_no_key_is_told_once(jobs: Sequence[Job], *, was_told: bool) -> None:
    assert keyless_was_told(jobs) is was_told


def test_a_backup_that_was_only_read_is_not_proven() -> None:
    assert has_passed(KEYED)
    assert has_passed(drill(1, FIRST)), "of an older akbot"
    assert not has_passed(TOLD)
    assert not has_passed(replace(KEYED, kind=JobKind.BACKUP))
    assert not has_passed(keyless(Verdict.FAIL))


def test_the_words_for_the_journal_say_each_time_what_was_done() -> None:
    read = replace(REPORT, verdict=Verdict.READ)
    done = f"backup {REPORT.backup_id} lies in the store as it was sent, read in 12 s"

    assert outcome_words(read, told=False) == (
        f"{done}; degraded: the private key is not on this host, so it was not restored"
    )
    assert outcome_words(read, told=True) == (
        f"{done}, and was not restored: the private key is not on this host"
    )
    assert outcome_words(REPORT, told=False) == REPORT.words
