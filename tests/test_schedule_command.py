"""`akbot schedule` and `akbot pause`, on a host without Docker: they need none."""

import getpass
import json
import re
from pathlib import Path

from tests.command_line import run


def test_what_is_planned_is_shown_in_its_own_zone(tmp_path: Path) -> None:
    settings = {
        "AKBOT_TIMEZONE": "Europe/Berlin",
        "AKBOT_DRILL_SCHEDULE": "off",
        "AKBOT_SCHEDULE_DELAY": "20",
    }
    shown = run(tmp_path, "schedule", **settings)
    value = json.loads(run(tmp_path, "schedule", "--json", **settings).stdout)

    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0] == "backup: 30 3 * * *, up to 20 min later (AKBOT_BACKUP_SCHEDULE)"
    assert " 03:30 CE" in lines[1]
    assert "drill: off (AKBOT_DRILL_SCHEDULE)" in lines
    assert [len(each["next"]) for each in value["plans"]] == [3, 0, 3]
    assert value["paused"] is None


def test_a_pause_is_seen_until_it_is_ended(tmp_path: Path) -> None:
    paused = run(tmp_path, "pause", "2h")
    assert paused.returncode == 0, paused.stderr
    assert paused.stdout.startswith("Schedules are paused until ")
    assert "Paused: schedules are paused until" in run(tmp_path, "schedule").stdout

    assert run(tmp_path, "resume").stdout == "Schedules and chat go on.\n"
    assert "Paused" not in run(tmp_path, "schedule").stdout


def test_a_pause_is_told_by_the_clock_of_the_schedules(tmp_path: Path) -> None:
    zone = {"AKBOT_TIMEZONE": "Europe/Berlin"}
    paused = run(tmp_path, "pause", "2h", **zone).stdout
    shown = run(tmp_path, "schedule", **zone).stdout

    until = r"until \d{4}-\d\d-\d\d \d\d:\d\d (CET|CEST): planned work"
    assert re.search(until, paused)
    assert re.search(until, shown)


def test_who_paused_and_who_ended_it_is_listed_with_the_jobs(tmp_path: Path) -> None:
    run(tmp_path, "pause", "2h")
    run(tmp_path, "resume")
    run(tmp_path, "resume")
    lines = run(tmp_path, "jobs").stdout.splitlines()
    orders = json.loads(run(tmp_path, "jobs", "--json").stdout)

    user = getpass.getuser()
    assert [re.split(" {2,}", line)[1] for line in lines[1:]] == ["resume", "resume", "pause 2h"]
    assert all(f"{user} (cli)" in line for line in lines[1:])
    assert lines[1].endswith("done: nothing was paused")
    assert re.search(r"done: until \d{4}-\d\d-\d\d \d\d:\d\d UTC$", lines[3])
    assert [each["kind"] for each in orders] == ["resume", "resume", "pause"]
    assert {each["actor"] for each in orders} == {user}
    assert len({each["id"] for each in orders}) == 3


def test_a_pause_without_a_length_is_a_mistake(tmp_path: Path) -> None:
    assert run(tmp_path, "pause").returncode == 2
    refused = run(tmp_path, "pause", "soon")

    assert refused.returncode == 2
    assert "Write 30m, 2h or 1d12h" in refused.stderr
