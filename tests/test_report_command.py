"""`akbot report`, on a host without Docker and with nothing in its store."""

import json
from pathlib import Path

import pytest

from tests.command_line import run


def test_a_report_is_made_of_what_answers(tmp_path: Path) -> None:
    settings = {"AKBOT_STACK": "authentik", "AKBOT_TIMEZONE": "UTC"}
    shown = run(tmp_path, "report", **settings)
    value = json.loads(run(tmp_path, "report", "--json", "--days", "30", **settings).stdout)

    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("From ")
    assert "Backups:   none made. There is no good one in the store" in lines
    assert "Update:    not known" in lines
    assert lines[-3] == "To see to:"
    assert "whether there is a newer Authentik is not known: " in lines[-2]
    assert (value["backups"]["made"], value["update"]["target"]) == (0, "")


@pytest.mark.parametrize("days", ["0", "91", "-1"])
def test_days_that_nothing_is_known_of_are_a_mistake(tmp_path: Path, days: str) -> None:
    refused = run(tmp_path, "report", "--days", days)

    assert refused.returncode == 2
    assert "from 1 to 90" in refused.stderr


def test_without_docker_there_is_no_picture_and_nothing_in_its_place(tmp_path: Path) -> None:
    place = tmp_path / "chart.png"
    place.write_bytes(b"of last week")

    failed = run(tmp_path, "report", "--picture", str(place))

    assert failed.returncode == 1
    assert place.read_bytes() == b"of last week"
