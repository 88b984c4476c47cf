"""The answer to /cancel: what becomes of the job that runs, and no more than that."""

from bot.domain.jobs import Job, JobKind
from bot.domain.stopping import Stop, can_stop, judge_stop
from bot.entrypoints.telegram.markup import code
from bot.entrypoints.telegram.texts import Wall, run_words

_STOPS = {
    JobKind.BACKUP: "What it has stored so far is removed, unless the backup is whole already.",
    JobKind.PRUNE: "The backup that it is deleting still goes, and no other.",
    JobKind.DELETE: "What it has begun to delete still goes.",
    JobKind.REKEY: "The backup that it is sealing anew stays as it was.",
    JobKind.COPY: "The copy that it is making goes; those it has made stay.",
    JobKind.DRILL: "Its containers are removed; the backup stays as it is.",
}
_DONE = {
    JobKind.RESTORE: (
        "What it has restored serves and has held; only tidying up is left. Once it has ended,"
        f" {code('/restore undo')} takes it back."
    ),
    JobKind.UPDATE: (
        "The new version serves and has held; only tidying up is left. Once it has ended,"
        " /rollback takes it back."
    ),
    JobKind.ROLLBACK: (
        "The version before serves again and has held; only tidying up is left. Once it has ended,"
        " /update shows the way to the newer one."
    ),
}
_BECOMES = {
    Stop.UNTOUCHED: "What serves was not touched, and is not.",
    Stop.COMES_BACK: "What served before serves again, with every row that it had.",
    Stop.STAYS: "The version that it has come to serves on: it had held.",
    Stop.GOES_BACK: "It did not hold, and the version before is coming back.",
    Stop.GOES_ON: "It has begun, and goes to its end: then the version before serves again.",
    Stop.SETTLES: "It was cut off, and what it left is being put right.",
}


def cancelling(job: Job | None, wall: Wall) -> str:
    """The answer about *job*, as it was when it was asked to stop; None where nothing runs."""
    if job is None:
        return "Nothing is running, so nothing was stopped."
    lead = "Stopping" if can_stop(job) else "That cannot be stopped any more"
    then = _then(job)
    return f"{lead}: {run_words(job, wall)}.\n{then} You will hear when it has ended."


def _then(job: Job) -> str:
    stop = judge_stop(job)
    if stop is Stop.STOPS:
        return _STOPS[job.kind]
    return _DONE[job.kind] if stop is Stop.IS_DONE else _BECOMES[stop]
