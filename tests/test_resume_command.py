"""`akbot resume`, on a host without Docker: it needs none."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.pause import PAUSED, RESTORED, Pause, format_pause
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


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_one_beside_its_settings_counts_whatever_was_planned(tmp_path: Path, where: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "akbot.env").touch(mode=0o600)
    (project / RESTORED).write_bytes(format_pause(PAUSE))
    settings = ["--env-file", str(project / "akbot.env")] if where == "elsewhere" else []
    folder = tmp_path if where == "elsewhere" else project

    planned = run(folder, *settings, "pause", "2h")
    shown = json.loads(run(folder, *settings, "schedule", "--json").stdout)["paused"]
    resumed = run(folder, *settings, "resume")

    assert (planned.returncode, "all is paused already" in planned.stderr) == (3, True)
    assert (shown["reason"], shown["until"]) == (PAUSE.reason, None)
    assert (resumed.returncode, resumed.stdout) == (0, "Schedules and chat go on.\n")
    assert not (project / RESTORED).exists()
    assert json.loads(run(folder, *settings, "schedule", "--json").stdout)["paused"] is None


@pytest.mark.parametrize("order", ["schedule", "resume"])
def test_one_that_cannot_be_had_is_named(tmp_path: Path, order: str) -> None:
    (tmp_path / RESTORED).mkdir()

    ended = run(tmp_path, order)

    assert (ended.returncode, f'"{RESTORED}": Is a directory' in ended.stderr) == (1, True)
    assert "remove that file" in ended.stderr


def test_a_damaged_mark_is_removed_too(tmp_path: Path) -> None:
    path = mark(tmp_path, b"nonsense")

    assert run(tmp_path, "resume").returncode == 0
    assert not path.exists()
