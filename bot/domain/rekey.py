"""Which backups are sealed for other keys than today's, and what becomes of each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord, BackupState, choose, require_readable
from bot.domain.errors import RefusedError

ALL = "all"

_WHOLE = (BackupState.GOOD, BackupState.PARTIAL)


class Way(StrEnum):
    """What is done with a backup."""

    RESEAL = "seal anew"
    RETIRE = "delete, since it was sealed anew before"
    LEAVE = "leave"


@dataclass(frozen=True)
class Rekeying:
    """One backup that today's keys do not open alone; *successor* is the one sealed anew, if any.

    *reason* says why it is left.
    """

    record: BackupRecord
    way: Way
    successor: BackupRecord | None = None
    reason: str = ""


def plan_rekey(
    records: Sequence[BackupRecord],
    wanted: str,
    recipients: Collection[str],
    in_use: Collection[str] = (),
) -> tuple[Rekeying, ...]:
    """What to do with the backup that *wanted* names, or with all; the newest first.

    *recipients* are the fingerprints of today's, *in_use* the ids that must not be touched.

    Raises:
        RefusedError: there is no such backup, or it is sealed for today's keys already.
    """
    chosen = list(records)
    if wanted != ALL:
        record = choose(records, wanted)
        summary = require_readable(record)
        if set(summary.recipients) == set(recipients):
            raise RefusedError(
                f'backup "{record.id}" is sealed for today\'s keys already',
                hint='See "akbot backups ID" for whom a backup is sealed.',
            )
        chosen = [record]
    successors = _successors(records, recipients)
    return tuple(
        _decide(each, successors.get(each.id), in_use)
        for each in chosen
        if each.state in _WHOLE and each.summary
        if set(each.summary.recipients) != set(recipients)
    )


def _successors(
    records: Sequence[BackupRecord], recipients: Collection[str]
) -> dict[str, BackupRecord]:
    """Of the backups that were sealed anew for today's keys before: by the earlier one's id."""
    return {
        each.summary.rekeyed_from: each
        for each in records
        if each.state in _WHOLE and each.summary and each.summary.rekeyed_from
        if set(each.summary.recipients) == set(recipients)
    }


def _decide(
    record: BackupRecord, successor: BackupRecord | None, in_use: Collection[str]
) -> Rekeying:
    if record.id in in_use:
        return Rekeying(record, Way.LEAVE, reason="a job that is not settled yet needs it")
    if record.doubtful_pin:
        reason = "it has a pin of somebody who is not trusted here"
        return Rekeying(record, Way.LEAVE, reason=reason)
    if successor is None:
        return Rekeying(record, Way.RESEAL)
    if set(record.stores) & set(successor.stores):
        return Rekeying(record, Way.RETIRE, successor)
    reason = f"it was sealed anew as {successor.id}, which that store lacks yet"
    return Rekeying(record, Way.LEAVE, successor, reason)


def replaced(records: Sequence[BackupRecord]) -> frozenset[BackupId]:
    """The ids of the backups of which there is one that was sealed anew."""
    return frozenset(
        BackupId(each.summary.rekeyed_from)
        for each in records
        if each.state in _WHOLE and each.summary and each.summary.rekeyed_from
    )
