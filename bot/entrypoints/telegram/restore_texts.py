"""What is told of a restore that has ended. Pure, like `texts`."""

from bot.domain.jobs import Job, JobState
from bot.entrypoints.telegram.job_texts import Told
from bot.entrypoints.telegram.markup import code, plain, units

_LONGEST_REASON = 600
_HEADLINES = {
    JobState.RUNNING: "⏳ <b>Restoring</b>",
    JobState.DONE: "✅ <b>Restored</b>",
    JobState.FAILED: "❌ <b>Restore failed</b>",
    JobState.CANCELLED: "⏹ <b>Restore cancelled</b>",
    JobState.INTERRUPTED: "⚠️ <b>Restore interrupted</b>",
    JobState.STUCK: "🆘 <b>Restore stuck</b>",
}


def outcome(job: Job) -> Told:
    """How it ended; which state serves stands in the job's own words."""
    lines = [_HEADLINES[job.state]]
    if job.message:
        lines.append(f"{plain(job.message, _LONGEST_REASON).rstrip('.')}.")
    if job.state is JobState.DONE:
        lines.append(f"On the host, {code('akbot restore --undo')} takes it back.")
    elif job.state is JobState.STUCK:
        settle = code(f"akbot jobs settle {job.id}")
        lines.append(f"I have stopped trying. Look at the stack, then run {settle} on the host.")
    elif not job.swept:
        lines.append("It is tried again every minute.")
    lines.append(f"Asked for by {plain(job.actor, 60)}. {code(job.id)}")
    whole = units(job.message) <= _LONGEST_REASON
    return Told("\n".join(lines), None if whole else (f"{job.id}.txt", job.message))
