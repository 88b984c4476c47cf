"""When what a restore or an update has kept, for the way back, may go."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.elapsed import elapsed
from bot.domain.jobs import TAKE_SERVER_AWAY, Job, JobKind, JobState, Trigger
from bot.domain.restore import KEPT, KEPT_SINCE, Kept
from bot.domain.update import plan_of, promoted

KEPT_FOR = timedelta(hours=24)


def keeps_something(job: Job) -> bool:
    """Whether a restore, an update or a rollback has ended and still keeps what served before."""
    settled = job.swept and job.state is not JobState.RUNNING
    return job.kind in TAKE_SERVER_AWAY and settled and bool(job.plan.get(KEPT))


def may_go(
    job: Job,
    jobs: Sequence[Job],
    records: Sequence[BackupRecord],
    now: datetime,
    kept_for: timedelta = KEPT_FOR,
) -> bool:
    """Once a newer backup is good, so that what serves now is safe, *and* its time has passed.

    A safety backup is of the state before, and does not count. *jobs* are all of the journal, the
    newest first: no job was before one that the journal had already, whatever the clock said, and
    one that jumped makes nothing old.
    """
    earlier = [each.started for each in jobs[jobs.index(job) + 1 :] if each.started <= now]
    set_aside = [datetime.fromisoformat(job.plan[KEPT_SINCE])] if KEPT_SINCE in job.plan else []
    since = max([job.ended or job.started, *set_aside, *earlier])
    seen = [*(each.started for each in jobs), *(each.created for each in records if each.summary)]
    has_passed = elapsed(since, now, seen) >= kept_for
    return has_passed and any(_is_newer(record, since, now) for record in records)


def images_gone_back_to(jobs: Iterable[Job]) -> frozenset[str]:
    """The ids of the images that updates among *jobs* may yet go back to.

    One that waits for a person may be taken back as well.
    """
    plans = [plan_of(job.plan) for job in jobs if _has_way_back(job)]
    return frozenset(
        plan.image_id_before(number)
        for plan in plans
        if plan
        for number in range(1, len(plan.hops) + 1)
    )


def images_left_by(job: Job) -> frozenset[str]:
    """The ids of the images that *job* is done with once what it has kept goes.

    Those from before each hop, and those of hops that did not hold or were taken back.
    """
    plan = plan_of(job.plan)
    if plan is None:
        return frozenset()
    serving = promoted(job.plan) if job.kind is JobKind.UPDATE else 0
    numbers = range(1, len(plan.hops) + 1)
    return frozenset(
        {
            *(plan.image_id_before(number) for number in numbers),
            *(plan.hop(number).image_id for number in numbers if number > serving),
        }
    )


def _has_way_back(job: Job) -> bool:
    return not job.swept or job.plan.get(KEPT) == Kept.BEFORE


def _is_newer(record: BackupRecord, since: datetime, now: datetime) -> bool:
    summary = record.summary
    return (
        record.state is BackupState.GOOD
        and summary is not None
        and summary.trigger != Trigger.SAFETY
        and since < record.created <= now
    )
