"""What the domain says in UTC is read on the clock of whoever reads it."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.alarms import Alarm, LateSuccess
from bot.domain.errors import PortError
from bot.domain.findings import Finding, Level
from bot.domain.incident import Incident, Opened, Trouble
from bot.domain.incident_history import PastIncident
from bot.domain.jobs import JobKind, JobState, Trigger
from bot.domain.orders import Order, OrderKind, Unmet
from bot.domain.pause import Pause
from bot.domain.report import report_of
from bot.domain.report_facts import Facts
from bot.entrypoints.telegram import (
    alarm_texts,
    failure_texts,
    incident_texts,
    job_list_texts,
    kinds,
    look_texts,
    report_texts,
    update_plan_texts,
)
from bot.entrypoints.telegram.local_times import local
from bot.entrypoints.telegram.texts import Wall
from tests.telegram_chat.rolls import DIFF, make_update
from tests.telegram_chat.samples import record
from tests.telegram_chat.test_texts import make_job
from tests.telegram_chat.world import NOW, World

WALL = Wall(NOW, ZoneInfo("Europe/Helsinki"))  # 14:00 there
EVENT = "backup X came back in 3 s, newest event 2026-11-23 22:30 UTC"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("known since 2026-11-24 09:00 UTC only", "known since 11:00 (3 h ago) only"),
        ("it expires at 2026-11-27 22:00 UTC", "it expires at 28 Nov 00:00 (in 3 days 10 h)"),
        (
            "it has expired at 2025-11-24 12:00 UTC",
            "it has expired at 24 Nov 2025 14:00 (365 days ago)",
        ),
        ("2026-11-24 12:00 UTC, 2026-11-24 12:01 UTC", "14:00 (just now), 14:01 (in 1 min 0 s)"),
        ("is down since 2026-11-24 09:00:30 UTC (gone)", "is down since 11:00 (3 h ago) (gone)"),
        ("busy: backup since 03:30 UTC, 62%", "busy: backup since 05:30, 62%"),
        ("busy since 25:00 UTC", "busy since 25:00 UTC"),
        ("2026-02-30 09:00 UTC", "2026-02-30 09:00 UTC"),
        ("9999-12-31 23:59 UTC", "9999-12-31 23:59 UTC"),
        ("the 2026-11-24 of a host, at 09:00 UTC", "the 2026-11-24 of a host, at 09:00 UTC"),
    ],
)
def test_moments_are_told_in_the_zone(text: str, shown: str) -> None:
    assert local(text, WALL) == shown


def test_a_drill_tells_the_newest_event_in_the_zone() -> None:
    job = replace(make_job(JobState.DONE, EVENT), kind=JobKind.DRILL)

    for text in (kinds.outcome(job, None, WALL).text, job_list_texts.job_details(job, WALL)):
        assert "newest event 00:30 (13 h ago)" in text


def test_a_certificate_tells_its_end_in_the_zone() -> None:
    incident = Incident(
        root="certificate of sso",
        trouble=Trouble.CERTIFICATE,
        image="",
        began=NOW - timedelta(minutes=5),
        opened=NOW,
        detail="it expires at 2026-11-27 22:00 UTC",
    )

    opened = incident_texts.opened(Opened(incident), WALL)
    for text in (opened, incident_texts.open_line(incident, WALL)):
        assert "xpires at 28 Nov 00:00 (in 3 days 10 h)" in text


KNOWN = "2025.4.4 is known since 2026-11-24 09:00 UTC only"
LOCAL = "2025.4.4 is known since 11:00 (3 h ago) only"


def test_an_alarm_tells_the_reason_in_the_zone() -> None:
    failed = make_job(JobState.FAILED, f"no: {KNOWN}")
    hours = timedelta(hours=4)
    missing = Alarm(
        kind=JobKind.BACKUP,
        good=NOW - hours,
        baseline=NOW - hours,
        opened=NOW,
        number=0,
        next=NOW + hours,
        failed=(failed,),
    )
    late = LateSuccess(replace(failed, state=JobState.DONE), (failed,))

    for text in (alarm_texts.alarm(missing, WALL), alarm_texts.late(late, WALL)):
        assert f"no: {LOCAL}." in text


def test_a_report_tells_what_needs_somebody_in_the_zone() -> None:
    began = NOW - timedelta(days=2, hours=1)
    ill = Incident(
        root="worker",
        trouble=Trouble.UNHEALTHY,
        image="",
        began=began,
        opened=began,
        detail="of 2026-11-22 11:00 UTC",
    )
    paused = Pause(NOW, "planned work", NOW + timedelta(hours=9))
    facts = Facts(
        begin=NOW - timedelta(days=7),
        now=NOW,
        installed=NOW - timedelta(hours=1),
        incidents=[PastIncident(ill, None)],
        pause=paused,
    )
    made = report_of(facts)

    for text in (report_texts.report(made, WALL), report_texts.daily(made, WALL)):
        assert "unhealthy since 22 Nov 13:00 (2 days ago) (of 22 Nov 13:00 (2 days ago))" in text
        assert "paused until 23:00 (in 9 h 0 min): planned work" in text
        assert "UTC" not in text


def test_a_plan_and_its_document_tell_warnings_in_the_zone() -> None:
    warning = Finding("way", Level.WARNING, KNOWN, f"Wait: {KNOWN}.")
    shown = update_plan_texts.plan(make_update(warnings=(warning,) * 9, diff=DIFF * 40), WALL)

    assert shown.document
    for text in (shown.text, shown.document[1]):
        assert f"way: {LOCAL}. Wait: {LOCAL}." in text
        assert "UTC" not in text


def test_a_list_and_a_log_of_jobs_tell_what_came_of_them_in_the_zone() -> None:
    order = Order(
        id="x",
        kind=OrderKind.BACKUP,
        trigger=Trigger.CHAT,
        actor="Anna (42)",
        started=NOW,
        state=Unmet.REFUSED,
        message="busy: backup since 03:30 UTC, begun by root",
    )
    listed, _ = job_list_texts.jobs([order], WALL)

    assert "Reason: busy: backup since 05:30, begun by root" in listed
    assert LOCAL in look_texts.why(make_job(JobState.FAILED, KNOWN), None, (), WALL)


BUSY = PortError("busy: backup since 03:30 UTC", hint="Wait: it ends at 2026-11-24 13:00 UTC.")


def test_what_did_not_work_says_why_in_the_zone() -> None:
    told = failure_texts.command_failed(BUSY, WALL)

    assert "busy: backup since 05:30" in told
    assert "ends at 15:00 (in 1 h 0 min)" in told
    assert "UTC" not in told


SEEN = PortError("the engine is away since 2026-11-24 09:00 UTC", hint="Wait until 13:30.")
SEEN_LOCALLY = "the engine is away since 11:00 (3 h ago). Wait until 13:30."


@pytest.fixture
def helsinki(world: World) -> World:
    world.zone = WALL.zone
    world.operations.records = [record(1)]
    return world


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("/status", f"The containers cannot be seen: {SEEN_LOCALLY}"),
        ("/backups", SEEN_LOCALLY),
        ("/backup", SEEN_LOCALLY),
        (f"/pin {record(1).id}", SEEN_LOCALLY),
        (f"/restore {record(1).id}", SEEN_LOCALLY),
    ],
)
async def test_whatever_quotes_an_error_has_its_times_in_the_zone(
    helsinki: World, command: str, told: str
) -> None:
    helsinki.operations.failure = SEEN
    async with helsinki.talking():
        helsinki.anna.says(command)
        answer = await helsinki.said("the engine is away")

    assert told in answer.text
    assert "UTC" not in answer.text


async def test_a_backup_that_cannot_be_read_back_has_its_times_in_the_zone(helsinki: World) -> None:
    helsinki.operations.damage = SEEN
    async with helsinki.talking():
        helsinki.anna.says("/verify latest")
        told = await helsinki.said("Not verified")

    assert SEEN_LOCALLY in told.text


async def test_what_a_container_wrote_stays_as_it_was_written(helsinki: World) -> None:
    line = "2026-11-24 09:00:00 UTC [1] LOG:  database system is ready"
    helsinki.lookout.lines = [f"2026-11-24T09:00:00.000000000Z {line}"]
    async with helsinki.talking():
        helsinki.anna.says("/logs postgresql")
        told = await helsinki.said("the last 1 lines")

    assert line in told.text
