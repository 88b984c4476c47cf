"""Words and states that all who settle jobs share."""

from collections.abc import Awaitable, Mapping

from bot.domain.catalogue import BackupState
from bot.domain.errors import BotError
from bot.domain.jobs import DEGRADED, MOST_CRASHES, Job, JobState, Outcome

NOT_YET = " (not yet cleaned up: "
WHOLE = "complete, verified and signed"
WHOLE_STATES = (BackupState.GOOD, BackupState.PARTIAL)


def backed_up(missing: Mapping[str, str]) -> str:
    """What the journal says of a backup that exists; *missing* says why some store lacks it."""
    return f"{WHOLE}; {DEGRADED}{not_in(missing)}" if missing else WHOLE


def not_in(missing: Mapping[str, str]) -> str:
    """The stores that lack a backup, and why."""
    return "; ".join(f'not in store "{name}": {why}' for name, why in missing.items())


def stuck(job: Job, words: str) -> Outcome:
    """The end of a job that a person must look at."""
    times = f", {job.crashes} times now" if job.crashes >= MOST_CRASHES else ""
    told = f'{words}{times}; see "akbot jobs settle {job.id}"'
    return Outcome(JobState.STUCK, told, swept=False)


def not_yet(state: JobState, words: str, why: str) -> Outcome:
    """The end of a job of which something may be left; it is tried again."""
    return Outcome(state, f"{words.partition(NOT_YET)[0]}{NOT_YET}{why})", swept=False)


async def then_clean(outcome: Outcome, cleaning: Awaitable[None]) -> Outcome:
    """Await *cleaning*: where it fails it is tried again later, and what serves goes on serving."""
    try:
        await cleaning
    except BotError as error:
        return not_yet(outcome.state, outcome.message, str(error))
    return outcome
