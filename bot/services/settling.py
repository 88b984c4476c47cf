"""Words and states that all who settle jobs share."""

from bot.domain.catalogue import BackupState
from bot.domain.jobs import Job, JobState, Outcome

NOT_YET = " (not yet cleaned up: "
WHOLE_STATES = (BackupState.GOOD, BackupState.PARTIAL)


def stuck(job: Job, words: str) -> Outcome:
    """The end of a job that a person must look at."""
    told = f'{words}, {job.crashes} times now; see "akbot jobs settle {job.id}"'
    return Outcome(JobState.STUCK, told, swept=False)


def not_yet(state: JobState, words: str, why: str) -> Outcome:
    """The end of a job of which something may be left; it is tried again."""
    return Outcome(state, f"{words.partition(NOT_YET)[0]}{NOT_YET}{why})", swept=False)
