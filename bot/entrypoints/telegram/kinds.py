"""What is told of a job, by its kind."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.jobs import Job, JobKind
from bot.domain.messages import BackupFinished
from bot.domain.progress import BackupProgress
from bot.entrypoints.telegram import (
    copy_texts,
    drill_texts,
    job_texts,
    prune_texts,
    restore_texts,
    update_texts,
)
from bot.entrypoints.telegram.job_texts import Told
from bot.entrypoints.telegram.local_times import local
from bot.entrypoints.telegram.texts import Wall

_ROLLS = frozenset({JobKind.UPDATE, JobKind.ROLLBACK})


def progress(
    job: Job, done: BackupProgress, seconds: float, wall: Wall, took: timedelta | None = None
) -> str:
    """How far a running job is; *seconds* since its figures began, where it has some.

    *took*: how long the last one like it did, where that is known.
    """
    if job.kind is JobKind.DRILL:
        return drill_texts.progress(job, done, seconds, wall, took)
    if job.kind is JobKind.RESTORE:
        return restore_texts.progress(job, done, seconds, wall, took)
    if job.kind in _ROLLS:
        return update_texts.progress(job, done, seconds, wall, took)
    return job_texts.progress(job, done, seconds, wall)


def progress_ended(job: Job, wall: Wall) -> str:
    """What is left of the progress message once the job has ended."""
    if job.kind is JobKind.DRILL:
        return drill_texts.progress_ended(job, wall)
    if job.kind is JobKind.RESTORE:
        return restore_texts.progress_ended(job, wall)
    if job.kind in _ROLLS:
        return update_texts.progress_ended(job, wall)
    return job_texts.progress_ended(job, wall)


def outcome(job: Job, finished: BackupFinished | None, wall: Wall) -> Told:
    """How a job ended."""
    job = replace(job, message=local(job.message, wall))
    match job.kind:
        case JobKind.PRUNE | JobKind.DELETE:
            return prune_texts.outcome(job)
        case JobKind.DRILL:
            return drill_texts.outcome(job)
        case JobKind.COPY | JobKind.REKEY:
            return copy_texts.outcome(job)
        case JobKind.RESTORE:
            return restore_texts.outcome(job)
        case JobKind.UPDATE | JobKind.ROLLBACK:
            return update_texts.outcome(job)
        case JobKind.BACKUP:
            return job_texts.outcome(job, finished, wall)
