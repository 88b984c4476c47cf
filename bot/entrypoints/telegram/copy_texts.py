"""What is told of a copy that has ended. Pure, like `texts`."""

from bot.domain.jobs import Job, JobState
from bot.entrypoints.telegram.job_texts import Told
from bot.entrypoints.telegram.markup import code, plain, units

_LONGEST_REASON = 400
_HEADLINES = {
    JobState.RUNNING: "⏳ <b>Copying backups between stores</b>",
    JobState.DONE: "✅ <b>Backups copied</b>",
    JobState.FAILED: "❌ <b>Copying backups failed</b>",
    JobState.CANCELLED: "⏹ <b>Copying backups cancelled</b>",
    JobState.INTERRUPTED: "⚠️ <b>Copying backups interrupted</b>",
    JobState.STUCK: "🆘 <b>Copying backups is stuck</b>",
}


def outcome(job: Job) -> Told:
    """How it ended; there is nothing to press, since it follows the next backup."""
    lines = [_HEADLINES[job.state]]
    if job.message:
        lines.append(f"{plain(job.message, _LONGEST_REASON).rstrip('.')}.")
    if job.state is not JobState.DONE:
        lines += ["Every backup is still where it was.", _next(job)]
    lines.append(f"Asked for by {plain(job.actor, 60)}. {code(job.id)}")
    whole = units(job.message) <= _LONGEST_REASON
    return Told("\n".join(lines), None if whole else (f"{job.id}.txt", job.message))


def _next(job: Job) -> str:
    if job.state is JobState.STUCK:
        return f"I have stopped trying. On the host, run {code(f'akbot jobs settle {job.id}')}."
    return f"After the next backup it is tried again; {code('akbot copy')} does it now."
