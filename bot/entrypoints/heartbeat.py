"""Lets a dead man's switch outside know that backups and drills are made: it notices our silence.

Whether it answers never matters to a job: it is told beside them, tried again, and then let be.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bot.domain.errors import BotError
from bot.domain.heartbeat import BEGAN, Beat, beat_at_end
from bot.domain.jobs import ALL_JOBS, Job, JobKind
from bot.domain.messages import Event, JobBegan, JobEnded
from bot.services.job_in_hand import working_on
from bot.services.ports import Clock

_AGAIN_AFTER = (2.0, 10.0, 60.0)
_MOST_WAITING = 100
_FAREWELL = 10.0  # seconds; as many as the chat has, beside it

logger = logging.getLogger(__name__)

Send = Callable[[JobKind, Beat], Awaitable[None]]
"""Raises BotError where it was not taken."""


@dataclass
class Heartbeat:
    """Tells of jobs of *kinds*; *jobs* asks the journal. *told* counts what was sent and failed.

    A beginning that was not taken is no failure: the end of the job is told all the same.
    """

    kinds: frozenset[JobKind]
    jobs: Callable[[int], Awaitable[Sequence[Job]]]
    send: Send
    clock: Clock
    told: Counter[tuple[JobKind, str]] = field(default_factory=Counter)
    _waiting: "asyncio.Queue[tuple[Job, bool]]" = field(
        default_factory=lambda: asyncio.Queue(_MOST_WAITING)
    )

    def listener(self, _: Job, event: Event) -> None:
        """Take note of a beginning or an end; it never blocks."""
        if not isinstance(event, JobBegan | JobEnded) or event.job.kind not in self.kinds:
            return
        if self._waiting.full():
            self._waiting.get_nowait()  # the newest says more
            self._waiting.task_done()
        self._waiting.put_nowait((event.job, isinstance(event, JobEnded)))

    async def run(self) -> None:
        """Tell, for ever."""
        while True:
            job, has_ended = await self._waiting.get()
            try:
                with working_on(job.id):
                    await self._tell_or_log(job, has_ended=has_ended)
            finally:
                self._waiting.task_done()

    async def farewell(self) -> None:
        """Wait until what has ended is told, not for long: the process is about to stop."""
        told = asyncio.create_task(self._waiting.join())
        patience = asyncio.create_task(self.clock.sleep(_FAREWELL))
        try:
            await asyncio.wait({told, patience}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            patience.cancel()
            await asyncio.wait({told, patience})

    async def _tell_or_log(self, job: Job, *, has_ended: bool) -> None:
        try:
            await self._tell(job, has_ended=has_ended)
        except BotError as error:
            self.told[job.kind, "failed"] += 1
            logger.warning("the heartbeat of the %s %s: %s", job.kind, job.id, error)
        except Exception:  # boundary: the next one is told all the same
            self.told[job.kind, "failed"] += 1
            logger.exception("the heartbeat failed on an error of akbot itself")

    async def _tell(self, job: Job, *, has_ended: bool) -> None:
        if not has_ended:
            await self._begin(job)
            return
        beat = beat_at_end(job, await self.jobs(ALL_JOBS), self.clock.now())
        if beat:
            await self._until_taken(job.kind, beat)
            self.told[job.kind, "sent"] += 1

    async def _begin(self, job: Job) -> None:
        """Once: the end says more, and rings by itself where it is not taken either."""
        try:
            await self.send(job.kind, BEGAN)
        except BotError as error:
            logger.info("the beginning of the %s %s was not taken: %s", job.kind, job.id, error)
        else:
            self.told[job.kind, "sent"] += 1

    async def _until_taken(self, kind: JobKind, beat: Beat) -> None:
        for seconds in _AGAIN_AFTER:
            try:
                await self.send(kind, beat)
            except BotError as error:
                logger.info("the heartbeat of the %s: %s", kind, error)
                await self.clock.sleep(seconds)
            else:
                return
        await self.send(kind, beat)
