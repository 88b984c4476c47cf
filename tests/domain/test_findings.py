import stat

import pytest

from bot.domain.findings import FileStatus, Level, judge_secret_file

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
