"""When people are woken because what protects them is missing, how often, and how that ends.

A planned backup that fails is tried again first. An alarm opens once a slot is given up, or where
there was no good backup (no drill that passed) for too long, whatever the cause: the bot may have
been off. While it lasts it is told again, ever less often; what its failures cost in the meantime
is not told one by one. Nothing is remembered: an alarm follows from what is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.backup_id import created_at
from bot.domain.jobs import PARTIAL, Job, JobKind, JobState
from bot.domain.slots import came_to_nothing, given_up, runs_of

_REMINDED_AFTER = (timedelta(hours=6), timedelta(days=1), timedelta(days=3))
_THEN_EVERY = timedelta(days=7)
_NOT_DONE = frozenset({JobState.FAILED, JobState.INTERRUPTED})
_LATE_NEWS = timedelta(days=3)
_CLOCKS_DIFFER = timedelta(minutes=5)  # those of hosts that share a store


@dataclass(frozen=True)
class Hindrance:
    """Why the work that was planned for *slot* could not begin when that was tried last, at *at*.

    There is no job of it.
    """

    slot: datetime
    at: datetime
    why: str


@dataclass(frozen=True, kw_only=True)
class Protection:
    """What there is: *good* is when the newest one was made that counts, None for none yet.

    *since* is when this installation began, *jobs* are all that the journal has, newest first.
    *hindrance* is of the newest planned one, None where that has begun or nobody knows.
    """

    kind: JobKind
    good: datetime | None
    since: datetime
    jobs: Sequence[Job]
    hindrance: Hindrance | None = None

    @property
    def baseline(self) -> datetime:
        """From when on the time without counts; it names the alarm."""
        return max(self.good, self.since) if self.good else self.since

    def as_of(self, now: datetime) -> "Protection":
        """With a beginning that has been; one to come was noted while the clock was ahead."""
        if self.since <= now:
            return self
        return replace(self, since=min([self.since, *(job.started for job in self.jobs)]))

    def is_being_made(self, *, begun_before: datetime) -> bool:
        """Whether the next one is in the making, and was begun so early."""
        return any(
            job.kind is self.kind and job.state is JobState.RUNNING and job.started < begun_before
            for job in self.jobs
        )


@dataclass(frozen=True)
class Limit:
    """How long there may be no newer one; with *plus_work* as long again as the newest one took.

    The time counts from when one was begun, and the next one is not there before its end. How long
    the first one takes nobody knows: while it is made it has the whole *time* once more.
    """

    time: timedelta
    plus_work: bool = False

    def after(self, newest: Job | None, there: Protection) -> timedelta:
        """After how long from the baseline of what is *there* one is alarmed.

        By *newest* one knows how long the next one takes.
        """
        if not self.plus_work:
            return self.time
        if newest and newest.ended:
            return self.time + (newest.ended - newest.started)
        is_made = there.is_being_made(begun_before=there.baseline + self.time)
        return 2 * self.time if is_made else self.time


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """It is the *number*-th time that this one is told, from 0; *next* is when it is told again.

    *failed* are the planned runs since the last good one, newest first; there may be none.
    *hindrance* is of one that was planned after them.
    """

    kind: JobKind
    good: datetime | None
    baseline: datetime
    opened: datetime
    number: int
    next: datetime
    failed: tuple[Job, ...] = ()
    hindrance: Hindrance | None = None

    @property
    def words(self) -> str:
        """In a sentence."""
        since = f"since {self.good:%Y-%m-%d %H:%M} UTC" if self.good else "yet"
        what = "good backup" if self.kind is JobKind.BACKUP else "drill that passed"
        return f"there is no {what} {since}{self._cause}"

    @property
    def _cause(self) -> str:
        if self.hindrance:
            slot = f"{self.hindrance.slot:%Y-%m-%d %H:%M} UTC"
            return f": the one planned for {slot} could not begin: {self.hindrance.why}"
        return f": {self.failed[0].message}" if self.failed else ""


def latest_known(now: datetime) -> datetime:
    """What is named by a later moment was made while a clock was ahead, and nobody knows when.

    It protects, but for alarms it does not count: until then it would keep silent whatever fails.
    """
    return now + _CLOCKS_DIFFER


def judge(
    there: Protection, limit: Limit | None, catch_up: timedelta, now: datetime
) -> Alarm | None:
    """The alarm that is to be told by *now*, None while all is well.

    *limit* is how long there may be none, None for any time; *catch_up* how long a slot is tried.
    """
    there = there.as_of(now)
    failed = tuple(
        job
        for job in there.jobs
        if job.kind is there.kind
        and job.slot is not None
        and came_to_nothing(job)
        and job.started >= there.baseline
    )
    moments = []
    if limit:
        moments.append(there.baseline + limit.after(newest_whole(there.jobs, there.kind), there))
    if there.kind is JobKind.BACKUP:
        moments += _given_up(there.jobs, failed, catch_up)
    if not moments or (opened := min(moments)) > now:
        return None
    number, following = _count(now - opened)
    return Alarm(
        kind=there.kind,
        good=there.good,
        baseline=there.baseline,
        opened=opened,
        number=number,
        next=opened + following,
        failed=failed,
        hindrance=_unless_older(there.hindrance, there.baseline),
    )


def _unless_older(hindrance: Hindrance | None, baseline: datetime) -> Hindrance | None:
    return hindrance if hindrance and hindrance.at >= baseline else None


def _given_up(jobs: Sequence[Job], failed: Sequence[Job], catch_up: timedelta) -> list[datetime]:
    """When each slot is given up that had a run, and none that is good; one is enough."""
    slots = {job.slot for job in failed if job.slot}
    # that of a stuck one is told as a job's
    told = {
        slot for slot in slots if runs_of(jobs, JobKind.BACKUP, slot)[-1].state is JobState.STUCK
    }
    moments = [given_up(jobs, JobKind.BACKUP, slot, catch_up) for slot in slots - told]
    return [each for each in moments if each]


def _count(passed: timedelta) -> tuple[int, timedelta]:
    """How often it was time to tell before, and after how long in all it is the next time."""
    for number, after in enumerate(_REMINDED_AFTER):
        if passed < after:
            return number, after
    weeks = (passed - _REMINDED_AFTER[-1]) // _THEN_EVERY
    return len(_REMINDED_AFTER) + weeks, _REMINDED_AFTER[-1] + (weeks + 1) * _THEN_EVERY


@dataclass(frozen=True)
class LateSuccess:
    """A planned backup that is good, after runs that failed."""

    job: Job
    failed: tuple[Job, ...]

    def is_after(self, baseline: datetime) -> bool:
        """Whether an alarm of that *baseline* is over since it, at the latest."""
        return baseline < created_at(self.job.id)

    @property
    def words(self) -> str:
        """In a sentence."""
        return (
            f"the planned backup {self.job.id} is good after {len(self.failed)} that failed:"
            f" {self.failed[-1].message}"
        )


def late_success(jobs: Sequence[Job], now: datetime) -> LateSuccess | None:
    """The newest planned backup, where it is good after others of its slot failed."""
    newest = next((job for job in jobs if job.kind is JobKind.BACKUP and job.slot), None)
    if newest is None or newest.slot is None or newest.state is not JobState.DONE:
        return None
    failed = [
        job
        for job in runs_of(jobs, JobKind.BACKUP, newest.slot)
        if job.state is JobState.FAILED and job.started < newest.started
    ]
    is_news = now - (newest.ended or newest.started) < _LATE_NEWS
    return LateSuccess(newest, tuple(failed)) if failed and is_news else None


def newest_whole(jobs: Sequence[Job], kind: JobKind) -> Job | None:
    """The newest of *jobs*, newest first, that ended well and counts as protection."""
    done = (job for job in jobs if job.kind is kind and job.state is JobState.DONE)
    return next((job for job in done if PARTIAL not in job.plan), None)


def told_as_alarm(job: Job) -> bool:
    """Whether a failure of *job* is told by the alarms, once it is given up, and not by itself."""
    return job.kind is JobKind.BACKUP and job.slot is not None and job.state in _NOT_DONE
