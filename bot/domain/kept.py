"""When what a restore or an update has kept, for the way back, may go."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.jobs import TAKE_SERVER_AWAY, Job, JobState, Trigger
from bot.domain.restore import KEPT

KEPT_FOR = timedelta(hours=24)


def keeps_something(job: Job) -> bool:
    """Whether a restore, an update or a rollback has ended and still keeps what served before."""
    settled = job.swept and job.state is not JobState.RUNNING
    return job.kind in TAKE_SERVER_AWAY and settled and bool(job.plan.get(KEPT))


def may_go(
    job: Job, records: Sequence[BackupRecord], now: datetime, kept_for: timedelta = KEPT_FOR
) -> bool:
    """Once a newer backup is good, so that what serves now is safe, *and* its time has passed.

    A safety backup is of the state before, and does not count.
    """
    ended = job.ended or job.started
    return now - ended >= kept_for and any(_is_newer(record, ended) for record in records)


def _is_newer(record: BackupRecord, ended: datetime) -> bool:
    summary = record.summary
    return (
        record.state is BackupState.GOOD
        and summary is not None
        and summary.trigger != Trigger.SAFETY
        and record.created > ended
    )
