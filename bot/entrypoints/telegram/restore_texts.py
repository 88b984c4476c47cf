"""What is told of a restore that has ended. Pure, like `texts`."""

from bot.domain.jobs import Job, JobState
from bot.entrypoints.telegram.job_texts import Told
from bot.entrypoints.telegram.markup import code, plain, units

_LONGEST_REASON = 600
_HEADLINES = {
    JobState.RUNNING: "⏳ <b>Restore is running</b>",
    JobState.DONE: "✅ <b>Restore done</b>",
    JobState.FAILED: "❌ <b>Restore failed</b>",
    JobState.CANCELLED: "⏹ <b>Restore cancelled</b>",
    JobState.INTERRUPTED: "⚠️ <b>Restore interrupted</b>",
    JobState.STUCK: "🆘 <b>Restore stuck</b>: it needs you",
}


def outcome(job: Job) -> Told:
    """How it ended; a restore is begun on the host, so there is nothing to press here."""
    lines = [_HEADLINES[job.state]]
    if job.message:
        lines.append(f"{plain(job.message, _LONGEST_REASON).rstrip('.')}.")
    if job.state is JobState.DONE:
        lines.append(f"On the host, {code('akbot restore --undo')} takes it back.")
    elif job.state is JobState.STUCK:
        lines.append(f"On the host, {code(f'akbot jobs {job.id}')} says what stands in the way.")
    elif not job.swept:
        lines.append("What it left is cleaned up as soon as that is possible.")
    lines.append(f"Asked for by {plain(job.actor, 60)}. {code(job.id)}")
    whole = units(job.message) <= _LONGEST_REASON
    return Told("\n".join(lines), None if whole else (f"{job.id}.txt", job.message))
