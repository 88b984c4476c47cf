"""When the daemon tries what an earlier process left: at once when it starts, then at leisure."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from bot.domain.errors import PortError
from bot.domain.jobs import Job
from bot.entrypoints.daemon import Daemon
from tests.services.simulated_time import SimulatedClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Idle:
    """A JobRunner that has nothing in hand."""

    async def close(self, patience: float) -> None:
        """There is nothing to wait for."""


class Compacting:
    """Of a journal, what is done once an hour."""

    async def compact(self, before: datetime) -> None:
        """Nothing in it is old."""


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
