"""What people wrote to a restored stack that went back later on is not dropped, only set aside."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.domain.errors import PortError
from bot.domain.jobs import Job, JobState
from bot.domain.restore import Site
from bot.services.restore import Restored
from bot.services.restore_ports import Tools
from tests.fakes_restore import NEW, OLD, FakeControl, FakeMounts, FakeWorkplace, QuickClock
from tests.services.mortal import KilledError, Life
from tests.services.restore_world import (
    RESTORE,
    RestoreWorld,
    process,
    world_with_a_backup,
)
from tests.services.stored import store_backup
from tests.services.test_kept import HOUR, kept
from tests.services.test_restore_kills import died_after_start, prepared

PLAIN = replace(RESTORE, safety_backup=False)
DAY = timedelta(hours=8)


class BackFails(FakeControl):
    """What goes away as soon as the way back has begun."""

    failing = ""

    async def remove(self, *, hurry: bool = False) -> None:
        self.host.fails = {self.failing}
        await super().remove(hurry=hurry)


class KilledInIt(FakeMounts):
    async def swap_back(self, sources: object) -> None:  # noqa: ARG002
        raise KilledError


@dataclass
class BadPlace(FakeWorkplace):
    """The way back stops at the call *failing*, or is killed at the files where that is ""."""

    failing: str = ""

    async def tools(self, site: Site, job: str) -> Tools:
        tools = await super().tools(site, job)
        if not self.failing:
            return replace(tools, files=KilledInIt(self.host, job))
        control = BackFails(self.host)
        control.failing = self.failing
        return replace(tools, control=control)


class YieldingClock(QuickClock):
    """Lets others act while somebody waits."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await asyncio.sleep(0)


async def restored_and_written_to(journal: Journal, elsewhere: Path) -> RestoreWorld:
    """Its process died after the start; in the evening the gate does not hold."""
    world = await prepared(journal, PLAIN)
    await died_after_start(world, journal, elsewhere)
    write_all_day(world)
    world.host.well = {OLD}
    return world


def write_all_day(world: RestoreWorld) -> None:
    world.host.write()
    world.gate_clock.at += DAY
    world.clock.at += DAY


def is_set_aside(world: RestoreWorld, job: Job) -> None:
    """The state before serves, and nothing that was written is gone."""
    [aside] = [name for name in world.host.databases if "_restore_" in name]
    assert world.host.databases[aside].rstrip("+") == NEW != world.host.databases[aside]
    assert {mount.staged[job.id] for mount in world.host.mounts.values()} == {NEW.encode()}
    assert world.host.served() == {OLD}
    assert (aside in job.message, job.swept) == (True, True)
    assert f'kept as database "{aside}", until AKBOT_SNAPSHOT_KEEP has passed' in job.message


@pytest.mark.parametrize("failing", ["swap", "swap back", "write tag", "unfence", "start"])
async def test_a_way_back_that_fails_half_way_drops_nothing_the_next_time(
    journal: Journal, tmp_path: Path, failing: str
) -> None:
    world = await restored_and_written_to(journal, tmp_path / "other")
    stops = replace(world, workplace=BadPlace(world.host, failing))
    [left] = await process(stops, journal, Life()).jobs.recover()
    assert (left.state, left.swept) == (JobState.INTERRUPTED, False)
    world.host.fails = set()

    [settled] = await process(world, journal, Life()).jobs.recover()

    is_set_aside(world, settled)


async def test_a_way_back_that_is_killed_half_way_drops_nothing_the_next_time(
    journal: Journal, tmp_path: Path
) -> None:
    world = await restored_and_written_to(journal, tmp_path / "other")
    stops = replace(world, workplace=BadPlace(world.host))
    with pytest.raises(KilledError):
        await process(stops, journal, Life()).jobs.recover()

    [settled] = await process(world, journal, Life()).jobs.recover()

    is_set_aside(world, settled)


async def failed_while_docker_was_away() -> RestoreWorld:
    """A restore that could not be undone: Docker went away while it waited for the gate."""
    world = await world_with_a_backup()
    world.host.well = {OLD}
    world.host.outages = {"end sessions": 1_000_000}
    with pytest.raises(PortError):
        await world.restore(PLAIN)
    world.host.away = 0
    return world


async def test_what_serves_after_a_restore_that_could_not_be_undone_is_not_dropped() -> None:
    """Docker comes back with the containers up."""
    world = await failed_while_docker_was_away()
    write_all_day(world)
    [settled] = await world.jobs.recover()

    assert settled.state is JobState.FAILED
    is_set_aside(world, settled)


async def waiting_for_docker() -> tuple[RestoreWorld, asyncio.Future[Restored]]:
    """A restore in its own process, which waits to undo what did not hold."""
    world = await world_with_a_backup(gate_clock=YieldingClock())
    world.host.well = {OLD}
    world.host.outages = {"end sessions": 1_000_000}
    restoring = asyncio.ensure_future(world.restore(PLAIN))
    while not world.host.away:  # noqa: ASYNC110 - the host has no event
        await asyncio.sleep(0)
    return world, restoring


async def test_nor_after_one_whose_bot_was_stopped_while_it_waited_to_undo_it() -> None:
    world, restoring = await waiting_for_docker()
    restoring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await restoring

    world.host.away = 0
    write_all_day(world)
    [settled] = await world.jobs.recover()

    is_set_aside(world, settled)


async def test_nor_what_served_while_its_own_process_waited_for_docker() -> None:
    """Within the ten minutes; Docker comes back with the containers up."""
    world, restoring = await waiting_for_docker()

    world.host.write()
    world.host.away = 0
    with pytest.raises(PortError):
        await restoring

    [failed] = await world.journal.jobs(1)
    assert failed.state is JobState.FAILED
    is_set_aside(world, failed)


async def test_what_is_set_aside_goes_a_day_after_that_and_not_after_the_failure() -> None:
    world = await failed_while_docker_was_away()
    for _ in range(5):
        write_all_day(world)
    await world.jobs.recover()
    store_backup(world, world.clock.at + HOUR, suffix="zzzz")

    world.clock.at += 23 * HOUR
    assert not await kept(world).sweep()
    assert world.host.left_over()
    world.clock.at += 2 * HOUR
    assert await kept(world).sweep()

    assert not world.host.left_over()
    assert world.host.served() == {OLD}
