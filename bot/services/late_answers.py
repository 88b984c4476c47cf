"""Look once more for what a service wrote after it had been given up.

An upload that is completed, and whose answer is lost, may be seen by nobody for minutes: aborted,
looked up and listed as absent, and there in the end. So what a job left is swept when it ends, and
looked for once more by the next akbot that starts, or by the daemon, when no answer can be on its
way any more. What appears even later goes with a prune, as parts of a backup that never was.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.backup_id import BackupId
from bot.domain.errors import BotError
from bot.domain.jobs import Job, JobKind, JobState
from bot.services.deletion import (
    COPYING,
    REKEYED_AS,
    STACK,
    delete_set,
    is_half_a_set,
)
from bot.services.journal_ports import JobJournal
from bot.services.ports import Clock
from bot.services.store_ports import BackupStore
from bot.services.stores import Stores

LOOKED = "looked_again"
"""Fact of a job's plan: what it left was looked for once more."""
LATEST_ANSWER = timedelta(minutes=10)
_OLDEST = timedelta(days=2)
_NEWEST_JOBS = 50
_WITHIN = 10.0  # seconds for each store, where there are several
_WRITES: Mapping[JobKind, str] = {JobKind.COPY: COPYING, JobKind.REKEY: REKEYED_AS}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LateAnswers:
    """Sweeps what came late; where a store does not answer, the next process tries again."""

    stores: Stores
    journal: JobJournal
    clock: Clock
    _tried: set[BackupId] = field(default_factory=set)

    async def due(self) -> list[Job]:
        """The jobs that did not end well, and of which something may have come since."""
        now = self.clock.now()
        return [
            job
            for job in await self.journal.jobs(_NEWEST_JOBS)
            if job.swept
            and job.state not in {JobState.RUNNING, JobState.DONE}
            and _written_by(job)
            and LOOKED not in job.plan
            and job.id not in self._tried
            and job.ended
            and LATEST_ANSWER <= now - job.ended <= _OLDEST
        ]

    async def sweep(self) -> None:
        """Look for it; the caller holds the lock, so nobody else writes these sets."""
        for job in await self.due():
            self._tried.add(job.id)
            try:
                errors = await self._sweep(job)
                if not errors:
                    await self.journal.plan(job.id, {LOOKED: "yes"})
            except BotError as error:
                logger.warning("look once more for what %s left: %s", job.id, error)

    async def _sweep(self, job: Job) -> object:
        stack, backup_id = job.plan[STACK], _written_by(job)

        async def sweep(store: BackupStore) -> None:
            if await is_half_a_set(store, stack, backup_id):
                logger.warning(
                    "%s: something of %s had come late, and is removed", store.name, job.id
                )
                await delete_set(store, stack, backup_id)

        _, errors = await self.stores.ask(sweep, within=_WITHIN)
        return errors


def _written_by(job: Job) -> BackupId:
    """The set that it wrote, "" where it had not come so far."""
    if STACK not in job.plan:
        return BackupId("")
    if job.kind is JobKind.BACKUP:
        return job.id
    return BackupId(job.plan.get(_WRITES.get(job.kind, ""), ""))
