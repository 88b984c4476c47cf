"""Look whether backups and drills are as new as they should be, and let people know if not."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.alarms import (
    Alarm,
    Hindrance,
    LateSuccess,
    Limit,
    Protection,
    judge,
    late_success,
    latest_known,
    newest_whole,
)
from bot.domain.backup_id import created_at
from bot.domain.errors import BotError
from bot.domain.jobs import ALL_JOBS, Job, JobKind
from bot.services.ports import Clock

_LOOK_INTO_STORE = timedelta(hours=1)

logger = logging.getLogger(__name__)

Newest = Callable[[datetime], Awaitable[datetime | None]]
"""The moment that the newest one that counts is named by, of those until a moment.

Raises BotError where none can tell.
"""


class Teller(Protocol):
    """Tells people; the same thing twice is told once, over any restart."""

    async def alarm(self, alarm: Alarm) -> None:
        """It is time to tell of *alarm*, for the first time or again."""

    async def over(self, kind: JobKind, good: datetime, late: LateSuccess | None = None) -> None:
        """All is well since *good*; whoever was told of an alarm before hears it.

        And of *late* in the same breath, where the alarm is older.
        """

    async def late(self, success: LateSuccess) -> None:
        """What had failed is good; told unless the end of an alarm has said so."""


class LogTeller:
    """Where there is no chat; a restart writes what lasts once more."""

    def __init__(self) -> None:
        self._alarms: dict[JobKind, set[tuple[datetime, int]]] = {}
        self._late = ""  # the newest job that was told of

    async def alarm(self, alarm: Alarm) -> None:
        told = self._alarms.setdefault(alarm.kind, set())
        this = (alarm.baseline, alarm.number)
        if this not in told:
            logger.error("%s", alarm.words)
            told.add(this)

    async def over(self, kind: JobKind, good: datetime, late: LateSuccess | None = None) -> None:
        told = self._alarms.pop(kind, set())
        if late and any(late.is_after(baseline) for baseline, _ in told):
            await self.late(late)
        elif told:
            logger.warning("the newest good %s is of %s", kind, f"{good:%Y-%m-%d %H:%M} UTC")

    async def late(self, success: LateSuccess) -> None:
        if success.job.id != self._late:
            logger.warning("%s", success.words)
            self._late = success.job.id


@dataclass
class _Seen:
    """When the newest good one was made, as the store said *at* that moment."""

    at: datetime | None = None
    good: datetime | None = None
    job: str = ""  # the newest of the journal that was good then


@dataclass
class AlarmWatch:
    """*jobs* asks the journal, *newest* the store; *limits* say how long there may be none.

    Without an answer of the store the journal counts, and what the store said before.
    *hindrances* has why the newest planned one could not begin. *good* has what was found at the
    last look, at the moment *looked*.
    """

    jobs: Callable[[int], Awaitable[Sequence[Job]]]
    clock: Clock
    newest: Mapping[JobKind, Newest]
    limits: Mapping[JobKind, Limit | None]
    since: datetime
    catch_up: timedelta
    teller: Teller
    hindrances: Mapping[JobKind, Hindrance]
    good: dict[JobKind, datetime | None] = field(default_factory=dict)
    looked: datetime | None = None
    _seen: dict[JobKind, _Seen] = field(default_factory=dict)
    _open: dict[JobKind, bool] = field(default_factory=dict)

    async def look(self) -> None:
        """Look once. Raises PortError where the journal does not answer."""
        now, jobs = self.clock.now(), await self.jobs(ALL_JOBS)
        success = late_success(jobs, now)
        for kind in self.newest:
            await self._look(kind, jobs, now, success if kind is JobKind.BACKUP else None)
        self.looked = now
        if success:
            await self.teller.late(success)

    async def _look(
        self, kind: JobKind, jobs: Sequence[Job], now: datetime, late: LateSuccess | None
    ) -> None:
        good = self.good[kind] = await self._good(kind, jobs, now)
        there = Protection(
            kind=kind,
            good=good,
            since=self.since,
            jobs=jobs,
            hindrance=self.hindrances.get(kind),
        )
        if alarm := judge(there, self.limits[kind], self.catch_up, now):
            self._open[kind] = True
            await self.teller.alarm(alarm)
        elif good and self._open.get(kind, True):  # an earlier process may have told of one
            await self.teller.over(kind, good, late)
            self._open[kind] = False

    async def _good(self, kind: JobKind, jobs: Sequence[Job], now: datetime) -> datetime | None:
        until = latest_known(now)
        done = newest_whole([job for job in jobs if job.started <= until], kind)
        seen = self._seen.setdefault(kind, _Seen())
        is_old = seen.at is None or abs(now - seen.at) >= _LOOK_INTO_STORE
        if is_old or seen.job != (done.id if done else ""):
            try:
                good = await self.newest[kind](until)
            except BotError as error:
                logger.warning("look for the newest good %s: %s", kind, error)
                known = [seen.good, created_at(done.id) if done else None]
                return max((each for each in known if each), default=None)
            self._seen[kind] = _Seen(now, good, done.id if done else "")
        return self._seen[kind].good
