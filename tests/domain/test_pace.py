"""Which earlier job says how long one takes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.drill import VERDICT, Verdict
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.pace import took_last
from bot.domain.restore import UNDO
from bot.domain.update import PLAN, encode_plan
from bot.domain.updated import REHEARSED
from tests.domain.test_update_recovery import PLAN as TWO_HOPS

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOOK = timedelta(minutes=3)
RUNNING = Job(
    id=BackupId("20261124T120000Z-aaaa"),
    kind=JobKind.RESTORE,
    trigger=Trigger.CHAT,
    actor="Anna (42)",
    started=NOW,
    label="20261123T033000Z-k3f9",
)
TWO = {PLAN: encode_plan(TWO_HOPS)}
ONE = {PLAN: encode_plan(replace(TWO_HOPS, hops=TWO_HOPS.hops[:1]))}
OTHERS = {PLAN: '{"of": "another akbot"}'}
REHEARSAL = {REHEARSED: "12.0"}


def former(of: Job, **changes: Any) -> Job:
    began = NOW - timedelta(days=1)
    alike = replace(
        of,
        id=BackupId("20261123T120000Z-bbbb"),
        state=JobState.DONE,
        started=began,
        ended=began + TOOK,
        label="20261101T033000Z-aaaa" if of.label != UNDO else UNDO,
    )
    return replace(alike, **changes)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (JobKind.RESTORE, {}),
        (JobKind.DRILL, {}),
        (JobKind.ROLLBACK, {}),
        (JobKind.UPDATE, TWO),
        (JobKind.UPDATE, TWO | REHEARSAL),
    ],
)
def test_one_that_was_the_same_work_does(kind: JobKind, facts: Mapping[str, str]) -> None:
    job = replace(RUNNING, kind=kind, plan=facts)

    assert took_last(job.id, [job, former(job)]) == TOOK


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": JobKind.DRILL},
        {"state": JobState.FAILED},
        {"state": JobState.ROLLED_BACK},
        {"crashes": 1},
        {"label": UNDO},
        {"trigger": Trigger.CLI},
    ],
)
def test_one_that_was_not_does_not(changes: Mapping[str, Any]) -> None:
    assert took_last(RUNNING.id, [RUNNING, former(RUNNING, **changes)]) is None


@pytest.mark.parametrize(
    ("now", "then"),
    [(TWO, ONE), (ONE, TWO), (TWO, TWO | REHEARSAL), ({}, {}), ({}, ONE), (ONE, OTHERS)],
)
def test_updates_compare_by_their_steps_and_by_whether_they_were_rehearsed(
    now: Mapping[str, str], then: Mapping[str, str]
) -> None:
    job = replace(RUNNING, kind=JobKind.UPDATE, plan=now)

    assert took_last(job.id, [job, former(job, plan=then)]) is None


def test_the_newest_one_counts() -> None:
    older = former(RUNNING, started=NOW - timedelta(days=9))

    assert took_last(RUNNING.id, [RUNNING, former(RUNNING), older]) == TOOK


@pytest.mark.parametrize("kind", [JobKind.BACKUP, JobKind.PRUNE, JobKind.COPY])
def test_others_are_not_compared(kind: JobKind) -> None:
    job = replace(RUNNING, kind=kind)

    assert took_last(job.id, [job, former(job)]) is None


def test_what_the_journal_does_not_know_is_like_nothing() -> None:
    assert took_last(RUNNING.id, [former(RUNNING)]) is None
    assert took_last(RUNNING.id, []) is None


def test_a_drill_that_only_read_is_not_the_same_work() -> None:
    job = replace(RUNNING, kind=JobKind.DRILL)
    read = former(job, plan={VERDICT: Verdict.READ})
    restored = former(job, started=NOW - timedelta(days=3), ended=NOW - timedelta(days=2))

    assert took_last(job.id, [job, read]) is None
    assert took_last(job.id, [job, read, restored]) == timedelta(days=1)
