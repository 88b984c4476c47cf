"""The last update, as long as it can be taken back, and what a person is shown before."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.restore import KEPT, Kept
from bot.domain.schema_change import RowsMoved, SchemaChange, WayBack
from bot.domain.update import COPIED, UpdatePlan, plan_of, promoted

_A_FEW = 99  # rows; up to that many are agreed to as one
NOT_BACK = "Nothing was changed: what served still serves, and nobody was logged out."


@dataclass(frozen=True)
class MadeUpdate:
    """An update of which the first *made* hops serve; *copied* is when the way back was kept."""

    plan: UpdatePlan
    made: int
    copied: datetime

    @property
    def version(self) -> str:
        """What has served since."""
        return self.plan.hop(self.made).version


def last_update(jobs: Sequence[Job]) -> MadeUpdate | None:
    """The newest update of which the way back is kept; *jobs* are the newest first."""
    for job in jobs:
        plan = plan_of(job.plan) if job.kind is JobKind.UPDATE else None
        settled = job.swept and job.state is not JobState.RUNNING
        if plan and settled and job.plan.get(KEPT) == Kept.BEFORE and (made := promoted(job.plan)):
            return MadeUpdate(plan, made, copied_at(job) or job.started)
    return None


def copied_at(job: Job) -> datetime | None:
    """When the database was copied that is the way back of that update, or by that rollback."""
    moment = job.plan.get(COPIED)
    return datetime.fromisoformat(moment) if moment else None


@dataclass(frozen=True, kw_only=True)
class RollbackPreview:
    """All that was written *since* that moment is lost where *change* says SWAP.

    Of it *written* rows can be counted that are new, and *gone* ones that come back. What is lost
    lies in a database aside for *kept_hours* at least.
    """

    update: str
    version_now: str
    version_then: str | None
    since: datetime
    change: SchemaChange
    written: int
    gone: int
    kept_hours: float
    safety_backup: bool

    @property
    def loses_rows(self) -> bool:
        """Whether what is written is lost, even if nothing was so far: the stack serves on."""
        return self.change.way is WayBack.SWAP

    @property
    def counted(self) -> RowsMoved:
        """What can be counted of what was written."""
        return RowsMoved(self.written, self.gone)

    @property
    def loses(self) -> int:
        """How many rows it is by this count that will be as if nobody had ever touched them."""
        return self.written + self.gone if self.loses_rows else 0

    @property
    def plan_hash(self) -> str:
        """The same for the same rollback, as long as it loses about as much.

        Who agreed to lose nothing, or seven rows, has not agreed to lose seven thousand. But a
        stack that serves is written to all the time: the exact number would refuse for ever, so it
        is how many digits it has that counts.
        """
        about = len(str(max(self.loses, _A_FEW))) if self.loses else 0
        facts = [self.update, self.version_now, self.version_then, self.change.way, about]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
