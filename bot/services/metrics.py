"""Gathers what `/metrics` tells, in bounded time: what hangs is left out, and that is told."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.agenda import Plan
from bot.domain.alarms import Limit, Protection, latest_known, newest_whole
from bot.domain.catalogue import newest_good
from bot.domain.container_state import ContainerState
from bot.domain.daemon_report import DOCKER, DaemonReport
from bot.domain.errors import BotError
from bot.domain.figures import Family
from bot.domain.findings import DiskUsage
from bot.domain.jobs import Job, JobKind
from bot.domain.metrics import Facts, StoreFigures, families
from bot.domain.surroundings import Surroundings
from bot.services.bounded import Bounded
from bot.services.job_counts import JobCounts
from bot.services.ports import Clock, Disk
from bot.services.stores import Catalogue

_WITHIN = 4.0  # seconds; Prometheus gives up after ten
_LATELY = 500  # jobs; between two scrapes fewer end

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where the figures come from.

    *stack*, *containers*, *catalogue*, *good*, *beats* and *surroundings* give what others of the
    daemon know already, *good* as it was at the moment *looked*; *systems* asks Docker and the
    stores, *jobs* and *incidents* the journal, *disks* are the folders whose file systems count, by
    what they are called.
    """

    report: Callable[[], Awaitable[DaemonReport]]
    systems: Callable[[], Awaitable[Mapping[str, str]]]
    jobs: Callable[[int], Awaitable[Sequence[Job]]]
    incidents: Callable[[], Awaitable[Sequence[object]]]
    disk: Disk
    disks: Mapping[str, str]
    stack: Callable[[], bool | None]
    containers: Callable[[], Mapping[str, ContainerState | None]]
    catalogue: Callable[[], Catalogue | None]
    good: Callable[[], Mapping[JobKind, datetime | None]]
    looked: Callable[[], datetime | None]
    beats: Callable[[], Mapping[tuple[JobKind, str], int]]
    surroundings: Callable[[], Surroundings | None]


@dataclass(kw_only=True)
class MetricsService:
    """*limits* say how old the newest backup and drill may get, *switches* who has a dead man's."""

    sources: Sources
    clock: Clock
    version: str
    since: datetime
    plans: Sequence[Plan]
    limits: Mapping[JobKind, Limit | None]
    switches: Sequence[JobKind]
    within: float = _WITHIN
    _counts: JobCounts = field(init=False)
    _journal: Bounded[tuple[Sequence[Job], int]] = field(init=False)
    _disks: Bounded[Mapping[str, DiskUsage]] = field(init=False)
    _whole: dict[JobKind, Job] = field(default_factory=dict)  # the newest that was ever read
    _told: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._counts = JobCounts(self.clock.now())
        self._journal = Bounded(self._read_journal, self.within)
        self._disks = Bounded(self._look_at_disks, self.within)

    async def families(self) -> list[Family]:
        """All figures as they are now."""
        return families(await self._facts())

    async def _facts(self) -> Facts:
        sources, now = self.sources, self.clock.now()
        reading = self._unless_it_hangs("journal", self._journal)
        looking = self._unless_it_hangs("disks", self._disks)
        report, systems, read, disks = await asyncio.gather(
            sources.report(), sources.systems(), reading, looking
        )
        jobs, incidents = read or ((), None)
        self._keep_newest(jobs)
        good = self._good()
        catalogue = sources.catalogue()
        newest = newest_good(catalogue.records) if catalogue else None
        plans = () if report.paused else self.plans
        following = {each.name: each.schedule.next_after(now) for each in plans if each.schedule}
        return Facts(
            version=self.version,
            since=self.since,
            report=report,
            jobs=jobs,
            ended=self._counts.count(jobs),
            good=good,
            limits={kind: self._limit(kind, good[kind], jobs) for kind in self.limits},
            coming={name.replace(" ", "_"): at for name, at in following.items() if at},
            docker=systems.get(DOCKER),
            stores={name: words for name, words in systems.items() if name != DOCKER},
            contents=_contents(catalogue),
            newest_size=newest.stored_size if newest else None,
            stack=sources.stack(),
            containers=sources.containers(),
            incidents=incidents,
            beats=sources.beats(),
            switches=self.switches,
            disks=disks or {},
            surroundings=sources.surroundings(),
            collectors={"journal": read is not None, "disks": disks is not None},
        )

    def _keep_newest(self, jobs: Sequence[Job]) -> None:
        until = latest_known(self.clock.now())
        known = [job for job in jobs if job.started <= until]
        whole = {kind: newest_whole(known, kind) for kind in self.limits}
        self._whole |= {kind: job for kind, job in whole.items() if job}

    def _good(self) -> dict[JobKind, datetime | None]:
        """As the stores said, and the journal of what has ended since they were looked into."""
        known, looked = self.sources.good(), self.sources.looked()
        return {
            kind: _newest(known.get(kind), self._whole.get(kind), looked) for kind in self.limits
        }

    def _limit(self, kind: JobKind, good: datetime | None, jobs: Sequence[Job]) -> timedelta | None:
        """As the alarms have it: an alert of Prometheus is no other one."""
        limit = self.limits[kind]
        there = Protection(kind=kind, good=good, since=self.since, jobs=jobs)
        return limit.after(self._whole.get(kind), there) if limit else None

    async def _read_journal(self) -> tuple[Sequence[Job], int]:
        jobs = await self.sources.jobs(_LATELY)
        return jobs, len(await self.sources.incidents())

    async def _look_at_disks(self) -> Mapping[str, DiskUsage]:
        usage, folders = self.sources.disk.usage, self.sources.disks
        found = {name: await usage(path) for name, path in folders.items()}
        return {name: each for name, each in found.items() if each}

    async def _unless_it_hangs(self, name: str, question: Bounded[T]) -> T | None:
        words = ""
        try:
            return await question.answer()
        except (BotError, TimeoutError) as error:
            words = str(error)
            if words != self._told.get(name):  # once, not with every scrape
                logger.warning("metrics: the %s: %s", name, words)
            return None
        finally:
            self._told[name] = words

    async def close(self) -> None:
        """Ask for nothing any more."""
        await self._journal.close()
        await self._disks.close()


def _newest(known: datetime | None, job: Job | None, looked: datetime | None) -> datetime | None:
    """An earlier job than the look says nothing: the stores may have lost what it made."""
    if not job or (looked and job.ended and job.ended <= looked):
        return known
    return max(known, job.started) if known else job.started


def _contents(catalogue: Catalogue | None) -> dict[str, StoreFigures]:
    found = catalogue.found if catalogue else {}
    return {
        name: StoreFigures(len(records), sum(each.stored_size for each in records))
        for name, records in found.items()
    }
