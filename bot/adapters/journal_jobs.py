"""Jobs in the journal."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from bot.adapters.journal_compact import days_of, forget
from bot.adapters.journal_database import JournalDatabase
from bot.adapters.journal_schema import from_text, to_text
from bot.domain.backup_id import BackupId
from bot.domain.jobs import Job, JobKind, JobState, Outcome, Trigger
from bot.domain.stopping import can_stop

_INSERT = """
    INSERT INTO jobs (
        id, kind, trigger, actor, started, state, origin, slot, label, plan, step, progress, share,
        message, ended, crashes, swept, cancelled_by
    ) VALUES (
        :id, :kind, :trigger, :actor, :started, :state, :origin, :slot, :label, :plan, :step,
        :progress, :share, :message, :ended, :crashes, :swept, :cancelled_by
    )
"""


class SqliteJobJournal:
    """A JobJournal in *database*. A job that it does not have raises KeyError when it is written.

    Steps and plans of a full disk fail at once, so that no work begins that cannot be told;
    `crashed`, `finish` and `note`, which tell what is true already, are given the ballast.
    """

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database

    async def begin(self, job: Job) -> None:
        await self._database.keep_room()
        await self._database.write(lambda journal: journal.execute(_INSERT, _to_row(job)))

    async def plan(self, job_id: str, plan: Mapping[str, str]) -> None:
        await self._database.write(lambda journal: _add(journal, job_id, plan))

    async def commit(self, job_id: str, plan: Mapping[str, str]) -> str:
        added = json.dumps(dict(plan))
        statement = "UPDATE jobs SET plan = json_patch(plan, ?) WHERE id = ? AND cancelled_by = ''"
        job = await self._database.write(lambda journal: _update(journal, job_id, statement, added))
        return job.cancelled_by

    async def note(self, job_id: str, plan: Mapping[str, str]) -> None:
        await self._database.write_at_last(lambda journal: _add(journal, job_id, plan))

    async def step(self, job_id: str, step: str) -> None:
        await self._database.write(
            lambda journal: _update(journal, job_id, "UPDATE jobs SET step = ? WHERE id = ?", step)
        )

    async def progress(self, job_id: str, words: str, share: float | None) -> str:
        statement = "UPDATE jobs SET progress = ?, share = ? WHERE id = ?"
        job = await self._database.write_fast(
            lambda journal: _update(journal, job_id, statement, words, share)
        )
        return job.cancelled_by

    async def ask_to_cancel(self, job_id: str, actor: str) -> Job | None:
        return await self._database.write(lambda journal: _ask_to_cancel(journal, job_id, actor))

    async def crashed(self, job_id: str) -> Job:
        statement = "UPDATE jobs SET crashes = crashes + 1 WHERE id = ?"
        return await self._database.write_at_last(
            lambda journal: _update(journal, job_id, statement)
        )

    async def finish(self, job_id: str, outcome: Outcome, ended: datetime) -> None:
        statement = "UPDATE jobs SET state = ?, message = ?, swept = ?, ended = ? WHERE id = ?"
        values = (outcome.state, outcome.message, outcome.swept, to_text(ended))
        await self._database.write_at_last(
            lambda journal: _update(journal, job_id, statement, *values)
        )

    async def job(self, job_id: str) -> Job | None:
        return await self._database.read(lambda journal: _find(journal, job_id))

    async def jobs(self, limit: int = 20) -> Sequence[Job]:
        return await self._select("ORDER BY number DESC LIMIT ?", limit)

    async def open_jobs(self) -> Sequence[Job]:
        return await self._select("WHERE NOT swept AND state <> ? ORDER BY number", JobState.STUCK)

    async def stuck_jobs(self) -> Sequence[Job]:
        return await self._select("WHERE state = ? ORDER BY number", JobState.STUCK)

    async def _select(self, where: str, *values: str | int) -> list[Job]:
        statement = f"SELECT * FROM jobs {where}"  # noqa: S608 - of words in this module
        return await self._database.read(
            lambda journal: [_from_row(row) for row in journal.execute(statement, values)]
        )

    async def days(self) -> Collection[date]:
        return await self._database.read(days_of)

    async def compact(self, before: datetime) -> int:
        jobs = await self._database.write(lambda journal: forget(journal, before))
        await self._database.truncate_log()
        return jobs


def _update(
    journal: sqlite3.Connection, job_id: str, statement: str, *values: str | float | None
) -> Job:
    """Change one job, whose id is the statement's last parameter; return it as it is then."""
    journal.execute(statement, (*values, job_id))
    job = _find(journal, job_id)
    if job is None:
        raise KeyError(job_id)
    return job


def _add(journal: sqlite3.Connection, job_id: str, plan: Mapping[str, str]) -> None:
    statement = "UPDATE jobs SET plan = json_patch(plan, ?) WHERE id = ?"
    _update(journal, job_id, statement, json.dumps(dict(plan)))


def _ask_to_cancel(journal: sqlite3.Connection, job_id: str, actor: str) -> Job | None:
    job = _find(journal, job_id)
    if job is None or job.state is not JobState.RUNNING:
        return None
    if job.cancelled_by or not can_stop(job):
        return job
    return _update(journal, job_id, "UPDATE jobs SET cancelled_by = ? WHERE id = ?", actor)


def _find(journal: sqlite3.Connection, job_id: str) -> Job | None:
    row = journal.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return _from_row(row) if row else None


def _to_row(job: Job) -> dict[str, str | float | None]:
    return {
        **vars(job),
        "started": to_text(job.started),
        "slot": to_text(job.slot) if job.slot else None,
        "ended": to_text(job.ended) if job.ended else None,
        "plan": json.dumps(dict(job.plan)),
    }


def _from_row(row: sqlite3.Row) -> Job:
    return Job(
        id=BackupId(row["id"]),
        kind=JobKind(row["kind"]),
        trigger=Trigger(row["trigger"]),
        actor=row["actor"],
        started=from_text(row["started"]),
        state=JobState(row["state"]),
        origin=row["origin"],
        slot=from_text(row["slot"]) if row["slot"] else None,
        label=row["label"],
        plan=json.loads(row["plan"]),
        step=row["step"],
        progress=row["progress"],
        share=row["share"],
        message=row["message"],
        ended=from_text(row["ended"]) if row["ended"] else None,
        crashes=row["crashes"],
        swept=bool(row["swept"]),
        cancelled_by=row["cancelled_by"],
    )
