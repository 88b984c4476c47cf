"""`akbot run`: schedule, chat and health beside each other until a signal ends them in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.daemon_report import ITSELF, STATE
from bot.domain.errors import BotError, BusyError
from bot.domain.jobs import Job
from bot.domain.journal_age import forgets_before
from bot.services.journal_ports import JobJournal
from bot.services.ports import Clock
from bot.services.pulse import Beat, no_beat
from bot.services.runner import JobRunner

_FINISH_WITHIN = 75.0  # seconds that a job in hand gets; undoing it takes some of the other 45
_SWEEP_EVERY = 60.0
_COMPACT_EVERY = 3600.0

logger = logging.getLogger(__name__)


class Recover(Protocol):
    """Settles what an earlier process left; *at leisure* what was tried often has time."""

    async def __call__(self, *, at_leisure: bool) -> Sequence[Job]: ...


@dataclass
class Daemon:
    """*recover* is tried in every round: whoever starts the daemon has it tried at once, though.

    *parts* run until they are cancelled.

    *sweep* removes what restores have kept long enough. *probe* writes a little into the state
    folder and the journal, and *beat* tells that this goes round; *beat_of_settling* tells it of
    what *recover* does, for which every job waits. *troubles* has a sentence for each kind of work
    of the daemon's own that fails at the moment. *farewell* is awaited once the job in hand has
    ended, so that its outcome is still told.
    """

    runner: JobRunner
    journal: JobJournal
    recover: Recover
    probe: Callable[[], Awaitable[None]]
    sweep: Callable[[], Awaitable[Sequence[str]]]
    clock: Clock
    parts: Sequence[Callable[[], Coroutine[None, None, None]]]
    farewell: Callable[[], Awaitable[None]]
    troubles: MutableMapping[str, str]
    finish_within: float = _FINISH_WITHIN
    beat: Beat = no_beat
    beat_of_settling: Beat = no_beat
    _has_tried: bool = field(default=False, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop*; then let the job in hand end or undo it, and return."""
        async with asyncio.TaskGroup() as tasks:
            upkeep = [
                self._upkeep(STATE, self.probe, _SWEEP_EVERY, self.beat),
                self._upkeep("earlier jobs", self._settle, _SWEEP_EVERY, self.beat_of_settling),
                self._upkeep("journal", self._compact, _COMPACT_EVERY),
                self._upkeep("what restores keep", self._sweep, _COMPACT_EVERY),
            ]
            parts = [*upkeep, *(part() for part in self.parts)]
            running = [tasks.create_task(part) for part in parts]
            try:
                await stop.wait()
                logger.info("stopping: nothing new begins, the job in hand may end")
                await self.runner.close(self.finish_within)
                await self.farewell()
            finally:
                await self.runner.close(0)
                for task in running:
                    task.cancel()

    async def _upkeep(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        seconds: float,
        beat: Beat = no_beat,
    ) -> None:
        """Do *work* over and over; what fails stands in *troubles* until it succeeds again."""
        while True:
            beat()
            try:
                await work()
            except BusyError:
                pass  # the job that runs settles it itself
            except BotError as error:
                self.troubles[name] = f"{name}: {error}"
                logger.warning("%s: %s", name, error)
            except Exception:  # boundary: the job in hand and the other loops go on
                self.troubles[name] = f"{name}: {ITSELF}"
                logger.exception("%s: an error of akbot itself", name)
            else:
                self.troubles.pop(name, None)
            await self.clock.sleep(seconds)

    async def _settle(self) -> None:
        """Undo what could not be undone when it failed, as soon as store and Engine answer."""
        for job in await self.recover(at_leisure=self._has_tried):
            logger.info("settled job %s: %s: %s", job.id, job.state, job.message)
        self._has_tried = True

    async def _sweep(self) -> None:
        for job_id in await self.sweep():
            logger.info("what the restore %s had kept for an undo is removed", job_id)

    async def _compact(self) -> None:
        before = forgets_before(self.clock.now(), await self.journal.days())
        if before:
            await self.journal.compact(before)
