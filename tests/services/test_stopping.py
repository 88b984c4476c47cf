"""A wish to stop, at the moment when it begins to mean another thing, is heeded or is not left.

Whoever has it is told at that moment what becomes of the job; whatever is told comes true.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.adapters.journal import Journal
from bot.domain.errors import JobCancelledError
from bot.domain.jobs import Job, JobState
from bot.domain.stopping import Stop, judge_stop
from tests.fakes_journal import FakeJobJournal
from tests.fakes_restore import NEW, OLD
from tests.services.restore_world import RestoreWorld, world_with_a_backup
from tests.services.roll_world import PATCH, UPDATE, RollWorld, world_of

ADA = "Ada (7)"


class Asked:
    """The journal *target*, in which Ada wants the job stopped before or *after* that write."""

    def __init__(self, target: Any, *, after: bool = False, **facts: str) -> None:
        self._target = target
        self._after = after
        self._facts = facts
        self.seen: Job | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    async def commit(self, job_id: str, plan: Mapping[str, str]) -> str:
        is_then = self._facts.items() <= plan.items()
        if is_then and not self._after:
            self.seen = await self._target.ask_to_cancel(job_id, ADA)
        actor: str = await self._target.commit(job_id, plan)
        if is_then and self._after:
            self.seen = await self._target.ask_to_cancel(job_id, ADA)
        return actor

    @property
    def told(self) -> Stop | None:
        return judge_stop(self.seen) if self.seen else None


async def newest(asked: Asked) -> Job:
    job: Job = (await asked.jobs())[0]
    return job


@pytest.fixture
async def restoring() -> RestoreWorld:
    return await world_with_a_backup()


@pytest.mark.parametrize(
    ("phase", "after", "told"),
    [
        ("switch", False, Stop.UNTOUCHED),
        ("switch", True, Stop.COMES_BACK),
        ("keep", False, Stop.COMES_BACK),
    ],
)
async def test_a_restore_that_stops(
    restoring: RestoreWorld, phase: str, told: Stop, *, after: bool
) -> None:
    asked = Asked(FakeJobJournal(), after=after, phase=phase)
    restoring.journal = asked

    with pytest.raises(JobCancelledError, match=r"cancelled by Ada \(7\)"):
        await restoring.restore()

    assert asked.told is told
    assert (await newest(asked)).state is JobState.CANCELLED
    assert restoring.host.served() == {OLD}
    assert not restoring.host.left_over()


async def test_a_restore_that_has_held_is_not_stopped(restoring: RestoreWorld) -> None:
    asked = Asked(FakeJobJournal(), after=True, phase="keep")
    restoring.journal = asked

    await restoring.restore()

    job = await newest(asked)
    assert asked.told is Stop.IS_DONE
    assert (job.state, job.cancelled_by) == (JobState.DONE, "")
    assert restoring.host.served() == {NEW}


@pytest.mark.parametrize(
    ("facts", "told", "version"),
    [
        ({"phase": "switch"}, Stop.UNTOUCHED, "2025.2.1"),
        ({"phase": "ready", "hop": "2"}, Stop.COMES_BACK, "2025.2.1"),
        ({"phase": "keep"}, Stop.COMES_BACK, "2025.2.4"),
    ],
)
async def test_an_update_that_stops(
    journal: Journal, facts: dict[str, str], told: Stop, version: str
) -> None:
    """On its way over 2025.2.4; what held there stays."""
    world, asked = updating(journal, facts)

    with pytest.raises(JobCancelledError, match=r"cancelled by Ada \(7\)"):
        await world.update(replace(UPDATE, rehearse=False))

    assert asked.told is told
    assert (world.host.running, world.host.tag) == (version, version)
    assert (await newest(asked)).state in {JobState.CANCELLED, JobState.ROLLED_BACK}


async def test_an_update_that_has_held_is_not_stopped(journal: Journal) -> None:
    world, asked = updating(journal, {"phase": "keep"}, after=True)

    await world.update(replace(PATCH, rehearse=False))

    job = await newest(asked)
    assert asked.told is Stop.IS_DONE
    assert (job.state, job.cancelled_by) == (JobState.DONE, "")
    assert world.host.running == "2025.2.4"


async def test_a_rollback_stops_before_it_has_begun(journal: Journal) -> None:
    world, asked = updating(journal, {"phase": "back"})
    await world.update(replace(PATCH, rehearse=False))

    with pytest.raises(JobCancelledError, match=r"cancelled by Ada \(7\)"):
        await world.roll_back()

    assert asked.told is Stop.UNTOUCHED
    assert (await newest(asked)).state is JobState.CANCELLED
    assert world.host.running == "2025.2.4"


async def test_a_rollback_that_has_begun_goes_to_its_end(journal: Journal) -> None:
    world, asked = updating(journal, {"phase": "back"}, after=True)
    await world.update(replace(PATCH, rehearse=False))

    await world.roll_back()

    job = await newest(asked)
    assert asked.told is Stop.GOES_ON
    assert (job.state, job.cancelled_by) == (JobState.DONE, "")
    assert world.host.running == "2025.2.1"


def updating(
    journal: Journal, facts: Mapping[str, str], *, after: bool = False
) -> tuple[RollWorld, Asked]:
    """A stack of 2025.2.1."""
    world = world_of(journal)
    asked = Asked(journal.jobs, after=after, **facts)
    return replace(world, journal=asked), asked
