"""What whoever began a job is told of its failure, once what it left was undone or could not be."""

from collections.abc import Sequence

from bot.domain.errors import BotError, RollbackFailedError, UpdateFailedError
from bot.domain.jobs import TAKE_SERVER_AWAY, Job, JobKind, JobState, Outcome
from bot.domain.log_masking import mask_keys
from bot.domain.way_back import nobody_may_be_served

_GO_BACK = frozenset({JobKind.UPDATE, JobKind.ROLLBACK})
_ON_THE_WAY_BACK = (
    'It may be that nobody can log in yet: "akbot status" says what serves. The bot goes on with'
    " the way back by itself; a restart of it tries at once, so does a command that begins a job."
)
_ONE_MORE_WAY = (
    "Once that is mended the bot, or the next command that begins a job, settles it: it looks what"
    " serves, and may start server and worker once more for that."
)


def reason_of(error: BaseException) -> str:
    """What the journal says of *error*, masked as it does: notes leave out what is said before."""
    if isinstance(error, BotError):
        return mask_keys(error.in_full())
    return f"an error of akbot itself, {type(error).__name__}; its log has more"


def notes_on(job: Job, outcome: Outcome, reason: str) -> Sequence[str]:
    """What became of *job*, beside the *reason* for which it failed."""
    if outcome.state is JobState.DONE:
        return [f"The {job.kind} {job.id} itself had been completed before."]
    if not outcome.swept:
        left = (
            "What it left is in the journal, and is cleaned up as soon as store and Docker"
            f" answer: {outcome.message}."
        )
        return [left, _ON_THE_WAY_BACK] if _is_away(job, outcome) else [left]
    note = outcome.message.removeprefix(reason).lstrip(";. ")
    return [note] if note and job.kind in TAKE_SERVER_AWAY else []


def unwritten_note(job: Job, unwritten: BotError) -> str:
    """What is to be done where the journal did not take how *job* ended: it is open still."""
    note = f"How it ended could not be written down: {unwritten.in_full()}"
    return f"{note} {_ONE_MORE_WAY}" if job.kind in TAKE_SERVER_AWAY else note


def told_instead(job: Job, outcome: Outcome, error: Exception) -> BotError | None:
    """What whoever began an update is told in place of *error*, which it names."""
    if outcome.state is JobState.ROLLED_BACK:
        proof = error.proof if isinstance(error, UpdateFailedError) else ()
        return UpdateFailedError(outcome.message, proof)
    if outcome.state is JobState.STUCK and job.kind in _GO_BACK:
        return RollbackFailedError(outcome.message, hint=_once_it_is_mended(job, outcome))
    is_away = _is_away(job, outcome) and job.kind in _GO_BACK
    if isinstance(error, UpdateFailedError) or is_away:
        return RollbackFailedError(outcome.message, hint=_ON_THE_WAY_BACK)
    return None


def _once_it_is_mended(job: Job, outcome: Outcome) -> str:
    """The last thing to do, which the page of the runbook for what comes before does not know."""
    settle = f"akbot jobs settle {job.id}"
    if settle in outcome.message:
        return ""
    return f'Once the stack is as you want it, run "{settle}".'


def _is_away(job: Job, outcome: Outcome) -> bool:
    """Whether nobody may be served after *job* ended so."""
    return nobody_may_be_served(job.ending(outcome, job.started))
