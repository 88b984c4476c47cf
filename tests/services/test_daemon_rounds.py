"""When the daemon tries what an earlier process left: at once when it starts, then at leisure."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest

from bot.domain.backup_id import make_backup_id
from bot.domain.errors import PortError
from bot.domain.jobs import REMEMBERED, Job, JobKind, JobState, Outcome, Trigger
from bot.domain.journal_age import DAYS_REMEMBERED
from bot.entrypoints.daemon import Daemon
from tests.fakes_journal import FakeJobJournal
from tests.services.simulated_time import SimulatedClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Idle:
    """A JobRunner that has nothing in hand."""

    async def close(self, patience: float) -> None:
        """There is nothing to wait for."""


class Compacting:
    """Of a journal, what is asked once an hour."""

    async def days(self) -> Collection[date]:
        """Nothing in it is old."""
        return ()


@dataclass
class Earlier:
    """Notes how each try was asked for; *fails* are the errors of the first ones."""

    fails: list[Exception] = field(default_factory=list)
    leisurely: list[bool] = field(default_factory=list)

    async def recover(self, *, at_leisure: bool) -> Sequence[Job]:
        self.leisurely.append(at_leisure)
        if self.fails:
            raise self.fails.pop(0)
        return ()


async def nothing() -> Any:
    return ()


async def do_a_job(journal: FakeJobJournal, now: datetime) -> None:
    job = Job(
        id=make_backup_id(now, "k3f9"),
        kind=JobKind.BACKUP,
        trigger=Trigger.SCHEDULE,
        actor="schedule",
        started=now,
    )
    await journal.begin(job)
    await journal.finish(job.id, Outcome(JobState.DONE, "done"), now)


async def do_a_job_each_day(journal: FakeJobJournal, clock: SimulatedClock) -> None:
    while True:
        await clock.sleep(86400)
        await do_a_job(journal, clock.now())


async def let_it_run(earlier: Earlier, minutes: int) -> None:
    clock, stop = SimulatedClock(START), asyncio.Event()
    daemon = Daemon(
        runner=cast("Any", Idle()),
        journal=cast("Any", Compacting()),
        recover=earlier.recover,
        probe=nothing,
        sweep=nothing,
        clock=clock,
        parts=[],
        farewell=nothing,
        troubles={},
    )
    running = asyncio.create_task(daemon.run(stop))
    await clock.run_until(START + timedelta(minutes=minutes))
    stop.set()
    await running


async def test_whoever_restarts_the_bot_has_it_tried_at_once() -> None:
    earlier = Earlier()

    await let_it_run(earlier, minutes=2)

    assert earlier.leisurely == [False, True, True]


async def test_a_first_round_that_could_not_look_was_none() -> None:
    earlier = Earlier([PortError("the journal cannot be read")])

    await let_it_run(earlier, minutes=2)

    assert earlier.leisurely == [False, False, True]


@pytest.mark.parametrize("wrong_by", [timedelta(), timedelta(days=400), timedelta(days=-20_000)])
async def test_a_clock_that_is_wrong_for_three_days_costs_no_history_that_is_young_enough(
    wrong_by: timedelta,
) -> None:
    """A job was done each day for a year; then the clock goes wrong, and is set right."""
    journal, clock = FakeJobJournal(), SimulatedClock(START)
    for days in range(365):
        await do_a_job(journal, START - timedelta(days=days))
    daemon = Daemon(
        runner=cast("Any", Idle()),
        journal=journal,
        recover=Earlier().recover,
        probe=nothing,
        sweep=nothing,
        clock=clock,
        parts=[partial(do_a_job_each_day, journal, clock)],
        farewell=nothing,
        troubles={},
    )
    stop = asyncio.Event()
    running = asyncio.create_task(daemon.run(stop))
    clock.jump(wrong_by)
    await clock.run_until(clock.at + timedelta(days=3))
    clock.jump(-wrong_by)
    await clock.run_until(clock.at + timedelta(hours=2))
    stop.set()
    await running

    ends = {job.ended for job in journal.rows.values() if job.ended}
    today = START + timedelta(days=3)
    done = {today - timedelta(days=days) for days in range(REMEMBERED.days)}
    wrong = {START + wrong_by + timedelta(days=days) for days in (1, 2, 3)}
    assert ends >= (
        done - {START + timedelta(days=days) for days in (1, 2, 3)} if wrong_by else done
    )
    assert bool(ends & wrong) == (wrong_by >= timedelta())
    assert len(ends) <= DAYS_REMEMBERED
