"""Jobs: one run of a piece of work, as the journal has it, and what becomes of a cut-off one.

A job and the backup that it makes share their name, so that whoever has the one finds the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.backup_id import BackupId
from bot.domain.errors import ConfigError, RefusedError
from bot.domain.log_masking import mask_keys

MOST_CRASHES = 3
ALL_JOBS = 10_000
"""More than the journal keeps: to ask it for all of them."""
REMEMBERED = timedelta(days=90)
"""For how long the journal keeps what is over."""
OUTAGE = "outage"
"""Fact of the plan of a job that failed because an outside system did."""
PARTIAL = "partial"
"""Fact of the plan of a backup of some components only, which is no backup of the stack."""
READS = "reads"
"""Fact of any job's plan: the id of a backup that it reads, and needs until it is settled."""
DEGRADED = "degraded: "
"""Stands in the message of a job that did its work, before what it could not do of it."""
CHANGED = "what it would do has changed since it was confirmed"
"""The message of a job that did nothing, since its plan was not the one that was agreed to."""


class JobKind(StrEnum):
    """What kind of work it is."""

    BACKUP = "backup"
    PRUNE = "prune"
    DELETE = "delete"
    DRILL = "drill"
    RESTORE = "restore"
    COPY = "copy"
    REKEY = "rekey"
    UPDATE = "update"
    ROLLBACK = "rollback"


TAKE_SERVER_AWAY = frozenset({JobKind.RESTORE, JobKind.UPDATE, JobKind.ROLLBACK})
"""The kinds of jobs while whose work nobody is served."""


class Trigger(StrEnum):
    """What began it; SAFETY and UPDATE: akbot itself, before a restore or an update."""

    CLI = "cli"
    CHAT = "chat"
    SCHEDULE = "schedule"
    SAFETY = "safety"
    UPDATE = "update"


class JobState(StrEnum):
    """How far it came.

    INTERRUPTED: its process was stopped or killed, and what it had begun was undone. STUCK: that
    happened so often that a person must look at it (`akbot jobs settle ID`). ROLLED_BACK: of an
    update, the version before serves again.
    """

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    STUCK = "stuck"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run.

    *origin* is where its outcome is told, in the words of whoever began it, e.g. a chat; *slot* the
    planned moment of a scheduled one. *plan* is what must be known to undo it. *progress* is a few
    words for people, *share* how much is done (0 to 1, None if that cannot be told). *message* has
    no key or token in it, whoever wrote it down. *swept* says that nothing half-done of it is left
    anywhere. *crashes* counts the processes that died in it.
    """

    id: BackupId
    kind: JobKind
    trigger: Trigger
    actor: str
    started: datetime
    state: JobState = JobState.RUNNING
    origin: str = ""
    slot: datetime | None = None
    label: str = ""
    plan: Mapping[str, str] = field(default_factory=dict)
    step: str = ""
    progress: str = ""
    share: float | None = None
    message: str = ""
    ended: datetime | None = None
    crashes: int = 0
    swept: bool = False
    cancelled_by: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", mask_keys(self.message))

    def ending(self, outcome: "Outcome", ended: datetime) -> "Job":
        """The job as it stands once *outcome* is written."""
        return replace(
            self, state=outcome.state, message=outcome.message, swept=outcome.swept, ended=ended
        )


@dataclass(frozen=True)
class Outcome:
    """How a job ended; *swept*: nothing half-done of it is left.

    *message* is a sentence, and loses what is a key or token: it is written down and told.
    """

    state: JobState
    message: str
    swept: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", mask_keys(self.message))


class Remedy(StrEnum):
    """What to do about a job whose process is gone."""

    ACCEPT = "accept"  # it had done its work
    UNDO = "undo"
    ASK = "ask"


def judge_unfinished(job: Job, *, committed: bool) -> Remedy:
    """Decide about an open job that no process works on.

    *committed* says that its result exists: for a backup, a signed manifest and all its components.
    """
    if committed:
        return Remedy.ACCEPT
    return Remedy.ASK if job.crashes >= MOST_CRASHES else Remedy.UNDO


def cut_off(job: Job) -> str:
    """What is said of a job whose process was stopped or killed in it."""
    what = "command" if job.trigger is Trigger.CLI else "bot"
    return f"the {what} was stopped in it"


def as_it_stands(job: Job, *, somebody_works: bool) -> Job:
    """*job* as a person should see it: one that nobody works on any more does not run."""
    if job.state is not JobState.RUNNING or somebody_works:
        return job
    words = f"{cut_off(job)}; what it left is cleaned up by the next akbot that starts"
    return replace(job, state=JobState.INTERRUPTED, message=words)


def degraded(job: Job) -> str:
    """What a job that did its work could not do of it, in words; "" for nothing."""
    return job.message.partition(DEGRADED)[2] if job.state is JobState.DONE else ""


def plan_changed(job: Job) -> bool:
    """Whether that is why it did nothing."""
    return job.state is JobState.FAILED and job.swept and job.message.startswith(CHANGED)


def describe(job: Job) -> str:
    """What runs, for somebody who has to wait: `backup since 03:30 UTC, 62 %, begun by root`."""
    share = f", {job.share:.0%}" if job.share is not None else ""
    return f"{job.kind} since {job.started:%H:%M} UTC{share}, begun by {job.actor}"


def choose_job(jobs: Sequence[Job], wanted: str) -> Job:
    """The job that *wanted* names, its id or the beginning of it.

    Raises:
        RefusedError: there is none, or several.
    """
    matching = [job for job in jobs if job.id.startswith(wanted)] if wanted else []
    if len(matching) == 1:
        return matching[0]
    what = f"fits {len(matching)} jobs" if matching else "is no job"
    raise RefusedError(f'"{wanted[:40]}" {what}', hint='See "akbot jobs" for their ids.')


def read_jobs_words(words: Sequence[str]) -> tuple[bool, str]:
    """What `akbot jobs …` is asked for: whether to settle, and which job, "" for a list.

    Raises:
        ConfigError: "settle" without a job, or too many words.
    """
    settle = words[:1] == ["settle"]
    jobs = words[1:] if settle else words
    if len(jobs) > 1:
        raise ConfigError(f'jobs: "{jobs[1][:40]}" is one word too many', hint=_JOBS_FORMS)
    if settle and not any(jobs):
        raise ConfigError("jobs settle: which job is not said", hint=_JOBS_FORMS)
    return settle, jobs[0] if jobs else ""


_JOBS_FORMS = 'Write "akbot jobs", "akbot jobs ID" or "akbot jobs settle ID".'


def require_unsettled(job: Job) -> None:
    """Refuse to settle a job of which nothing is left to do.

    Raises:
        RefusedError: it was cleaned up, or settled, before.
    """
    if job.swept:
        raise RefusedError(
            f'job "{job.id}" is {job.state} already, and nothing of it is left to settle',
            hint=f'See "akbot jobs {job.id}" for how it ended.',
        )
