"""What may be asked of the bot, whoever asks: the chat, the schedule, the command line."""

from collections.abc import Collection, Sequence
from typing import Protocol

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord
from bot.domain.jobs import Job, JobKind
from bot.domain.messages import Command, RunRestore, RunRollback, RunUpdate
from bot.domain.restore_plan import Preview
from bot.domain.rollback import RollbackPreview
from bot.domain.stack import Stack
from bot.domain.update_outlook import Target
from bot.domain.update_preview import UpdatePreview
from bot.services.ports import Publish
from bot.services.verify import Verified


class Planned(Protocol):
    """What planned work needs."""

    async def start(self, command: Command) -> Job:
        """Begin a job and return once it is in the journal; it goes on by itself.

        Raises BusyError when another job runs, and what else keeps it from beginning.
        """

    async def jobs(self, limit: int) -> Sequence[Job]:
        """The newest jobs, newest first, as the journal has them."""


class Operations(Planned, Protocol):
    """The use cases behind the chat."""

    async def cancel(self, actor: str, kinds: Collection[JobKind]) -> Job | None:
        """Ask the running job to stop, if that still can be; None if none of *kinds* runs.

        The job is as it was when it was asked: what becomes of it is `judge_stop`'s to say. Another
        one than of those kinds is left alone.
        """

    async def jobs_as_they_stand(self, limit: int) -> Sequence[Job]:
        """The same for people: one whose process is gone does not run any more."""

    async def job(self, job_id: str) -> Job | None:
        """One job."""

    async def backups(self) -> Sequence[BackupRecord]:
        """The backups of the stack, newest first."""

    async def pin(self, wanted: str, *, pinned: bool) -> BackupRecord:
        """Let the backup that *wanted* names be pinned or not; as it is then.

        Raises RefusedError where there is no such backup, or none that is trusted.
        """

    async def verify(self, wanted: str, publish: Publish) -> Verified:
        """Read the backup that *wanted* names back; it takes as long as its size needs.

        How far it is goes to *publish*.

        Raises RefusedError where there is none that may be read, IntegrityError where its bytes are
        not those that were sent.
        """

    async def plan_restore(self, command: RunRestore) -> Preview:
        """What *command* would do, for a person to decide on; nothing is changed.

        Raises RefusedError where it cannot be done.
        """

    async def stack(self) -> Stack:
        """The stack as it is now."""


class Rolls(Protocol):
    """Updates and rollbacks before they are jobs, and what is left of them afterwards."""

    async def preview(self, command: RunUpdate) -> UpdatePreview:
        """What *command* would do; nothing is changed.

        Raises UpToDateError where nothing is newer, UnfitError where the stack is not fit for it,
        RefusedError where something else is in its way, ConfigError where its tag is no version.
        """

    async def targets(self) -> Sequence[Target]:
        """What somebody may want to update to, the nearest first; none where nothing is newer.

        Raises RefusedError where it cannot be told which version runs.
        """

    async def rollback_preview(self, command: RunRollback) -> RollbackPreview:
        """Likewise, of taking the last update back. Raises RefusedError where there is none."""

    async def last_words(self, job: BackupId) -> str:
        """What the containers that *job* has removed said last, masked; "" where none is kept."""
