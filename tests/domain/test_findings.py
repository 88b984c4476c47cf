import stat
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backup_id import make_backup_id
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.findings import (
    DiskUsage,
    FileStatus,
    Finding,
    Level,
    judge_clock,
    judge_disk,
    judge_secret_file,
    worst,
)
from tests.domain.test_manifest import MANIFEST, summary_of

OWNER, STRANGER, ROOT = 1000, 1001, 0


@pytest.mark.parametrize(
    ("mode", "reader", "readers"),
    [
        pytest.param(0o600, OWNER, None, id="its owner alone"),
        pytest.param(0o644, OWNER, "everybody on this host", id="everybody"),
        pytest.param(0o604, OWNER, "everybody on this host", id="all but its group"),
        pytest.param(0o640, OWNER, "its group", id="its group, which the owner does not need"),
        pytest.param(0o640, ROOT, "its group", id="its group, which root does not need"),
        pytest.param(0o640, STRANGER, None, id="its group, by which alone it is read"),
        pytest.param(0o622, OWNER, None, id="others may write, not read"),
    ],
)
def test_who_else_can_read_a_secret(mode: int, reader: int, readers: str | None) -> None:
    status = FileStatus(stat.S_IFREG | mode, OWNER, reader)

    finding = judge_secret_file("AKBOT_STATE", "/state/key", status)

    assert (finding and finding.message) == (readers and f'{readers} can read "/state/key"')
    assert finding is None or finding.level is Level.WARNING


def test_what_is_no_file_is_nobodys_to_read_later() -> None:
    assert judge_secret_file("-i", "/dev/fd/63", FileStatus(stat.S_IFIFO | 0o644, 0, 0)) is None


@pytest.mark.parametrize(
    ("reader", "remedy"),
    [
        (OWNER, "To mend it, run: chmod 600 '/my keys/key'"),
        (
            STRANGER,
            "To mend it, make it the bot's own (chown), then run: chmod 600 '/my keys/key'",
        ),
    ],
)
def test_the_remedy_can_be_copied_and_locks_nobody_out(reader: int, remedy: str) -> None:
    status = FileStatus(stat.S_IFREG | 0o644, OWNER, reader)

    finding = judge_secret_file("AKBOT_STATE", "/my keys/key", status)

    assert finding
    assert finding.remedy == remedy


@pytest.mark.parametrize(
    ("free", "level"),
    [(400_000_000_000, Level.OK), (40_000_000_000, Level.OK), (39_999_999_999, Level.WARNING)],
)
def test_a_disk_has_room_with_a_tenth_of_it_free(free: int, level: Level) -> None:
    finding = judge_disk("disk of /srv", DiskUsage(device=1, free=free, total=400_000_000_000))

    assert (finding.subject, finding.level) == ("disk of /srv", level)
    assert finding.message == f"{free / 1e9:.1f} GB of 400 GB free"
    assert bool(finding.remedy) is (level is Level.WARNING)


@pytest.mark.parametrize(
    ("levels", "level"),
    [
        ([], Level.OK),
        ([Level.OK, Level.WARNING], Level.WARNING),
        ([Level.FAILURE, Level.WARNING, Level.OK], Level.FAILURE),
    ],
)
def test_the_worst_counts(levels: Sequence[Level], level: Level) -> None:
    assert worst(Finding("x", each, "y") for each in levels) is level


NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def backup(later: timedelta, state: BackupState = BackupState.GOOD) -> BackupRecord:
    created = NOW + later
    name = make_backup_id(created, "aaaa")
    summary = summary_of(replace(MANIFEST, id=name, created=created))
    return BackupRecord(name, state, summary=summary)


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("records", "level"),
    [
        pytest.param([], Level.OK, id="no backup"),
        pytest.param([backup(-MINUTE)], Level.OK, id="an earlier one"),
        pytest.param([backup(5 * MINUTE)], Level.OK, id="clocks differ a little"),
        pytest.param([backup(6 * MINUTE)], Level.FAILURE, id="a later one"),
        pytest.param([backup(-MINUTE), backup(6 * MINUTE)], Level.FAILURE, id="one of them"),
        pytest.param(
            [backup(6 * MINUTE, BackupState.NOT_TRUSTED)], Level.OK, id="a stranger's says nothing"
        ),
        pytest.param([replace(backup(6 * MINUTE), summary=None)], Level.OK, id="one without facts"),
    ],
)
def test_the_clock_is_no_earlier_than_the_newest_backup(
    records: Sequence[BackupRecord], level: Level
) -> None:
    finding = judge_clock(NOW, records)

    assert (finding.subject, finding.level) == ("clock", level)
    assert "2026-11-24 12:00" in finding.message
    if level is Level.FAILURE:
        assert "the newest backup is from 2026-11-24 12:06" in finding.message
        assert finding.remedy
