"""Gather what a report is made of; a part that does not answer hides no other."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from bot.domain.catalogue import BackupRecord
from bot.domain.drill import DrillReport
from bot.domain.errors import BotError
from bot.domain.incident_history import PastIncident
from bot.domain.jobs import ALL_JOBS
from bot.domain.report import Report, report_of
from bot.domain.report_facts import Expected, Facts
from bot.domain.update_outlook import Outlook
from bot.services.journal_ports import JobJournal
from bot.services.ports import Clock, PauseMark
from bot.services.stores import Catalogue

T = TypeVar("T")
PATIENT = 120.0
"""Seconds that a part gets where nobody waits for the answer."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reported:
    """A report, and the backups that it speaks of, newest first."""

    report: Report
    records: Sequence[BackupRecord]


class Reporter(Protocol):
    """Makes reports."""

    async def run(self, length: timedelta, within: float = PATIENT) -> Reported:
        """Of so long until now; stores and registry have *within* seconds each.

        Raises PortError where the journal does not answer.
        """


@dataclass(frozen=True)
class Reports:
    """The Reporter.

    *incidents* are those that lasted then or later. *check* asks which versions there are, None
    where nobody is to be asked; *newest_drill* reads what lies beside the backups; without
    *serving*, services, nobody logs in. *installed* says when this installation began.
    """

    jobs: JobJournal
    incidents: Callable[[datetime], Awaitable[Sequence[PastIncident]]]
    catalogue: Callable[[], Awaitable[Catalogue]]
    newest_drill: Callable[[], Awaitable[DrillReport | None]]
    check: Callable[[], Awaitable[Outlook]] | None
    pause: PauseMark
    installed: Callable[[], Awaitable[datetime]]
    expected: Expected
    serving: Collection[str]
    clock: Clock

    async def run(self, length: timedelta, within: float = PATIENT) -> Reported:
        now = self.clock.now()
        begin = now - length
        (records, silent), drill, outlook = await asyncio.gather(
            self._records(within), self._drill(within), self._outlook(within)
        )
        facts = Facts(
            begin=begin,
            now=now,
            installed=await self.installed(),
            expected=self.expected,
            serving=self.serving,
            jobs=await self.jobs.jobs(ALL_JOBS),
            stuck=await self.jobs.stuck_jobs(),
            incidents=await self.incidents(begin),
            records=records,
            silent=silent,
            drill=drill,
            outlook=outlook,
            pause=await self.pause.read(),
        )
        return Reported(report_of(facts), records)

    async def _records(self, within: float) -> tuple[Sequence[BackupRecord], Mapping[str, str]]:
        found = await _answer(self.catalogue(), within)
        if isinstance(found, str):
            return (), {"": found}
        return found.records, {name: error.in_full() for name, error in found.silent.items()}

    async def _drill(self, within: float) -> DrillReport | None:
        found = await _answer(self.newest_drill(), within)
        if isinstance(found, str):  # which is told of the backups, that lie in the same stores
            logger.warning("look for the newest drill: %s", found)
            return None
        return found

    async def _outlook(self, within: float) -> Outlook | str | None:
        return await _answer(self.check(), within) if self.check else None


async def _answer(looking: Awaitable[T], within: float) -> T | str:
    """What is seen, or in a sentence why it is not."""
    try:
        async with asyncio.timeout(within):
            return await looking
    except TimeoutError:
        return f"it has not answered within {within:.0f} s"
    except BotError as error:
        return error.in_full()
