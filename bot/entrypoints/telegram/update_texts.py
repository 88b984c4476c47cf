"""What is told of an update or a rollback while it runs and when it has ended. Pure."""

from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.progress import BackupProgress
from bot.domain.restore import GOING_AWAY
from bot.entrypoints.telegram.job_texts import Told, bar
from bot.entrypoints.telegram.markup import code, plain, units
from bot.entrypoints.telegram.texts import Wall

_LONGEST_REASON = 800
_MOST_STEPS = 12
_HEADLINES = {
    JobState.RUNNING: "⏳ <b>{what} is running</b>",
    JobState.DONE: "✅ <b>{what} done</b>",
    JobState.FAILED: "❌ <b>{what} not done</b>",
    JobState.CANCELLED: "⏹ <b>{what} cancelled</b>",
    JobState.INTERRUPTED: "⚠️ <b>{what} interrupted</b>",
    JobState.STUCK: "🆘 <b>{what} failed, and a person is needed</b>",
    JobState.ROLLED_BACK: "↩️ <b>{what} rolled back</b>",
}


def progress(job: Job, done: BackupProgress, wall: Wall) -> str:
    """How far a running one is, and whether people can log in meanwhile."""
    lines = [f"{_headline(job)} since {wall.time(job.started)}"]
    steps = done.steps[-_MOST_STEPS:]
    lines += [f"✔️ done: {plain(step, 80)}" for step in steps[:-1]]
    lines += [f"⏳ now: {plain(step, 80)}" for step in steps[-1:]]
    if done.share is not None:
        lines.append(f"<code>{bar(done.share)} {done.share:.0%}</code>")
    away = GOING_AWAY in done.steps
    lines.append("Nobody can log in until it holds." if away else "Authentik serves meanwhile.")
    return "\n".join([*lines, _who(job)])


def progress_ended(job: Job, wall: Wall) -> str:
    """What is left of the progress message once the job has ended."""
    at = f" at {wall.time(job.ended)}" if job.ended else ""
    return f"The {job.kind} has ended{at}. The message that follows says more.\n{_who(job)}"


def outcome(job: Job) -> Told:
    """How it ended; which version serves stands in the job's own words."""
    lines = [_headline(job)]
    if job.message:
        lines.append(f"{plain(job.message, _LONGEST_REASON).rstrip('.')}.")
    lines.append(_then(job))
    lines.append(_who(job))
    whole = units(job.message) <= _LONGEST_REASON
    document = None if whole else (f"{job.id}.txt", job.message)
    return Told("\n".join(lines), document)


def _then(job: Job) -> str:
    if job.state is JobState.STUCK:
        settle = code(f"akbot jobs settle {job.id}")
        return f"Nothing runs by itself until you have looked at the stack and run {settle} there."
    if not job.swept:
        return "It is tried again every minute."
    if job.state is JobState.DONE and job.kind is JobKind.UPDATE:
        return "The version before is kept for a day: /rollback brings it back."
    return "/status shows the containers."


def _headline(job: Job) -> str:
    return _HEADLINES[job.state].format(what=job.kind.capitalize())


def _who(job: Job) -> str:
    return f"Asked for by {plain(job.actor, 60)}. {code(job.id)}"
