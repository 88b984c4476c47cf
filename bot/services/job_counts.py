"""How many jobs have ended since the process started, whichever process ran them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.backup_id import BackupId
from bot.domain.jobs import Job, JobKind, JobState


@dataclass
class JobCounts:
    """Counts only up, as the journal that forgets what is old does not."""

    began: datetime
    _counted: set[BackupId] = field(default_factory=set)
    _ends: Counter[tuple[JobKind, JobState]] = field(default_factory=Counter)

    def count(self, jobs: Iterable[Job]) -> Mapping[tuple[JobKind, JobState], int]:
        """The ends so far, with those of *jobs* that are new; each job has one."""
        for job in jobs:
            is_news = job.ended and job.ended >= self.began and job.id not in self._counted
            if is_news and job.state is not JobState.RUNNING:
                self._counted.add(job.id)
                self._ends[job.kind, job.state] += 1
        return dict(self._ends)
