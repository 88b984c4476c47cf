from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.domain.backup_id import BackupId, make_backup_id
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.charts import (
    MOST_BACKUPS,
    MOST_OUTAGES,
    BackupDot,
    Figures,
    MemorySample,
    MemoryUse,
    Outage,
    decode_figures,
    encode_figures,
    figures_of,
)
from bot.domain.downtime import came_back, gone, seconds_away
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.outages import Away

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ZONE = timezone(timedelta(hours=2))


def record(days: int, state: BackupState = BackupState.GOOD, size: int = 200) -> BackupRecord:
    made = NOW - timedelta(days=days)
    return BackupRecord(make_backup_id(made, "k3f9"), state, stored_size=size)


def job(days: float, kind: JobKind, seconds: float | None = 30, **how: object) -> Job:
    started = NOW - timedelta(days=days)
    made = Job(
        id=make_backup_id(started, "k3f9"),
        kind=kind,
        trigger=Trigger.CHAT,
        actor="Anna (42)",
        started=started,
        state=JobState.DONE,
        ended=None if seconds is None else started + timedelta(seconds=seconds),
    )
    return replace(made, **how)  # type: ignore[arg-type]


def figures(records: list[BackupRecord], jobs: list[Job]) -> Figures:
    return figures_of(records, jobs, (), zone=ZONE)


def test_good_backups_are_dots_with_how_long_their_jobs_took() -> None:
    records = [record(0, size=220), record(1), record(2, BackupState.DAMAGED), record(3)]
    jobs = [job(0, JobKind.BACKUP, 21), job(1, JobKind.UPDATE, 300), job(2, JobKind.BACKUP)]

    dots = figures(records, jobs).backups

    assert [(each.size, each.seconds) for each in dots] == [(200, None), (200, None), (220, 21)]
    assert dots[-1].at.hour == 14  # in the zone


def test_a_backup_that_was_not_whole_when_its_job_ended_has_no_duration() -> None:
    failed = job(0, JobKind.BACKUP, state=JobState.FAILED)

    assert [each.seconds for each in figures([record(0)], [failed]).backups] == [None]


def test_the_newest_are_shown() -> None:
    records = [record(days) for days in range(MOST_BACKUPS + 5)]
    jobs = [
        job(days, JobKind.RESTORE, 60, plan=came_back(days)) for days in range(MOST_OUTAGES + 2)
    ]

    shown = figures(records, jobs)

    assert len(shown.backups) == MOST_BACKUPS
    assert shown.backups[-1].at == NOW
    assert [each.seconds for each in shown.outages] == [2, 1, 0]


@pytest.mark.parametrize(
    ("dots", "worth"), [(0, False), (1, False), (2, True)], ids=["none", "one", "two"]
)
def test_one_backup_is_no_course(dots: int, *, worth: bool) -> None:
    assert figures([record(days) for days in range(dots)], []).are_worth_drawing is worth


GONE = gone(NOW + timedelta(seconds=100))
UPDATE = job(0, JobKind.UPDATE, 400)


@pytest.mark.parametrize(
    ("job", "away"),
    [
        pytest.param(replace(UPDATE, plan={}), None, id="never touched"),
        pytest.param(replace(UPDATE, plan={**GONE, **came_back(12.34)}), 12.3, id="held"),
        pytest.param(replace(UPDATE, plan=GONE, state=JobState.ROLLED_BACK), 300, id="undone"),
        pytest.param(
            replace(UPDATE, plan={**came_back(12), **GONE}, state=JobState.ROLLED_BACK),
            312,
            id="the second of two hops undone",
        ),
        pytest.param(replace(UPDATE, plan=GONE, ended=None), None, id="under way"),
        pytest.param(replace(UPDATE, plan=GONE, crashes=1), None, id="cut off"),
        pytest.param(replace(UPDATE, plan=came_back(-3)), 0, id="never less than nothing"),
        pytest.param(replace(UPDATE, plan=GONE, kind=JobKind.BACKUP), None, id="another kind"),
    ],
)
def test_for_how_long_nobody_was_served(job: Job, away: float | None) -> None:
    assert seconds_away(job) == away


def test_an_outage_says_what_took_the_server_away_and_whether_it_failed() -> None:
    facts: Mapping[str, str] = came_back(12)
    jobs = [
        job(1, JobKind.UPDATE, plan=facts, state=JobState.ROLLED_BACK),
        job(2, JobKind.RESTORE, plan=facts),
    ]

    outages = figures([], jobs).outages

    assert [(each.cause, each.bad) for each in outages] == [
        ("restore", False),
        ("update failed", True),
    ]


def test_incidents_are_shown_among_the_jobs_the_newest_last() -> None:
    crashed = NOW - timedelta(hours=30)
    incidents = [Away(crashed, crashed + timedelta(minutes=30), "server crashed", bad=True)]
    jobs = [job(1, JobKind.UPDATE, plan=came_back(12)), job(2, JobKind.RESTORE, plan=came_back(5))]

    shown = figures_of([], jobs, (), zone=ZONE, in_incidents=incidents).outages

    assert [(each.cause, each.seconds) for each in shown] == [
        ("restore", 5),
        ("server crashed", 1800),
        ("update", 12),
    ]
    assert shown[1].at == crashed
    assert shown[1].at.utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize(
    ("used", "limit", "nearly"), [(95, 100, True), (90, 100, False), (95, None, False)]
)
def test_a_container_near_its_limit(used: int, limit: int | None, *, nearly: bool) -> None:
    assert MemoryUse("worker", (MemorySample(NOW, used),), limit).is_nearly_full is nearly


def test_figures_travel_whole() -> None:
    sent = Figures(
        (BackupDot(NOW.astimezone(ZONE), 200), BackupDot(NOW, 220, 21.5)),
        (MemoryUse("server", (MemorySample(NOW, 90), MemorySample(NOW, 80)), 100, 2),),
        (Outage(NOW, "update failed", 12.5, bad=True),),
    )

    assert decode_figures(encode_figures(sent)) == sent
    assert sent.memory[0].now == 80
    assert sent.memory[0].peak == 90


def test_something_else_is_no_figures() -> None:
    with pytest.raises(ValueError, match="Invalid JSON"):
        decode_figures(b"{")


def test_ids_tie_a_backup_to_its_job() -> None:
    other = job(0, JobKind.BACKUP, id=BackupId("20261124T120000Z-aaaa"))

    assert [each.seconds for each in figures([record(0)], [other]).backups] == [None]
