"""What is told of a prune that has ended. Pure, like `texts`."""

from bot.domain.jobs import Job, JobState
from bot.entrypoints.telegram.job_texts import Told
from bot.entrypoints.telegram.markup import code, plain, units

_LONGEST_REASON = 400
_HEADLINES = {
    JobState.RUNNING: "⏳ <b>Deleting old backups</b>",
    JobState.DONE: "✅ <b>Old backups deleted</b>",
    JobState.FAILED: "❌ <b>Deleting old backups failed</b>",
    JobState.CANCELLED: "⏹ <b>Deleting old backups cancelled</b>",
    JobState.INTERRUPTED: "⚠️ <b>Deleting old backups interrupted</b>",
    JobState.ROLLED_BACK: "↩️ <b>Deleting old backups rolled back</b>",
    JobState.STUCK: "🆘 <b>Deleting old backups is stuck</b>",
}


def outcome(job: Job) -> Told:
    """How it ended; there is nothing to press, since the next scheduled backup tries again."""
    lines = [_HEADLINES[job.state]]
    if job.message:
        lines.append(f"{plain(job.message, _LONGEST_REASON).rstrip('.')}.")
    if job.state is not JobState.DONE:
        lines += [_left(job), _next(job)]
    lines.append(f"Asked for by {plain(job.actor, 60)}. {code(job.id)}")
    whole = units(job.message) <= _LONGEST_REASON
    return Told("\n".join(lines), None if whole else (f"{job.id}.txt", job.message))


def _left(job: Job) -> str:
    if job.swept:
        return "Every backup that is still there is whole, the newest ones are untouched."
    return "The newest backups are untouched. Parts of an old one may still lie in the store."


def _next(job: Job) -> str:
    if job.state is JobState.STUCK:
        return f"I have stopped trying. On the host, run {code(f'akbot jobs settle {job.id}')}."
    return f"After the next scheduled backup it is tried again; {code('akbot prune')} does it now."
