"""What the journal remembers of drills, by backup."""

from datetime import timedelta

from bot.domain.drill import VERDICT, Verdict
from bot.domain.drilled import Drilled, drilled
from bot.domain.jobs import READS, Job, JobKind, JobState, Trigger
from tests.telegram_chat.samples import record
from tests.telegram_chat.world import NOW

FIRST, SECOND = record(48).id, record(24).id


def drill(
    hours: int, backup: str, state: JobState = JobState.DONE, verdict: Verdict | None = None
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
        drill(1, FIRST, JobState.FAILED, Verdict.COULD_NOT_RUN),
        drill(2, FIRST, JobState.CANCELLED),
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
