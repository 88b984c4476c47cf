"""`akbot resume`, on a host without Docker: it needs none."""

import json
from datetime import UTC, datetime
from pathlib import Path

from bot.domain.pause import PAUSED, Pause, format_pause
from tests.command_line import run

PAUSE = Pause(datetime(2026, 11, 23, tzinfo=UTC), "the old host may still live")


def mark(folder: Path, content: bytes = format_pause(PAUSE)) -> Path:
    (folder / "state").mkdir(mode=0o700)
    path = folder / "state" / PAUSED
    path.write_bytes(content)
    return path


def test_it_removes_the_mark_once(tmp_path: Path) -> None:
    path = mark(tmp_path)

    first, second = run(tmp_path, "resume"), run(tmp_path, "resume", "--json")

    assert (first.returncode, first.stdout) == (0, "Schedules and chat go on.\n"), first.stderr
    assert json.loads(second.stdout) == {"was_paused": False}
    assert not path.exists()


def test_a_damaged_mark_is_removed_too(tmp_path: Path) -> None:
    path = mark(tmp_path, b"nonsense")

    assert run(tmp_path, "resume").returncode == 0
    assert not path.exists()
