"""The alert rules, with Prometheus' own `promtool`: what fires, after how long, and what does not.

What a real Prometheus makes of a real daemon shows `e2e/test_prometheus.py`.
"""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from bot.domain.daemon_report import DaemonReport
from bot.domain.metrics import Facts, families
from tests.prometheus import CONFIGURATION, RULES, program, rules, write_rules

LIMIT_OF_BACKUPS = "akbot_backup_alarm_after_seconds"
LIMIT_OF_DRILLS = "akbot_drill_alarm_after_seconds"
WELL = {
    "up": "1",
    "akbot_healthy": "1",
    "akbot_paused": "0",
    "akbot_chat_up": "1",
    "akbot_docker_up": "1",
    "akbot_stack_found": "1",
    "akbot_jobs_stuck": "0",
    "akbot_jobs_uncleaned": "0",
    "akbot_state_created_timestamp_seconds": "0",
    LIMIT_OF_BACKUPS: "93600",
    LIMIT_OF_DRILLS: "691200",
    'akbot_container_up{service="worker"}': "1",
    'akbot_container_healthy{service="worker"}': "1",
    'akbot_job_running{kind="update"}': "0",
    'akbot_job_total{kind="update",outcome="rolled back"}': "0",
    'akbot_heartbeat_total{kind="backup",outcome="failed"}': "0",
    'akbot_store_up{store="nas"}': "1",
    'akbot_collector_up{collector="journal"}': "1",
    'akbot_disk_size_bytes{disk="state"}': "100e9",
    'akbot_disk_free_bytes{disk="state"}': "50e9",
}
TARGET = {"job": "akbot", "instance": "bot:9180"}
WORKER, STATE = {"service": "worker"}, {"disk": "state"}


@dataclass(frozen=True)
class Case:
    """*series* are other than when all is well, from the start on; None: there is none."""

    alert: str
    silent_at: str
    fires_at: str
    series: Mapping[str, str | None]
    labels: Mapping[str, str] = field(default_factory=dict)


CASES = [
    Case("AkbotDown", "4m", "6m", {"up": "0"}),
    Case("AkbotUnhealthy", "4m", "6m", {"akbot_healthy": "0"}),
    Case("AkbotBackupTooOld", "68m", "72m", {LIMIT_OF_BACKUPS: "3600"}),
    Case(
        "AkbotBackupTooOld",
        "98m",
        "102m",
        {LIMIT_OF_BACKUPS: "3600", "akbot_backup_last_success_timestamp_seconds": "1800"},
    ),
    Case("AkbotBackupFailed", "119m", "121m", {"akbot_backup_last_failure_timestamp_seconds": "9"}),
    Case(
        "AkbotBackupFailed",
        "119m",
        "121m",
        {
            "akbot_backup_last_failure_timestamp_seconds": "9",
            "akbot_backup_last_success_timestamp_seconds": "8",
        },
    ),
    Case("AkbotDrillOverdue", "68m", "72m", {LIMIT_OF_DRILLS: "3600"}),
    Case(
        "AkbotDrillOverdue",
        "98m",
        "102m",
        {LIMIT_OF_DRILLS: "3600", "akbot_drill_last_success_timestamp_seconds": "1800"},
    ),
    Case(
        "AkbotDrillFailed",
        "9m",
        "11m",
        {
            "akbot_drill_last_failure_timestamp_seconds": "9",
            "akbot_drill_last_success_timestamp_seconds": "8",
        },
    ),
    Case("AkbotJobStuck", "0s", "9m", {"akbot_jobs_stuck": "0 1x200"}),
    Case("AkbotJobUncleaned", "59m", "61m", {"akbot_jobs_uncleaned": "1"}),
    Case(
        "AkbotUpdateRolledBack",
        "5m",
        "12m",
        {'akbot_job_total{kind="update",outcome="rolled back"}': "0x10 1x200"},
        {"kind": "update", "outcome": "rolled back"},
    ),
    Case("AkbotStoreDown", "29m", "31m", {'akbot_store_up{store="nas"}': "0"}, {"store": "nas"}),
    Case(
        "AkbotHeartbeatNotSent",
        "5m",
        "12m",
        {'akbot_heartbeat_total{kind="backup",outcome="failed"}': "0x10 1x200"},
        {"kind": "backup", "outcome": "failed"},
    ),
    Case("AkbotDockerDown", "4m", "6m", {"akbot_docker_up": "0"}),
    Case(
        "AuthentikNotFound",
        "4m",
        "6m",
        {
            "akbot_stack_found": "0",
            'akbot_container_up{service="worker"}': None,
            'akbot_container_healthy{service="worker"}': None,
        },
    ),
    Case(
        "AuthentikContainerDown",
        "4m",
        "6m",
        {'akbot_container_up{service="worker"}': "0"},
        WORKER,
    ),
    Case(
        "AuthentikContainerUnhealthy",
        "9m",
        "11m",
        {'akbot_container_healthy{service="worker"}': "0"},
        WORKER,
    ),
    Case("AkbotDiskFull", "9m", "11m", {'akbot_disk_free_bytes{disk="state"}': "9e9"}, STATE),
    Case("AkbotChatDown", "59m", "61m", {"akbot_chat_up": "0"}),
    Case(
        "AkbotFiguresMissing",
        "14m",
        "16m",
        {'akbot_collector_up{collector="journal"}': "0"},
        {"collector": "journal"},
    ),
]  # fmt: skip
QUIET: dict[str, dict[str, str | None]] = {
    "all is well": {},
    "a failure before the newest good one": {
        "akbot_backup_last_failure_timestamp_seconds": "8",
        "akbot_backup_last_success_timestamp_seconds": "9",
    },
    "no alarm is wanted": {
        LIMIT_OF_BACKUPS: None,
        LIMIT_OF_DRILLS: None,
    },
    "an update restarts containers on purpose": {
        'akbot_container_up{service="worker"}': "0",
        'akbot_container_healthy{service="worker"}': "0",
        'akbot_job_running{kind="update"}': "1",
    },
    "people restart containers on purpose": {
        "akbot_stack_found": "0",
        'akbot_container_up{service="worker"}': "0",
        "akbot_paused": "1",
    },
    "a large disk": {
        'akbot_disk_size_bytes{disk="state"}': "1000e9",
        'akbot_disk_free_bytes{disk="state"}': "50e9",
    },
}


def series_of(changes: Mapping[str, str | None]) -> list[dict[str, str]]:
    target = ",".join(f'{name}="{value}"' for name, value in TARGET.items())
    found = []
    for name, values in {**WELL, **changes}.items():
        bare, _, labels = name.partition("{")
        if values is not None:
            shown = values if "x" in values else f"{values}x200"
            more = f",{labels}" if labels else "}"
            found.append({"series": f"{bare}{{{target}{more}", "values": shown})
    return found


def expectations(at: str, case: Case | None) -> list[dict[str, object]]:
    """That at this time nothing fires but that alert."""
    severities = {rule["alert"]: rule["labels"]["severity"] for rule in rules()}
    return [
        {
            "eval_time": at,
            "alertname": name,
            "exp_alerts": [{"exp_labels": {**TARGET, **case.labels, "severity": severities[name]}}]
            if case and name == case.alert
            else [],
        }
        for name in severities
    ]


def test_each_alert_fires_when_it_should_and_no_other_does(tmp_path: Path) -> None:
    bare = [{key: each[key] for key in each if key != "annotations"} for each in rules()]
    cases = [
        {
            "name": case.alert,
            "interval": "1m",
            "input_series": series_of(case.series),
            "alert_rule_test": [
                *expectations(case.silent_at, None),
                *expectations(case.fires_at, case),
            ],
        }
        for case in CASES
    ]
    cases += [
        {
            "name": name,
            "interval": "1m",
            "input_series": series_of(changes),
            "alert_rule_test": expectations("3h", None),
        }
        for name, changes in QUIET.items()
    ]
    file = tmp_path / "tests.yml"
    file.write_text(json.dumps({"rule_files": [str(write_rules(tmp_path, bare))], "tests": cases}))

    done = subprocess.run(
        [program("promtool"), "test", "rules", file], check=False, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert {case.alert for case in CASES} == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("file", [("rules", RULES), ("config", CONFIGURATION)])
def test_promtool_finds_nothing_wrong(file: tuple[str, Path]) -> None:
    what, path = file
    done = subprocess.run(
        [program("promtool"), "check", what, path], check=False, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_ask_only_for_figures_that_there_are() -> None:
    nothing = Facts(version="", since=datetime.now(UTC), report=DaemonReport())
    known = {family.name for family in families(nothing)}
    asked = {name for rule in rules() for name in re.findall(r"\bakbot_\w+", rule["expr"])}

    assert asked <= known


def test_each_alert_says_what_to_do_next_with_commands_that_there_are() -> None:
    readme = (RULES.parents[2] / "README.md").read_text()
    for rule in rules():
        words = rule["annotations"]
        assert set(words) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert '"' in words["description"] or "AKBOT_" in words["description"], rule["alert"]
        for command in re.findall(r'"(akbot [a-z]+)', words["description"]):
            assert f"`{command}" in readme, command


def test_the_job_has_the_name_that_the_rules_look_for() -> None:
    [scrape] = yaml.safe_load(CONFIGURATION.read_text())["scrape_configs"]

    assert scrape["job_name"] == TARGET["job"]
