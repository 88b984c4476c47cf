"""Lets a dead man's switch outside know that backups and drills are made: it notices our silence.

Whether it answers never matters to a job: it is told beside them, tried again, and then let be.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.errors import BotError
from bot.domain.heartbeat import BEGAN, Beat, Known, beat_at_end, failure, newly_given_up
from bot.domain.jobs import ALL_JOBS, Job, JobKind
from bot.domain.messages import Event, JobBegan, JobEnded
from bot.domain.slots import CATCH_UP
from bot.entrypoints.waiting import news_or_time
from bot.services.job_in_hand import working_on
from bot.services.ports import Clock

_AGAIN_AFTER = (2.0, 10.0, 60.0)
_LOOK_EVERY = 300.0
_MOST_WAITING = 100
_FAREWELL = 10.0  # seconds; as many as the chat has, beside it

logger = logging.getLogger(__name__)

Send = Callable[[JobKind, Beat], Awaitable[None]]
"""Raises BotError where it was not taken."""


@dataclass
class Heartbeat:
    """Tells of jobs of *kinds*; *jobs* asks the journal. *told* counts what was sent and failed.

    A beginning that was not taken is no failure: the end of the job is told all the same. Slots are
    tried for *catch_up*; one that is given up is told once, which may be when no job has ended.
    """

    kinds: frozenset[JobKind]
    jobs: Callable[[int], Awaitable[Sequence[Job]]]
    send: Send
    clock: Clock
    catch_up: timedelta = CATCH_UP
    told: Counter[tuple[JobKind, str]] = field(default_factory=Counter)
    _since: datetime = field(init=False)  # what was given up before, an earlier process has told
    _slots: dict[JobKind, set[datetime]] = field(init=False)  # of which it was told
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: "asyncio.Queue[tuple[Job, bool]]" = field(
        default_factory=lambda: asyncio.Queue(_MOST_WAITING)
    )

    def __post_init__(self) -> None:
        self._since = self.clock.now()
        self._slots = {kind: set() for kind in self.kinds}

    def listener(self, _: Job, event: Event) -> None:
        """Take note of a beginning or an end; it never blocks."""
        if not isinstance(event, JobBegan | JobEnded) or event.job.kind not in self.kinds:
            return
        if self._waiting.full():
            self._waiting.get_nowait()  # the newest says more
            self._waiting.task_done()
        self._waiting.put_nowait((event.job, isinstance(event, JobEnded)))
        self._news.set()

    async def run(self) -> None:
        """Tell, for ever."""
        while True:
            while not self._waiting.empty():
                await self._take(*self._waiting.get_nowait())
            if not await news_or_time(self._news, self.clock, _LOOK_EVERY):
                await self._look()

    async def _take(self, job: Job, has_ended: bool) -> None:  # noqa: FBT001
        try:
            if not has_ended:
                await self._tell(job, BEGAN)
                return
            if beat := beat_at_end(job):
                await self._tell(job, beat)
            await self._look()
        finally:
            self._waiting.task_done()

    async def _look(self) -> None:
        """Tell of slots that were given up; what keeps it from that is no fault of the switch."""
        try:
            found = await self._given_up()
        except BotError as error:
            logger.warning("the heartbeat looks for what was given up: %s", error)
        except Exception:  # boundary: the next look comes all the same
            logger.exception("the heartbeat failed on an error of akbot itself")
        else:
            for job in found:
                await self._tell(job, failure(job))

    async def _given_up(self) -> list[Job]:
        jobs, now = await self.jobs(ALL_JOBS), self.clock.now()
        self._since = min(self._since, now)  # it was noted by a clock that was ahead
        found = []
        for kind, told in self._slots.items():
            known = Known(self._since, told)
            new = newly_given_up(jobs, kind, known, self.catch_up, now)
            told.update(job.slot for job in new if job.slot)
            found += new
        return found

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

    async def _tell(self, job: Job, beat: Beat) -> None:
        with working_on(job.id):
            try:
                await (self._begin(job) if beat is BEGAN else self._end(job, beat))
            except BotError as error:
                self.told[job.kind, "failed"] += 1
                logger.warning("the heartbeat of the %s %s: %s", job.kind, job.id, error)
            except Exception:  # boundary: the next one is told all the same
                self.told[job.kind, "failed"] += 1
                logger.exception("the heartbeat failed on an error of akbot itself")

    async def _end(self, job: Job, beat: Beat) -> None:
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
