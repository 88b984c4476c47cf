"""What can be done with one backup, whether a command or a button asks for it."""

from dataclasses import dataclass

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord, choose
from bot.domain.errors import BotError, RefusedError
from bot.domain.jobs import JobKind, JobState
from bot.domain.orders import Entry, OrderKind
from bot.entrypoints.telegram import backup_texts
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.glance import Glance
from bot.entrypoints.telegram.job_list_texts import MOST_JOBS
from bot.entrypoints.telegram.restoring import Restoring
from bot.entrypoints.telegram.rolling_back import RollingBack
from bot.entrypoints.telegram.starts import Starts
from bot.entrypoints.telegram.texts import Answer
from bot.entrypoints.telegram.updating import Updating
from bot.entrypoints.telegram.verifies import Verifies
from bot.entrypoints.telegram.waiting import seen_within
from bot.services.operations import Operations, Rolls
from bot.services.orders import Orders
from bot.services.ports import Clock


@dataclass(frozen=True)
class Deeds:
    """Each returns why it does not happen, or None where its person hears of it elsewhere."""

    operations: Operations
    clock: Clock
    starts: Starts
    verifies: Verifies
    restoring: Restoring
    updating: Updating
    rolling_back: RollingBack
    rolls: Rolls
    glance: Glance
    orders: Orders

    async def back_up(self, request: Request) -> str | None:
        """Make one of all of the stack."""
        return await self.starts.begin(request, JobKind.BACKUP, "")

    async def verify(self, request: Request, wanted: str) -> Answer:
        """Read the backup that *wanted* names back."""
        order = request.order(OrderKind.VERIFY, wanted, self.clock.now())
        records = await seen_within(self.operations.backups(), "the store", self.clock)
        if isinstance(records, BotError):
            await self.orders.end(order, JobState.FAILED, str(records))
            return backup_texts.none_to_choose(records, self.starts.wall())
        try:
            record = choose(records, wanted)
        except RefusedError as error:
            await self.orders.end(order, JobState.FAILED, str(error))
            return backup_texts.no_such_backup(error) if records else backup_texts.none_yet()
        return await self.verifies.begin(request, order, record)

    async def drill(self, request: Request, wanted: str) -> str | None:
        """Restore it where that harms nobody; "" for the newest good one."""
        return await self.starts.begin(request, JobKind.DRILL, wanted)

    async def restore(self, request: Request, wanted: str) -> str | None:
        """Ask whether it shall serve again."""
        return await self.restoring.plan(request, wanted)

    async def undo(self, request: Request, job: str = "") -> str | None:
        """Ask whether the last restore, which must be *job*, shall be taken back."""
        return await self.restoring.plan_undo(request, job)

    async def update(self, request: Request, job_id: str = "") -> str | None:
        """Show the way of that job's update anew, or that to the newest version."""
        job = await self.operations.job(job_id) if job_id else None
        return await self.updating.plan(request, job.label if job else "")

    async def roll_back(self, request: Request, job: str = "") -> str | None:
        """Ask whether the last update, which must be *job*, shall be taken back."""
        return await self.rolling_back.plan(request, job)

    async def said(self, job: str) -> str | BotError:
        """What the containers that *job* has removed said last."""
        return await seen_within(self.rolls.last_words(BackupId(job)), "the disk", self.clock)

    async def newest_jobs(self) -> list[Entry]:
        """The newest jobs and orders, newest first, as many as a list shows."""
        jobs = await self.operations.jobs_as_they_stand(MOST_JOBS)
        return await self.orders.among(jobs, MOST_JOBS)

    async def pin(self, request: Request, wanted: str, *, pinned: bool) -> BackupRecord | BotError:
        """The backup as it is then, or why it stays as it was."""

        async def pin() -> BackupRecord:
            pinning = self.operations.pin(wanted, pinned=pinned)
            record = await seen_within(pinning, "the store", self.clock)
            if isinstance(record, BotError):
                raise record
            return record

        kind = OrderKind.PIN if pinned else OrderKind.UNPIN
        order = request.order(kind, wanted, self.clock.now())
        return await self.orders.carry_out(order, pin, lambda record: record.id)
