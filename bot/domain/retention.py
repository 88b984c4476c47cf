"""Which backups have outlived their use, and why every other one stays.

Grandfather, father, son: the newest backup of each of the last days, weeks and months *that have
one*, on the calendar of the policy's time zone. However the policy is set, these stay: the newest
good ones (its floor), the newest without a warning, the one that a restore takes unasked, what is
pinned, what is in use, what this host does not trust, and what is damaged, which is a person's to
look at.

The clock alone deletes nothing; backups tell the time. Parts of a backup that never was go once
the newest good one is a day younger, and what is kept for 90 days (backups made before a restore or
an update, partial ones) once the third newest good one is that much younger. Half a year in which
no backup was made counts for nothing in that. So a clock that jumps to 2030 makes nothing old,
however many backups are made by it: time passes from one of them to the next. Where the clock lies
before the newest backup, nothing goes at all.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

from bot.domain.backup_id import BackupId, created_at
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.elapsed import elapsed
from bot.domain.jobs import Trigger
from bot.domain.restore_choice import last_to_go

KEPT_ASIDE = timedelta(days=90)
KEPT_PARTS = timedelta(days=1)
_WITNESSES = 3  # good backups that must agree that the time has passed
_MOST_UNATTENDED = 10
_NEVER_TOO_MANY = 3
_JUMPED = "kept: by the dates of the backups since, a clock has jumped"
_ASIDE: Mapping[str, str] = {
    Trigger.SAFETY: "safety backup made before a restore",
    Trigger.UPDATE: "backup made before an update",
}


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How many backups stay: *last* whatever their age, and one for each period that has any.

    All periods 0: every backup stays. Raises ValueError when *last* is below 1.
    """

    last: int = 3
    daily: int = 7
    weekly: int = 4
    monthly: int = 12
    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        if self.last < 1:
            raise ValueError("a policy keeps at least one backup")

    @property
    def keeps_everything(self) -> bool:
        """Whether no backup is ever deleted."""
        return not (self.daily or self.weekly or self.monthly)


@dataclass(frozen=True)
class Verdict:
    """What becomes of one backup, or of the parts of one, and in words why."""

    record: BackupRecord
    keep: bool
    reason: str


@dataclass(frozen=True)
class RetentionPlan:
    """What becomes of everything, newest first.

    *uploads* names the backups of which unfinished uploads are discarded. *stopped* says why
    nothing is deleted at all, "" where something may be.
    """

    verdicts: tuple[Verdict, ...]
    uploads: tuple[BackupId, ...] = ()
    stopped: str = ""

    @property
    def doomed(self) -> tuple[Verdict, ...]:
        """What is to be deleted, oldest first."""
        return tuple(verdict for verdict in reversed(self.verdicts) if not verdict.keep)

    @property
    def too_much_unattended(self) -> str:
        """Why a person must look at this plan first, "" where it may be carried out at night.

        A setting that was changed, a first run after years or a mistake of ours is noticed then.
        """
        good = [each for each in self.verdicts if each.record.state is BackupState.GOOD]
        doomed = sum(not verdict.keep for verdict in good)
        most = max(_NEVER_TOO_MANY, min(_MOST_UNATTENDED, len(good) // 2))
        if doomed <= most:
            return ""
        return f"{doomed} of {len(good)} good backups would go at once, unattended {most} may"


@dataclass(frozen=True)
class _Rung:
    """A calendar period: *stands* has, for each one that counts, the backup that stands for it."""

    period: str
    limit: int
    name: Callable[[date], str]
    stands: Mapping[str, BackupRecord] = field(default_factory=dict)


def plan_retention(
    records: Sequence[BackupRecord],
    policy: Policy,
    now: datetime,
    in_use: Mapping[str, str] | None = None,
    uploads: Collection[BackupId] = (),
) -> RetentionPlan:
    """Decide about everything that lies in the store.

    *in_use* says of the ids that must not be touched why; *uploads* names the backups of which
    unfinished uploads were found.
    """
    ordered = sorted(records, key=lambda each: (each.created, each.id), reverse=True)
    good = [each for each in ordered if each.state is BackupState.GOOD]
    stopped = _why_nothing(ordered, now)
    dates = [each.created for each in ordered if each.summary]
    judge = _Judge(policy, good, dates, in_use or {})
    verdicts = [
        Verdict(each, keep=True, reason="nothing is deleted now") if stopped else judge.of(each)
        for each in ordered
    ]
    swept = [each for each in sorted(uploads) if not stopped and judge.upload_is_left(each)]
    return RetentionPlan(tuple(verdicts), tuple(swept), stopped)


def _why_nothing(ordered: Sequence[BackupRecord], now: datetime) -> str:
    """What is unsigned or a stranger's cannot tell the time."""
    newest = next((each for each in ordered if each.summary), None)
    if newest is None or newest.created <= now:
        return ""
    return (
        f"the clock says {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, but the backup {newest.id} is"
        f" from {newest.created.astimezone(UTC):%Y-%m-%d %H:%M}"
    )


class _Judge:
    """Knows the good backups, newest first, and which rungs of the policy each of them holds.

    *dates* are those of all that somebody who is trusted has made.
    """

    def __init__(
        self,
        policy: Policy,
        good: Sequence[BackupRecord],
        dates: Sequence[datetime],
        in_use: Mapping[str, str],
    ) -> None:
        self._policy = policy
        self._good = good
        self._dates = dates
        self._in_use = in_use
        self._rungs = [_filled(rung, good, policy.zone) for rung in _rungs(policy)]
        self._floor = _floor(good, policy.last)

    def of(self, record: BackupRecord) -> Verdict:
        """The verdict on *record*."""
        if reason := self._why_untouchable(record):
            return Verdict(record, keep=True, reason=reason)
        if record.summary is None:
            return self._of_parts(record)
        if self._policy.keeps_everything:
            return Verdict(record, keep=True, reason="the settings keep every backup")
        reasons = self._rules_for(record) if record.state is BackupState.GOOD else []
        aside = _aside(record)
        if aside and not self._is_over(record.created, KEPT_ASIDE, _WITNESSES):
            reasons.append(self._why_aside(record, aside))
        if reasons:
            return Verdict(record, keep=True, reason="; ".join(reasons))
        reason = f"{aside}, older than {KEPT_ASIDE.days} days" if aside else self._successor(record)
        return Verdict(record, keep=False, reason=reason)

    def upload_is_left(self, backup_id: BackupId) -> bool:
        """Whether nobody is sending that upload any more."""
        if backup_id in self._in_use:
            return False
        return self._is_over(created_at(backup_id), KEPT_PARTS)

    def _why_untouchable(self, record: BackupRecord) -> str:
        if record.id in self._in_use:
            return self._in_use[record.id]
        if record.pinned:
            return "pinned"
        if record.doubtful_pin:
            return "pinned by somebody who is not trusted here"
        if record.state is BackupState.NOT_TRUSTED:
            return f"not trusted, so never deleted: {record.reason}"
        is_half = record.state is BackupState.INCOMPLETE and record.summary
        if is_half or record.state is BackupState.DAMAGED:
            return f"damaged, left for you to look at: {record.reason}"
        return ""

    def _of_parts(self, record: BackupRecord) -> Verdict:
        """A set without a manifest: it is being made somewhere, or never will be a backup."""
        if not self._is_over(record.created, KEPT_PARTS):
            young = "less than a day older than the newest good one"
            late = self._is_late(record.created + KEPT_PARTS)
            reason = f"parts of a backup, {_JUMPED if late else young}"
            return Verdict(record, keep=True, reason=reason)
        return Verdict(record, keep=False, reason="parts of a backup that was never finished")

    def _rules_for(self, record: BackupRecord) -> list[str]:
        reasons = [self._floor[record.id]] if record.id in self._floor else []
        for rung in self._rungs:
            name = self._name(rung, record)
            if rung.stands.get(name) is record:
                reasons.append(f"newest of its {rung.period} ({name})")
        return reasons

    def _successor(self, record: BackupRecord) -> str:
        """Which backup makes *record* needless."""
        for rung in self._rungs:
            if stands := rung.stands.get(self._name(rung, record)):
                return f"{stands.id} stands for its {rung.period}"
        limits = ", ".join(f"{rung.limit} {rung.period}s" for rung in self._rungs if rung.limit)
        return f"older than the newest {limits} that have a backup"

    def _name(self, rung: _Rung, record: BackupRecord) -> str:
        return rung.name(record.created.astimezone(self._policy.zone).date())

    def _end_of(self, record: BackupRecord) -> date:
        return (record.created + KEPT_ASIDE).astimezone(self._policy.zone).date()

    def _why_aside(self, record: BackupRecord, aside: str) -> str:
        if self._is_late(record.created + KEPT_ASIDE, _WITNESSES):
            return f"{aside}, {_JUMPED}"
        return f"{aside}, kept until {self._end_of(record)} or later"

    def _is_over(self, start: datetime, kept: timedelta, witnesses: int = 1) -> bool:
        """Whether so many good backups were made when *kept* had passed since *start*."""
        if not self._is_late(start + kept, witnesses):
            return False
        return elapsed(start, self._good[witnesses - 1].created, self._dates) >= kept

    def _is_late(self, end: datetime, witnesses: int = 1) -> bool:
        """Whether so many good backups were made since *end*, by their dates."""
        return len(self._good) >= witnesses and self._good[witnesses - 1].created >= end


def _floor(good: Sequence[BackupRecord], last: int) -> dict[BackupId, str]:
    """What stays whatever its age; safety backups take nobody's place in it."""
    words = "the newest" if last == 1 else f"one of the {last} newest"
    ordinary = [each for each in good if not _aside(each)]
    floor = {each.id: words for each in [*good[:last], *ordinary[:last]]}
    sound = next((each for each in good if each.summary and not each.summary.warnings), None)
    if sound:
        floor.setdefault(sound.id, "the newest without a warning")
    if latest := last_to_go(good):
        floor.setdefault(latest.id, "the newest that a restore takes unasked")
    return floor


def _aside(record: BackupRecord) -> str:
    """What it is, if it is kept for a time and not by the calendar."""
    if record.state is BackupState.PARTIAL:
        return "partial backup"
    return _ASIDE.get(record.summary.trigger, "") if record.summary else ""


def _rungs(policy: Policy) -> tuple[_Rung, ...]:
    return (
        _Rung("day", policy.daily, lambda day: f"{day:%Y-%m-%d}"),
        _Rung("week", policy.weekly, lambda day: f"{day:%G-W%V}"),
        _Rung("month", policy.monthly, lambda day: f"{day:%Y-%m}"),
    )


def _filled(rung: _Rung, good: Sequence[BackupRecord], zone: tzinfo) -> _Rung:
    """The newest periods that have a backup; one kept aside stands only where no other does."""
    stands: dict[str, BackupRecord] = {}
    for record in sorted(good, key=lambda each: bool(_aside(each))):  # stable: newest first
        stands.setdefault(rung.name(record.created.astimezone(zone).date()), record)
    counted = sorted(stands, reverse=True)[: rung.limit]
    return _Rung(rung.period, rung.limit, rung.name, {name: stands[name] for name in counted})
