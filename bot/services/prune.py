"""Delete what has outlived its use: one backup at a time, each written down before it goes."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import group_by_backup
from bot.domain.errors import PortError, RefusedError
from bot.domain.jobs import ALL_JOBS, READS, TAKE_SERVER_AWAY, Job, JobKind, Trigger
from bot.domain.messages import DeletionBegan, RunPrune
from bot.domain.retention import Policy, RetentionPlan, Verdict, plan_retention
from bot.domain.signature import PublicKey
from bot.services.catalogue import Listing, find_backup
from bot.services.deletion import DELETING, DOOMED, STACK, delete_set
from bot.services.journal_ports import JobJournal
from bot.services.ports import (
    Clock,
    JobLog,
    Publish,
    ReadLocks,
)
from bot.services.store_ports import BackupStore, Protection
from bot.services.stores import IN_STORE

PAUSE = 2.0  # seconds between two deletions, in which a person can still cancel

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pruned:
    """What was done: *left* says of what was to go and did not why.

    *uploads* counts the unfinished uploads that were discarded; *keeps_versions* says that the
    store still has, hidden, what was deleted.
    """

    kept: int
    deleted: tuple[Verdict, ...] = ()
    left: Mapping[BackupId, str] = field(default_factory=dict)
    uploads: int = 0
    keeps_versions: bool = False

    @property
    def words(self) -> str:
        """All of it in a sentence, for the journal."""
        parts = [f"{len(self.deleted)} deleted", f"{self.kept} kept"]
        if self.left:
            first, why = next(iter(self.left.items()))
            parts.append(f"{len(self.left)} could not be deleted ({first}: {why})")
        if self.uploads:
            parts.append(f"{self.uploads} unfinished uploads discarded")
        return ", ".join(parts)


@dataclass(frozen=True)
class PruneService:
    """`akbot prune`, for the folder *stack* of one store.

    *place* is the store's name among several; *kept* says of backups that stay whatever the store
    itself says why.
    """

    store: BackupStore
    journal: JobJournal
    locks: ReadLocks
    clock: Clock
    trusted: Collection[PublicKey]
    publish: Publish
    policy: Policy
    stack: str
    place: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)
    listing: Listing = field(default_factory=Listing)

    async def preview(self) -> RetentionPlan:
        """What a prune would do now. Raises PortError where the store cannot be listed."""
        records = await self.listing.backups(self.store, self.stack, self.trusted)
        needed = dict(self.kept) | in_use(await self.journal.jobs(ALL_JOBS))
        uploads = await self._uploads()
        return plan_retention(records, self.policy, self.clock.now(), needed, uploads)

    async def run(self, command: RunPrune, job: JobLog) -> Pruned:
        """Delete what is to go, the oldest first.

        What the store does not let go is told and left, and a further prune tries again; unless it
        locks its objects, that is a PortError in the end. Raises RefusedError, and nothing was
        changed, where the clock is wrong, or where more would go than may without a person.
        """
        plan = await self.preview()
        _require_allowed(plan, command)
        protection = await self.store.protection() if plan.doomed else Protection.UNKNOWN

        doomed = " ".join(each.record.id for each in plan.doomed)
        await job.plan(**{STACK: self.stack, IN_STORE: self.place, DOOMED: doomed, DELETING: ""})
        deleted: list[Verdict] = []
        left: dict[BackupId, str] = {}
        failures: list[PortError] = []
        for number, verdict in enumerate(plan.doomed, start=1):
            if number > 1:
                await self.clock.sleep(PAUSE)
            self.publish(DeletionBegan(verdict.record.id, number, len(plan.doomed)))
            try:
                await self._delete(verdict, job)
            except RefusedError as error:
                left[verdict.record.id] = str(error)
            except PortError as error:
                if error.retryable or await self._is_gone(verdict):
                    raise
                left[verdict.record.id] = str(error)
                failures.append(error)
            else:
                deleted.append(verdict)
        pruned = Pruned(
            kept=len(plan.verdicts) - len(deleted) - len(left),
            deleted=tuple(deleted),
            left=left,
            uploads=await self._discard(plan),
            keeps_versions=protection in {Protection.LOCKED, Protection.VERSIONED},
        )
        if failures and protection is not Protection.LOCKED:
            raise PortError(f"prune: {pruned.words}", hint=_WHEN_FORBIDDEN) from failures[0]
        return pruned

    async def _delete(self, verdict: Verdict, job: JobLog) -> None:
        """Delete one set, if it still is what the plan was made for and nobody reads it."""
        backup_id = verdict.record.id
        async with self.locks.deleting(backup_id):
            found = await find_backup(self.store, self.stack, backup_id, self.trusted)
            if found != verdict.record:
                raise RefusedError("it has changed since it was looked at")
            await job.plan(**{DELETING: backup_id})
            await job.step(f"delete {backup_id}")
            await delete_set(self.store, self.stack, backup_id)

    async def _is_gone(self, verdict: Verdict) -> bool:
        """Whether a deletion that failed has begun all the same: then it must be finished."""
        found = await find_backup(self.store, self.stack, verdict.record.id, self.trusted)
        return found != verdict.record

    async def _uploads(self) -> Collection[BackupId]:
        """The backups that have unfinished uploads; none where the service cannot list them."""
        try:
            lines = await self.store.unfinished(f"{self.stack}/")
        except PortError as error:
            if error.retryable:
                raise
            logger.warning("look for unfinished uploads of %s: %s", self.stack, error)
            return ()
        return group_by_backup(self.stack, [(line.partition(" ")[0], 0) for line in lines]).keys()

    async def _discard(self, plan: RetentionPlan) -> int:
        return sum(
            [await self.store.discard_unfinished(f"{self.stack}/{each}/") for each in plan.uploads]
        )


def in_use(jobs: Sequence[Job]) -> dict[str, str]:
    """What belongs to a job of which something is left to do, or is read by one, and why."""
    found: dict[str, str] = {}
    for job in jobs:
        if job.swept:
            continue
        if job.kind in {JobKind.BACKUP, *TAKE_SERVER_AWAY}:  # the latter's safety backup
            found[job.id] = "belongs to a job that runs or is not cleaned up yet"
        if READS in job.plan:
            found[job.plan[READS]] = f"is read by the {job.kind} {job.id}"
    return found


def _require_allowed(plan: RetentionPlan, command: RunPrune) -> None:
    if plan.stopped:
        raise RefusedError(f"nothing was deleted: {plan.stopped}", hint=_WHEN_STOPPED)
    if command.trigger is Trigger.SCHEDULE and plan.too_much_unattended:
        raise RefusedError(
            f"nothing was deleted: {plan.too_much_unattended}",
            hint='Look at "akbot prune --dry-run"; if it is what you want, run "akbot prune".',
        )


_WHEN_STOPPED = (
    "Set the host's clock (timedatectl set-ntp true); if that backup's date is what is wrong,"
    " delete its folder in the store."
)
_WHEN_FORBIDDEN = (
    "Allow the store's key to delete, or set AKBOT_RETENTION_DAILY, AKBOT_RETENTION_WEEKLY and"
    " AKBOT_RETENTION_MONTHLY to 0 and let the store's own rules delete."
)
