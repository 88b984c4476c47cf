"""What is told of a restore while it runs and when it has ended. Pure, like `texts`."""

from datetime import timedelta

from bot.domain.backup_id import parse_backup_id
from bot.domain.jobs import Job, JobState, plan_changed
from bot.domain.progress import BackupProgress
from bot.domain.restore import GOING_AWAY, UNDO, goes_back
from bot.domain.way_back import needs_a_person
from bot.entrypoints.telegram.job_texts import (
    AGREE_ANEW,
    Told,
    figures,
    reason,
    step_lines,
    time_left,
    tried_again,
    who,
)
from bot.entrypoints.telegram.markup import code, units
from bot.entrypoints.telegram.pressed import Deed, DeedData
from bot.entrypoints.telegram.texts import Wall, no_backup_name

_LONGEST_REASON = 600
_ANEW = "Show me the plan anew"
_HEADLINES = {
    JobState.RUNNING: "⏳ <b>Restoring</b>",
    JobState.DONE: "✅ <b>Restored</b>",
    JobState.FAILED: "❌ <b>Restore failed</b>",
    JobState.CANCELLED: "⏹ <b>Restore cancelled</b>",
    JobState.INTERRUPTED: "⚠️ <b>Restore interrupted</b>",
    JobState.ROLLED_BACK: "↩️ <b>Restore rolled back</b>",
    JobState.STUCK: "🆘 <b>Restore stuck</b>",
}


def progress(
    job: Job, done: BackupProgress, seconds: float, wall: Wall, took: timedelta | None = None
) -> str:
    """How far a running restore is, and whether people can log in meanwhile."""
    lines = [f"{_HEADLINES[JobState.RUNNING]} since {wall.time(job.started)}"]
    lines += step_lines(done.steps)
    lines += figures(done, seconds)
    lines += time_left(job, took, wall)
    if GOING_AWAY in done.steps:
        lines.append("Nobody can log in until it holds.")
    else:
        lines.append("Authentik serves meanwhile.")
    return "\n".join([*lines, who(job)])


def progress_ended(job: Job, wall: Wall) -> str:
    """What is left of the progress message once the job has ended."""
    at = f" at {wall.time(job.ended)}" if job.ended else ""
    return f"The restore has ended{at}. The message that follows says more.\n{who(job)}"


def outcome(job: Job) -> Told:
    """How it ended; which state serves stands in the job's own words."""
    lines = [_headline(job)]
    if job.message:
        lines.append(reason(job, _LONGEST_REASON))
    if job.state is JobState.DONE and not goes_back(job.plan):
        lines.append("/status shows the containers.")
    elif job.state is JobState.DONE:
        lines.append(
            "What served before is kept for a day at least, and until a newer backup is good:"
            " the button takes the restore back. /status shows the containers."
        )
    elif job.state is JobState.STUCK:
        settle = code(f"akbot jobs settle {job.id}")
        lines.append(f"I have stopped trying. Look at the stack, then run {settle} on the host.")
    elif not job.swept:
        lines.append(tried_again(job))
    elif plan_changed(job):
        lines.append(AGREE_ANEW)
    else:
        lines.append("/status shows the containers.")
    lines.append(who(job))
    whole = units(job.message) <= _LONGEST_REASON
    document = None if whole else (f"{job.id}.txt", job.message)
    return Told("\n".join(lines), document, buttons=_buttons(job))


def _headline(job: Job) -> str:
    """Of what is not cleaned up yet nobody knows which state serves, or whether any does."""
    if needs_a_person(job):
        return "🆘 <b>Restore failed, and a person is needed</b>"
    whole = job.state is JobState.FAILED and job.swept
    return "❌ <b>Not restored</b>" if whole else _HEADLINES[job.state]


def _buttons(job: Job) -> tuple[tuple[str, str], ...]:
    """To take it back; or, where nothing of it is left, to look at a plan anew."""
    if job.state is JobState.DONE and not goes_back(job.plan):
        return ()
    if job.state is JobState.DONE:
        return (("Take it back …", DeedData(Deed.UNDO, job.id).line()),)
    backup = _backup_of(job)
    if job.state in {JobState.RUNNING, JobState.STUCK} or not job.swept:
        return ()
    if job.label == UNDO:
        return ((_ANEW, DeedData(Deed.UNDO).line()),)
    if not backup:
        return ()
    return (
        (_ANEW, DeedData(Deed.RESTORE, backup).line()),
        ("Verify that backup", DeedData(Deed.VERIFY, backup).line()),
    )


def _backup_of(job: Job) -> str:
    """The backup that it was asked for in the chat, "" for an undo or one asked for elsewhere."""
    try:
        return parse_backup_id(job.label)
    except ValueError:
        return ""


def restore_what(words: str) -> str:
    """The answer to /restore with words that it does not know."""
    return (
        f"{no_backup_name(words, 'restore')} {code('/restore undo')} takes the last restore back."
        f" Parts and other choices has {code('akbot restore')} on the host."
    )
