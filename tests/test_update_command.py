"""`akbot update` at the command line: what is no version, and what is no setting."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.entrypoints.render_roll import NOT_COUNTED, rollback_lines
from tests.command_line import run
from tests.domain.test_rollback import PREVIEW
from tests.fakes_stack import NOW


@pytest.mark.parametrize(
    "arguments", [["--check", "--why"], ["--check", "a", "b"], ["--yes", "--dry-run"]]
)
def test_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    ended = run(tmp_path, "update", *arguments)

    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: akbot ")


@pytest.mark.parametrize(
    "target",
    [
        *("latest", "2025.4", "2025.4.0-rc1", "2025.4.4; reboot", "$(id)", "\x1b[2J"),
        *("2025." * 2048, "", " ", "2025.4.4 ", "2025.4.4 2025.6.4"),
    ],
)
def test_what_is_no_version_is_one_line_before_anything_is_asked(
    tmp_path: Path, target: str
) -> None:
    ended = run(tmp_path, "update", "--check", target)

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert len(ended.stderr) < 250
    assert ended.stderr.endswith("Name a release, such as 2025.4.4.\n")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("form", [["--preflight"], ["--why"], ["--dry-run"], ["--yes"], []])
def test_an_empty_word_is_not_the_newest_version(tmp_path: Path, form: list[str]) -> None:
    ended = run(tmp_path, "update", *form, "")

    assert ended.returncode == 2
    assert ended.stderr.startswith('akbot: "" names no version;')


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("AKBOT_REGISTRY_ENDPOINT", "mirror.test", "a URL such as https://mirror.example.org"),
        ("AKBOT_REGISTRY_ENDPOINT", "https://anna:pw@mirror.test", "a URL such as"),
        ("AKBOT_REGISTRY_ENDPOINT", "https://mirror.test/path", "a URL such as"),
        ("AKBOT_RELEASE_FEED", "http://mirror.test/version.json", "an https:// URL, or off"),
        ("AKBOT_RELEASE_FEED", "none", "an https:// URL, or off"),
        ("AKBOT_UPDATE_MINIMUM_AGE", "-1", "a number of days from 0 to 365"),
        ("AKBOT_UPDATE_MINIMUM_AGE", "nan", "a number of days from 0 to 365"),
        ("AKBOT_UPDATE_MINIMUM_AGE", "soon", "a number of days from 0 to 365"),
        ("AKBOT_REHEARSAL_STABLE", "-1", "a number of seconds, 0 or more"),
    ],
)
def test_a_wrong_setting(tmp_path: Path, name: str, value: str, form: str) -> None:
    ended = run(tmp_path, "update", "--check", **{name: value})

    assert ended.returncode == 2
    assert f"{name}: it must be {form}" in ended.stderr
    assert "pw@" not in ended.stderr


def test_without_docker(tmp_path: Path) -> None:
    ended = run(tmp_path, "update", "--why")

    assert ended.returncode == 1
    assert "the Docker Engine does not answer" in ended.stderr


def test_a_rollback_says_that_what_was_changed_is_lost_though_no_row_is_counted() -> None:
    preview = replace(PREVIEW, since=NOW - timedelta(days=1), kept_hours=72)

    lines = rollback_lines(preview, ZoneInfo("Europe/Berlin"))

    since = f"{preview.since.astimezone(ZoneInfo('Europe/Berlin')):%Y-%m-%d %H:%M} CET"
    assert lines[1:4] == [
        f"Lost with it: all that was written, changed or deleted since {since}.",
        f"Counted so far: 0 rows more and 0 fewer. {NOT_COUNTED}",
        "The database of now is kept aside for 72 h at least.",
    ]
