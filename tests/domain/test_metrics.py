"""Which figures Prometheus is told, and that their names keep to its conventions."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.backup_id import make_backup_id
from bot.domain.container_state import ContainerState
from bot.domain.daemon_report import DaemonReport
from bot.domain.figures import Kind
from bot.domain.findings import DiskUsage
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.metrics import Facts, StoreFigures, families
from bot.domain.surroundings import Certificate, Connections, DiskRoom, Surroundings, Usage

NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
AT = NOW.timestamp()

NOTHING = Facts(version="1.2.3", since=NOW - 24 * HOUR, report=DaemonReport())


def job(kind: JobKind, state: JobState, hours: int, minutes: int = 5) -> Job:
    """One that began *hours* before now, and took *minutes*."""
    started = NOW - hours * HOUR
    ended = None if state is JobState.RUNNING else started + timedelta(minutes=minutes)
    return Job(
        id=make_backup_id(started, "k3f9"),
        kind=kind,
        trigger=Trigger.SCHEDULE,
        actor="schedule",
        started=started,
        state=state,
        ended=ended,
    )


def container(status: str, health: str = "") -> ContainerState:
    return ContainerState("x", status, health, 0, out_of_memory=False, image="")


def told(**facts: Any) -> dict[str, float]:
    """Each sample as it would stand in the exposition, without what is always there."""
    return {
        name: value
        for name, value in samples(replace(NOTHING, **facts)).items()
        if ALWAYS.get(name) != value
    }


def samples(facts: Facts) -> dict[str, float]:
    found = {}
    for family in families(facts):
        for values, value in family.samples:
            labels = ",".join(
                f'{name}="{label}"' for name, label in zip(family.labels, values, strict=True)
            )
            found[f"{family.name}{{{labels}}}" if labels else family.name] = value
    return found


ALWAYS = samples(NOTHING)

BACKUP, DRILL = JobKind.BACKUP, JobKind.DRILL
DONE, FAILED = JobState.DONE, JobState.FAILED


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            {"good": {BACKUP: NOW - HOUR, DRILL: None}},
            {"akbot_backup_last_success_timestamp_seconds": AT - 3600},
            id="a good backup and no drill",
        ),
        pytest.param(
            {"jobs": [job(BACKUP, DONE, 1, 7), job(BACKUP, DONE, 25, 9)]},
            {"akbot_backup_duration_seconds": 420},
            id="the newest one's duration",
        ),
        pytest.param(
            {"jobs": [job(DRILL, FAILED, 1), job(DRILL, DONE, 25), job(BACKUP, FAILED, 2, 0)]},
            {
                "akbot_drill_last_failure_timestamp_seconds": AT - 3300,
                "akbot_drill_duration_seconds": 300,
                "akbot_backup_last_failure_timestamp_seconds": AT - 7200,
            },
            id="failures, when they ended",
        ),
        pytest.param(
            {"jobs": [job(BACKUP, JobState.CANCELLED, 1), job(DRILL, JobState.INTERRUPTED, 2)]},
            {},
            id="neither a person's wish nor a restart of the bot is a failure",
        ),
        pytest.param(
            {"limits": {BACKUP: 26 * HOUR, DRILL: None}},
            {"akbot_backup_alarm_after_seconds": 93600},
            id="limits, and none for never",
        ),
        pytest.param(
            {"jobs": [job(BACKUP, JobState.RUNNING, 0)], "collectors": {"journal": True}},
            {
                'akbot_collector_up{collector="journal"}': 1,
                'akbot_job_running{kind="backup"}': 1,
                **{f'akbot_job_running{{kind="{kind}"}}': 0 for kind in JobKind if kind != BACKUP},
            },
            id="what runs",
        ),
        pytest.param(
            {"collectors": {"journal": False, "disks": True}},
            {
                'akbot_collector_up{collector="journal"}': 0,
                'akbot_collector_up{collector="disks"}': 1,
            },
            id="a journal that hangs says nothing of what runs",
        ),
        pytest.param(
            {"ended": {(BACKUP, FAILED): 2, (JobKind.UPDATE, JobState.ROLLED_BACK): 1}},
            {
                'akbot_job_total{kind="backup",outcome="failed"}': 2,
                'akbot_job_total{kind="update",outcome="rolled back"}': 1,
            },
            id="ends",
        ),
        pytest.param(
            {
                "containers": {
                    "server": container("running", "healthy"),
                    "worker": container("running", "unhealthy"),
                    "redis": container("exited"),
                    "postgresql": None,
                },
                "docker": "",
                "incidents": 1,
            },
            {
                'akbot_container_up{service="server"}': 1,
                'akbot_container_up{service="worker"}': 1,
                'akbot_container_up{service="redis"}': 0,
                'akbot_container_up{service="postgresql"}': 0,
                'akbot_container_healthy{service="server"}': 1,
                'akbot_container_healthy{service="worker"}': 0,
                "akbot_docker_up": 1,
                "akbot_incidents_open": 1,
            },
            id="containers",
        ),
        pytest.param({"docker": "it is away"}, {"akbot_docker_up": 0}, id="no Docker"),
        pytest.param({"stack": True}, {"akbot_stack_found": 1}, id="a stack"),
        pytest.param({"stack": False}, {"akbot_stack_found": 0}, id="no stack"),
        pytest.param(
            {
                "stores": {"nas": "", "offsite": "no answer"},
                "contents": {"nas": StoreFigures(3, 3000)},
                "newest_size": 1000,
            },
            {
                'akbot_store_up{store="nas"}': 1,
                'akbot_store_up{store="offsite"}': 0,
                'akbot_store_backups{store="nas"}': 3,
                'akbot_store_size_bytes{store="nas"}': 3000,
                "akbot_backup_size_bytes": 1000,
            },
            id="stores",
        ),
        pytest.param(
            {"switches": [BACKUP], "beats": {(BACKUP, "sent"): 4}},
            {
                'akbot_heartbeat_total{kind="backup",outcome="sent"}': 4,
                'akbot_heartbeat_total{kind="backup",outcome="failed"}': 0,
            },
            id="a dead man's switch",
        ),
        pytest.param(
            {"disks": {"state": DiskUsage(1, 10, 100)}},
            {'akbot_disk_free_bytes{disk="state"}': 10, 'akbot_disk_size_bytes{disk="state"}': 100},
            id="disks",
        ),
        pytest.param(
            {
                "surroundings": Surroundings(
                    at=NOW,
                    usage=(
                        Usage("server", 0.25, 1.5, 600, 1000),
                        Usage("worker", None, None, 0, None),
                    ),
                    disks=(DiskRoom("/srv", 70, 20),),
                    connections=Connections("postgresql", 12, 100),
                    certificate=Certificate("a.example", NOW + HOUR),
                )
            },
            {
                "akbot_surroundings_look_timestamp_seconds": AT,
                'akbot_container_memory_bytes{service="server"}': 600,
                'akbot_container_memory_bytes{service="worker"}': 0,
                'akbot_container_memory_limit_bytes{service="server"}': 1000,
                'akbot_container_cpu_cores{service="server"}': 0.25,
                'akbot_container_cpu_limit_cores{service="server"}': 1.5,
                'akbot_stack_disk_used_bytes{path="/srv"}': 70,
                'akbot_stack_disk_free_bytes{path="/srv"}': 20,
                "akbot_postgresql_connections": 12,
                "akbot_postgresql_connections_limit": 100,
                "akbot_certificate_expiry_timestamp_seconds": AT + 3600,
            },
            id="what stands around the containers",
        ),
        pytest.param(
            {"surroundings": Surroundings(at=NOW, connections=Connections("postgresql", 0, 0))},
            {"akbot_surroundings_look_timestamp_seconds": AT},
            id="a PostgreSQL that takes no more, and else nothing",
        ),
        pytest.param(
            {"coming": {"backup": NOW + HOUR}},
            {'akbot_schedule_next_timestamp_seconds{work="backup"}': AT + 3600},
            id="what comes",
        ),
        pytest.param(
            {"report": DaemonReport(failing=("x",), troubles=("y",), stuck=("a",), paused="p")},
            {"akbot_healthy": 0, "akbot_troubles": 2, "akbot_jobs_stuck": 1, "akbot_paused": 1},
            id="its own troubles",
        ),
        pytest.param(
            {"report": DaemonReport(chat="unreachable", uncleaned=("a", "b"))},
            {"akbot_chat_up": 0, "akbot_jobs_uncleaned": 2},
            id="no chat, though there should be one",
        ),
    ],
)
def test_facts_become_figures(facts: dict[str, Any], expected: dict[str, float]) -> None:
    assert told(**facts) == expected


def test_without_facts_counters_begin_at_nought_and_what_is_not_known_is_not_told() -> None:
    always = samples(NOTHING)

    assert always['akbot_build_info{version="1.2.3"}'] == 1
    assert always["akbot_state_created_timestamp_seconds"] == AT - 24 * 3600
    assert ALWAYS["akbot_healthy"] == 1
    assert {value for name, value in ALWAYS.items() if name.startswith("akbot_job_total")} == {0}
    assert 'akbot_job_total{kind="backup",outcome="failed"}' in ALWAYS
    assert not [
        name
        for name in ALWAYS
        if re.match("akbot_(container|store|backup|docker|stack|postgresql|cert)", name)
    ]


def test_names_keep_to_the_conventions() -> None:
    for family in families(NOTHING):
        assert re.fullmatch(r"akbot_[a-z_]+", family.name)
        assert family.name.endswith("_total") == (family.kind is Kind.COUNTER), family.name
        assert family.help.endswith("."), family.name
        if "timestamp" in family.name:
            assert family.name.endswith("_timestamp_seconds")
    names = [family.name for family in families(NOTHING)]
    assert len(names) == len(set(names))


def test_what_is_always_told() -> None:
    always = samples(NOTHING)

    assert always['akbot_build_info{version="1.2.3"}'] == 1
    assert always["akbot_state_created_timestamp_seconds"] == AT - 24 * 3600


@pytest.mark.parametrize(("chat", "value"), [("ok", 1), ("conflict", 0), ("off", None)])
def test_whether_the_chat_answers(chat: str, value: int | None) -> None:
    assert told(report=DaemonReport(chat=chat)).get("akbot_chat_up") == value
