"""Several stores: what lies where, taken together, and what is copied from one to another."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.rekey import replaced
from bot.domain.retention import Policy, plan_retention

_RANK = {
    BackupState.GOOD: 0,
    BackupState.PARTIAL: 1,
    BackupState.DAMAGED: 2,
    BackupState.INCOMPLETE: 3,
    BackupState.NOT_TRUSTED: 4,
}
AGAIN_AFTER_A_FAILURE = timedelta(hours=12)
_WHOLE = (BackupState.GOOD, BackupState.PARTIAL)


@dataclass(frozen=True)
class Copy:
    """A backup that *target* lacks; *sources* have it, the first is asked first."""

    record: BackupRecord
    sources: tuple[str, ...]
    target: str


def merge_records(
    found: Mapping[str, Sequence[BackupRecord]], silent: Collection[str] = ()
) -> list[BackupRecord]:
    """Every backup once, newest first, as it is in the first store that has it best.

    *found* has each store's backups in the order of the settings, *silent* the stores that did not
    answer.
    """
    sets: dict[BackupId, dict[str, BackupRecord]] = {}
    for store, records in found.items():
        for record in records:
            sets.setdefault(record.id, {})[store] = record
    return [_merged(sets[name], found, silent) for name in sorted(sets, reverse=True)]


def _merged(
    copies: Mapping[str, BackupRecord],
    found: Collection[str],
    silent: Collection[str],
) -> BackupRecord:
    if len(copies) == len(found) == 1 and not silent:  # nearly always, and there may be thousands
        return replace(next(iter(copies.values())), stores=tuple(copies))
    best = min(copies.values(), key=lambda each: _RANK[each.state])
    alike = [
        name
        for name, each in copies.items()
        if (each.state, each.summary) == (best.state, best.summary)
    ]
    others = [
        f'in store "{name}" it is {each.state}{each.reason and f": {each.reason}"}'
        for name, each in copies.items()
        if name not in alike
    ]
    return replace(
        best,
        reason="; ".join([*([best.reason] if best.reason else []), *others]),
        pinned=any(each.pinned for each in copies.values()),
        doubtful_pin=any(each.doubtful_pin for each in copies.values()),
        stores=tuple(alike),
        lacking=(
            *(name for name in found if name not in alike),
            *(f"{name} (does not answer)" for name in silent),
        ),
        damaged_in=tuple(
            name
            for name, each in copies.items()
            if each.state is BackupState.DAMAGED and name not in alike
        ),
    )


def plan_copies(
    found: Mapping[str, Sequence[BackupRecord]], policies: Mapping[str, Policy], now: datetime
) -> tuple[Copy, ...]:
    """What each store in *found* lacks and, by its own policy, would keep; the newest first.

    What is damaged or a stranger's under the same name stays as it is, for a person to look at; so
    does everything where the clock cannot be right.
    """
    merged = [each for each in merge_records(found) if each.state in _WHOLE]
    gone = replaced(merged)  # what was sealed anew does not come back
    copies: list[Copy] = []
    for target, own in found.items():
        occupied = {each.id for each in own if not _is_only_parts(each)} | gone
        missing = {each.id: each for each in merged if each.id not in occupied}
        both = [*missing.values(), *(each for each in own if each.id not in missing)]
        plan = plan_retention(both, policies[target], now)
        copies += [
            Copy(missing[each.record.id], each.record.stores, target)
            for each in plan.verdicts
            if each.keep and each.record.id in missing and not plan.stopped
        ]
    return tuple(sorted(copies, key=lambda each: each.record.id, reverse=True))


def may_copy(jobs: Sequence[Job], now: datetime) -> bool:
    """Whether a copy may begin by itself: not soon after one that failed or was cancelled."""
    newest = next((job for job in jobs if job.kind is JobKind.COPY), None)
    if newest is None or newest.state is JobState.DONE:
        return True
    return now - (newest.ended or newest.started) >= AGAIN_AFTER_A_FAILURE


def _is_only_parts(record: BackupRecord) -> bool:
    return record.state is BackupState.INCOMPLETE and record.summary is None
