"""Names of backups: UTC time, then four random characters, so that names sort by time."""

import re
from datetime import UTC, datetime
from typing import NewType

BackupId = NewType("BackupId", str)

SUFFIX_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # without l, o, 0 and 1: people read it aloud
SUFFIX_LENGTH = 4

_FORMAT = "%Y%m%dT%H%M%SZ"
_PATTERN = re.compile(rf"\d{{8}}T\d{{6}}Z-[{SUFFIX_ALPHABET}]{{{SUFFIX_LENGTH}}}")


def make_backup_id(now: datetime, suffix: str) -> BackupId:
    """Name a backup that begins at *now* (aware); *suffix* is random, made by the caller."""
    return parse_backup_id(f"{now.astimezone(UTC).strftime(_FORMAT)}-{suffix}")


def parse_backup_id(text: str) -> BackupId:
    """Take *text* as the name of a backup.

    Raises:
        ValueError: it has another form, e.g. a month 13.
    """
    if not _PATTERN.fullmatch(text):
        raise ValueError(f'"{text}" is not a backup id such as 20261123T033000Z-k3f9')
    backup_id = BackupId(text)
    created_at(backup_id)
    return backup_id


def created_at(backup_id: BackupId) -> datetime:
    """The moment that the name tells, aware, in UTC."""
    date, time = backup_id[:8], backup_id[9:15]  # by hand: strptime takes ten times as long
    return datetime(
        int(date[:4]), int(date[4:6]), int(date[6:]),
        int(time[:2]), int(time[2:4]), int(time[4:]), tzinfo=UTC,
    )  # fmt: skip


def is_backup_id(text: str) -> bool:
    """Whether *text* is the name of a backup."""
    try:
        parse_backup_id(text)
    except ValueError:
        return False
    return True
