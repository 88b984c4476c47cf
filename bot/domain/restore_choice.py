"""Which backup a restore takes where a person names none, and what is said of a safety backup.

A safety backup holds what somebody was about to replace: it is newer than the good one that was
chosen then, and the last that should serve again unasked. One made before an update is the old
version as it served, and counts like any other.
"""

from collections.abc import Sequence

from bot.domain.catalogue import LATEST, BackupRecord, BackupState, choose, newest_good
from bot.domain.errors import RefusedError
from bot.domain.jobs import Trigger
from bot.domain.manifest import Manifest

_MOST_NAMED = 3
_LONGEST_SOURCE = 60


def newest_to_restore(records: Sequence[BackupRecord]) -> BackupRecord | None:
    """The newest good backup but those of what was replaced; *records* come newest first."""
    return newest_good([each for each in records if not is_safety(each)])


def last_to_go(records: Sequence[BackupRecord]) -> BackupRecord | None:
    """The backup that must outlive all others: what `latest` is, or else a safety backup."""
    return newest_to_restore(records) or newest_good(records)


def choose_to_restore(records: Sequence[BackupRecord], wanted: str) -> BackupRecord:
    """The backup that *wanted* names; by `latest` no safety backup is meant.

    Raises:
        RefusedError: there is none, or several.
    """
    if wanted != LATEST:
        return choose(records, wanted)
    if newest := newest_to_restore(records):
        return newest
    safety = [each.id for each in records if is_safety(each) and each.state is BackupState.GOOD]
    if not safety:
        return choose(records, wanted)
    more = f" and {len(safety) - _MOST_NAMED} more" if len(safety) > _MOST_NAMED else ""
    raise RefusedError(
        "there is no good backup but safety backups, of what a restore or a rollback replaced:"
        f" {', '.join(safety[:_MOST_NAMED])}{more}",
        hint="Name the one that is to serve; what the last restore replaced comes back with"
        ' "akbot restore --undo".',
    )


def is_safety(record: BackupRecord) -> bool:
    """Whether it was made of what was about to be replaced."""
    return record.summary is not None and record.summary.trigger == Trigger.SAFETY


def safety_label(source: str) -> str:
    """What is written on the safety backup of a restore of *source*, for whoever finds it."""
    return f"before the restore of {source[:_LONGEST_SOURCE]}"


def safety_words(manifest: Manifest) -> tuple[str, ...]:
    """What must be known of a safety backup before it is restored; nothing of another one."""
    if manifest.trigger != Trigger.SAFETY:
        return ()
    made = manifest.label or "before a restore or a rollback"
    return (f"it is a safety backup, made {made}: it holds what was replaced then",)
