"""Beside a job's work: its progress goes into the journal, a wish to cancel comes out."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from bot.domain.errors import BotError
from bot.domain.jobs import Job
from bot.domain.messages import Event
from bot.domain.progress import BackupProgress
from bot.services.journal_ports import JobJournal
from bot.services.ports import Clock

T = TypeVar("T")

_TICK = 1.0
logger = logging.getLogger(__name__)


class JobFollower:
    """Keeps the journal's progress of a job up to date, and looks there for a wish to cancel it.

    *tell* hears of each event at once; *cancelled_by* is who had that wish, "" for nobody.
    """

    def __init__(
        self, job: Job, journal: JobJournal, clock: Clock, tell: Callable[[Job, Event], None]
    ) -> None:
        self._job = job
        self._journal = journal
        self._clock = clock
        self._tell = tell
        self._progress = BackupProgress()
        self.cancelled_by = ""

    def publish(self, event: Event) -> None:
        """Take note of an event of the job."""
        self._progress = self._progress.after(event)
        self._tell(self._job, event)

    def heed(self, actor: str) -> None:
        """Note whose wish it is that the job ends."""
        self.cancelled_by = self.cancelled_by or actor

    async def follow(self, working: asyncio.Future[T]) -> None:
        """Once a second until cancelled; *working* is cancelled where somebody wishes it.

        A journal that does not take the progress is logged: the next step that it does not take
        ends the job.
        """
        failed: type[Exception] | None = None
        while True:
            await self._clock.sleep(_TICK)
            progress = self._progress
            try:
                actor = await self._journal.progress(self._job.id, progress.words, progress.share)
            except BotError as error:
                if type(error) is not failed:  # once, not every second
                    failed = type(error)
                    logger.warning("write the progress of %s: %s", self._job.id, error)
                continue
            except Exception as error:  # boundary: neither the work nor a wish to cancel it ends
                if type(error) is not failed:
                    failed = type(error)
                    logger.exception("write the progress of %s", self._job.id)
                continue
            if actor and not self.cancelled_by:
                self.heed(actor)
                working.cancel()
