"""What is told of a copy, or of new seals, once that has ended. Pure, like `texts`."""

from bot.domain.jobs import Job, JobKind, JobState
from bot.entrypoints.telegram.job_texts import Told, ways_on, who
from bot.entrypoints.telegram.markup import code, plain, units

_LONGEST_REASON = 400
_WHAT = {JobKind.COPY: "Copying backups", JobKind.REKEY: "Sealing backups anew"}
_HEADLINES = {
    JobState.RUNNING: "⏳ <b>{what}</b>",
    JobState.DONE: "✅ <b>{what}: done</b>",
    JobState.FAILED: "❌ <b>{what} failed</b>",
    JobState.CANCELLED: "⏹ <b>{what} cancelled</b>",
    JobState.INTERRUPTED: "⚠️ <b>{what} interrupted</b>",
    JobState.ROLLED_BACK: "↩️ <b>{what} rolled back</b>",
    JobState.STUCK: "🆘 <b>{what} is stuck</b>",
}


def outcome(job: Job) -> Told:
    """How it ended; there is nothing to try again: a copy follows the next backup."""
    lines = [_HEADLINES[job.state].format(what=_WHAT[job.kind])]
    if job.message:
        lines.append(f"{plain(job.message, _LONGEST_REASON).rstrip('.')}.")
    if job.state is not JobState.DONE:
        lines += ["No backup is lost by that: what is not whole goes.", _next(job)]
    lines.append(who(job))
    whole = units(job.message) <= _LONGEST_REASON
    document = None if whole else (f"{job.id}.txt", job.message)
    return Told("\n".join(lines), document, buttons=ways_on(job))


def _next(job: Job) -> str:
    if job.state is JobState.STUCK:
        return f"I have stopped trying. On the host, run {code(f'akbot jobs settle {job.id}')}."
    if job.kind is JobKind.COPY:
        return f"Within half a day it is tried again; {code('akbot copy')} does it now."
    return f"On the host, {code('akbot rekey')} goes on from there."
