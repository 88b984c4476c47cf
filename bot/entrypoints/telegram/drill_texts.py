"""What is told of a drill while it runs and when it has ended. Pure, like `texts`."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.drill import VERDICT, Verdict
from bot.domain.jobs import DEGRADED, Job, JobState, Trigger
from bot.domain.progress import BackupProgress
from bot.entrypoints.telegram.backup_texts import back_up_now
from bot.entrypoints.telegram.job_texts import (
    AGAIN,
    Told,
    figures,
    reason,
    time_left,
    ways_on,
    who,
)
from bot.entrypoints.telegram.markup import plain, units
from bot.entrypoints.telegram.texts import Wall

_LONGEST_REASON = 600
_MOST_STEPS = 12
_HEADLINES = {
    JobState.RUNNING: "⏳ <b>Drill is running</b>",
    JobState.DONE: "✅ <b>Drill passed</b>: the backup came back",
    JobState.FAILED: "⚠️ <b>Drill could not run</b>, so nothing is known of the backup",
    JobState.CANCELLED: "⏹ <b>Drill cancelled</b>",
    JobState.INTERRUPTED: "⚠️ <b>Drill interrupted</b>",
    JobState.ROLLED_BACK: "↩️ <b>Drill rolled back</b>",
    JobState.STUCK: "🆘 <b>Drill stuck</b>",
}
_CANNOT_TELL = (
    "Whether it comes back, planned drills cannot find out here, and I say so this once; what they"
    " find wrong I tell each time."
)
_FAILED = "🆘 <b>Drill failed</b>: do not count on this backup"


def progress(
    job: Job, done: BackupProgress, seconds: float, wall: Wall, took: timedelta | None = None
) -> str:
    """How far a running drill is."""
    lines = [f"{_HEADLINES[JobState.RUNNING]} since {wall.time(job.started)}"]
    lines += figures(done, seconds, "Reading the backup")
    steps = [f"✅ came back: {plain(name, 60)}" for name in done.verified]
    lines += steps[-_MOST_STEPS:] or ["Restoring into a container that nothing else can reach."]
    return "\n".join([*lines, *time_left(job, took, wall), who(job)])


def progress_ended(job: Job, wall: Wall) -> str:
    """What is left of the progress message once the job has ended."""
    at = f" at {wall.time(job.ended)}" if job.ended else ""
    return f"The drill has ended{at}. The message that follows says more.\n{who(job)}"


def outcome(job: Job) -> Told:
    """What came back, or what did not; the stack is never touched by a drill."""
    if job.state is JobState.DONE and job.plan.get(VERDICT) == Verdict.READ:
        return _only_read(job)
    failed = job.state is JobState.FAILED and job.plan.get(VERDICT) == Verdict.FAIL
    again = not failed and _can_run_again(job)
    lines = [_FAILED if failed else _HEADLINES[job.state]]
    if job.message:
        lines.append(reason(job, _LONGEST_REASON))
    lines.append("The stack and the backups are untouched.")
    if failed:
        lines.append("Send /backup for a new one, then /drill to prove it.")
    elif job.state is not JobState.DONE:
        lines.append(f"Press “{AGAIN}” for another one." if again else "Send /drill to try again.")
    lines.append(who(job))
    whole = units(job.message) <= _LONGEST_REASON
    document = None if whole else (f"{job.id}.txt", job.message)
    anew = back_up_now() if failed else ()
    return Told("\n".join(lines), document, again, (*anew, *ways_on(job)))


def _only_read(job: Job) -> Told:
    """A planned one without the key, of which it is told once how little it can show."""
    said = replace(job, message=job.message.partition(f"; {DEGRADED}")[0])
    lines = [
        "⚠️ <b>Drill without the private key</b>: the backup was read, and not restored",
        reason(said, _LONGEST_REASON),
        _CANNOT_TELL,
        "Drill where the key is, with “akbot drill”, or let AKBOT_IDENTITY_FILE name it here.",
        "The stack and the backups are untouched.",
        who(job),
    ]
    return Told("\n".join(lines), buttons=ways_on(job))


def _can_run_again(job: Job) -> bool:
    """Of one from the command line it is not known which backup it was for."""
    could_not_run = job.state in {JobState.FAILED, JobState.INTERRUPTED}
    return could_not_run and job.trigger is not Trigger.CLI
