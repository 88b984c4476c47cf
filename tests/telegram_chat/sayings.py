"""What the product says in the scenarios, made by what makes it there: nobody types it by hand."""

import errno
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.directory_errors import directory_errors
from bot.adapters.transport import _Run
from bot.domain.alarms import Alarm, Limit, Protection, judge
from bot.domain.contents import Contents
from bot.domain.drill import DrillReport, Verdict
from bot.domain.errors import PortError
from bot.domain.job_failure import reason_of
from bot.domain.jobs import Job, JobKind
from bot.domain.rehearsal import HopTook, Rehearsed
from bot.domain.schema_change import RowsMoved
from bot.domain.slots import CATCH_UP
from bot.domain.update import HopPlan
from bot.domain.update_holds import Candidate, Remembered, find_holds
from bot.domain.update_words import (
    away_words,
    evidence_words,
    joined,
    not_promoted_words,
    put_back_words,
)
from bot.domain.versions import Version
from tests.domain.test_update_gate import Phase, ending
from tests.domain.test_update_recovery import PLAN
from tests.telegram_chat.rolls import SWAPS

STABLE = 60
"""Seconds for which all holds before a version is promoted; people are served meanwhile."""

LOST = (
    b'pg_dump: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed:'
    b" FATAL:  the database system is shutting down\n"
)
CUT_OFF = (
    b'pg_dump: error: Dumping the contents of table "authentik_events_event" failed:'
    b" PQgetCopyData() failed.\n"
    b"pg_dump: detail: Error message from server: server closed the connection unexpectedly\n"
    b"\tThis probably means the server terminated abnormally\n"
    b"\tbefore or while processing the request.\n"
    b'pg_dump: detail: Command was: COPY public.authentik_events_event (event_uuid, "user", action,'
    b" app, context, client_ip, created, brand, expires, expiring) TO stdout;\n"
)
"""What PostgreSQL's own program says where its server goes away before it, and under it."""


def full_store() -> str:
    """Why a backup failed into a folder on a disk without room."""
    with (
        pytest.raises(PortError) as caught,
        directory_errors('write object "postgres.dump.age"', Path("/mnt/nas")),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    return reason_of(caught.value)


def failed_dump(said: bytes) -> str:
    """Why a backup failed whose pg_dump has *said* so."""
    source: Any = "postgresql"
    run = _Run(source, ["pg_dump"], {})
    run.ending.add(said + b"akbot-exit 1\n")
    with pytest.raises(PortError) as caught:
        run.require_end()
    return reason_of(caught.value)


def drilled(backup: str, began: datetime, ended: datetime) -> str:
    """A drill that passed."""
    return DrillReport(
        backup_id=backup,
        stack="authentik",
        verdict=Verdict.PASS,
        began=began,
        seconds=(ended - began).total_seconds(),
        rows=12_345,
        contents=Contents(12, 3, began - timedelta(hours=9)),
    ).words


def rehearsed(*versions: str) -> str:
    """The step that follows a rehearsal of that way."""
    return Rehearsed(tuple(HopTook(each, 11, 34) for each in versions), 8).words


def rolled_back(
    job: str, until: datetime, hop: HopPlan = PLAN.hops[0], away: float | None = None
) -> str:
    """What an update came to whose version never got ready."""
    plan = replace(PLAN, job=job, hops=(hop,))
    reason = ending(Phase(999, {"ready": 503})).reason
    told = put_back_words(plan, 1, SWAPS, RowsMoved(), plan.failed(1), until=until)
    evidence = evidence_words("/var/lib/akbot/evidence")
    told = f"{told}; {evidence}{away_words(away)}"
    return joined(not_promoted_words(hop.version, reason), told)


def too_fresh(version: Version, since: datetime) -> str:
    """Why that version is held back."""
    [hold] = find_holds(
        [Candidate(version, "sha256:1", since)], Remembered(), timedelta(days=3), since
    )
    return hold.words


def missing(nights: Sequence[Job], good: datetime, now: datetime) -> Alarm:
    """The alarm of backups that failed in these *nights*, the newest first."""
    there = Protection(kind=JobKind.BACKUP, good=good, since=good, jobs=nights)
    alarm = judge(there, Limit(timedelta(hours=26)), CATCH_UP, now)
    assert alarm
    return alarm
