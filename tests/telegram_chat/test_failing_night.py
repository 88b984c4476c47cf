"""A planned backup that fails all night, from the schedule to the phone, and from the phone back.

Schedule, jobs, backup, journal, alarms and chat are the real ones; stack, store and Telegram are
in memory, and a clock is turned.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.alarms import Limit
from bot.domain.jobs import ALL_JOBS, Job, JobKind, JobState, Trigger
from bot.domain.messages import RunBackup
from bot.domain.schedule import Schedule
from bot.domain.slots import CATCH_UP, TRIED_AGAIN_AFTER
from bot.entrypoints.alarms import AlarmRounds
from bot.entrypoints.daemon import Daemon
from bot.entrypoints.scheduler import Scheduler
from bot.entrypoints.telegram.chat import Chat
from bot.services.alarms import AlarmWatch
from bot.services.runner import JobRunner
from tests.fakes_stack import FakeState
from tests.services import world as services
from tests.services.test_newest import newest_of
from tests.telegram_chat.world import LONG_ENOUGH, NOW, World

NIGHT = datetime(2026, 11, 25, 3, 30, tzinfo=UTC)
LIMIT = Limit(timedelta(hours=26))


@dataclass
class Bot:
    """What `akbot run` consists of, beside the chat."""

    world: World
    services: services.World
    runner: JobRunner = field(init=False)

    def __post_init__(self) -> None:
        made = self.services
        self.runner = JobRunner(
            made.journal,
            self.world.clock,
            made.start,
            made.records,
            made.engine.find_stack,
            made.pin,
            made.read_back,
            made.preview,
            made.standing,
        )
        operations: Any = self.runner
        self.world.operations = operations

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """With its chat, until the block ends."""
        async with self.world.talking() as chat:
            running = asyncio.create_task(self._daemon(chat).run(asyncio.Event()))
            try:
                yield
            finally:
                running.cancel()
                await asyncio.wait([running])

    def _daemon(self, chat: Chat) -> Daemon:
        made, clock = self.services, self.world.clock
        scheduler = Scheduler(
            JobKind.BACKUP,
            Schedule("30 3 * * *", UTC),
            lambda slot: RunBackup(trigger=Trigger.SCHEDULE, actor="schedule", slot=slot),
            self.runner,
            clock,
            since=NOW,
            troubles={},
        )
        newest = {JobKind.BACKUP: newest_of(made).backup}
        limits = {JobKind.BACKUP: LIMIT}
        watch = AlarmWatch(made.journal.jobs, clock, newest, limits, NOW, CATCH_UP, chat.alarms, {})
        alarms = AlarmRounds(watch.look, clock)
        made.listeners[:] = [chat.listener, alarms.listener]

        async def sweep() -> Sequence[str]:
            return ()

        return Daemon(
            runner=self.runner,
            journal=made.journal,
            recover=made.jobs.recover,
            probe=FakeState().probe,
            sweep=sweep,
            clock=clock,
            parts=[scheduler.run, alarms.run],
            farewell=chat.farewell,
            troubles={},
        )

    async def planned(self) -> list[Job]:
        """Those runs of the schedule that have ended, the newest first."""
        jobs: Sequence[Job] = await self.services.journal.jobs(ALL_JOBS)
        return [job for job in jobs if job.slot and job.ended]

    async def fails(self, times: int) -> None:
        """Wait until so many runs have failed."""
        async with asyncio.timeout(LONG_ENOUGH):
            while len(await self.planned()) < times:
                self.world.clock.advance(1)
                await asyncio.sleep(0.01)


@pytest.fixture
async def bot(world: World, tmp_path: Path) -> AsyncIterator[Bot]:
    journal = Journal(StateFolder(tmp_path / "state"))
    clock: Any = world.clock
    yield Bot(world, services.World(clock=clock, journal=journal.jobs))
    await journal.close()


async def test_it_is_one_alarm_with_its_cause_and_a_press_that_ends_it(
    world: World, bot: Bot
) -> None:
    await bot.services.run()  # the last good one, at noon
    bot.services.store.fail_put_at = 1
    async with bot.working():
        world.clock.advance((NIGHT - world.clock.now()).total_seconds())
        await bot.fails(1)
        for number, after in enumerate(TRIED_AGAIN_AFTER, start=2):
            assert world.anna.chat.from_bot == [], "it is tried again first"
            world.clock.advance(after.total_seconds())
            await bot.fails(number)
        alarm = await world.said("🆘 No good backup since 24 Nov 12:00")
        await world.said("🆘 No good backup", world.boris.chat)
        await world.all_sent()
        assert re.search(r"since 24 Nov 12:00 \(1[67] h ago\)", alarm.text)
        assert "4 planned ones failed, the last at 04:" in alarm.text
        assert "connection lost" in alarm.text
        assert alarm.labels == ["Try again", "Show log", "Status"]
        assert not alarm.silent
        assert len(world.anna.chat.from_bot) == len(world.boris.chat.from_bot) == 1

        bot.services.store.fail_put_at = None
        await world.asks(world.anna, "/help")  # the hours leapt over one poll, which is old by now
        world.anna.presses(alarm, "Try again")
        await world.said("Backup done")
        for person in (world.anna, world.boris):
            await world.said("✅ A good backup was made at", person.chat)
        await world.all_sent()

    begun, *failed = await bot.services.journal.jobs(ALL_JOBS)
    assert (begun.state, begun.trigger, begun.slot) == (JobState.DONE, Trigger.CHAT, None)
    assert [job.state for job in failed] == [*[JobState.FAILED] * 4, JobState.DONE]
    assert not alarm.labels
    told = [text for text in world.anna.chat.texts if text.startswith(("🆘", "✅ A good"))]
    assert len(told) == 2
