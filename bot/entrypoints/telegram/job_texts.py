"""What is told of a job while it runs and when it has ended. Pure, like `texts`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.durations import duration
from bot.domain.jobs import Job, JobState, Trigger, degraded
from bot.domain.manifest import Manifest
from bot.domain.messages import BackupFinished
from bot.domain.progress import BackupProgress
from bot.domain.slots import next_try
from bot.domain.way_back import is_slow, nobody_may_be_served
from bot.entrypoints.render import size
from bot.entrypoints.render_progress import amount_words
from bot.entrypoints.telegram.markup import code, plain, units
from bot.entrypoints.telegram.pressed import Deed, DeedData
from bot.entrypoints.telegram.texts import Wall

AGAIN = "Try again"
SHOW_LOG = "Show log"
TRY_OR_LOOK = f"Press “{AGAIN}”, or send /status to see how the stack is."
AGREE_ANEW = "If you still want it, agree to the plan as it is now."

ENDED_BADLY = frozenset({JobState.FAILED, JobState.INTERRUPTED, JobState.STUCK})

_CELLS = 12
_LONGEST_REASON = 400
_MOST_STEPS = 12
_MOST_WARNINGS = 5


@dataclass(frozen=True)
class Told:
    """An outcome: its text, a document for what was too long for it, whether again makes sense.

    *buttons* are labels and data, a row each.
    """

    text: str
    document: tuple[str, str] | None = None
    again: bool = False
    buttons: tuple[tuple[str, str], ...] = ()


def progress(job: Job, done: BackupProgress, seconds: float, wall: Wall) -> str:
    """How far a running backup is; *seconds* since its figures began."""
    lines = [f"⏳ <b>Backup is running</b> since {wall.time(job.started)}"]
    lines += figures(done, seconds, "Database")
    steps = [_stored_step(name, stored, done) for name, stored in done.stored.items()]
    steps += [f"⏳ storing: {plain(name, 60)}" for name in done.read]
    lines += steps[-_MOST_STEPS:] or ["Looking at the stack and the store."]
    return "\n".join([*lines, _who(job)])


def time_left(job: Job, took: timedelta | None, wall: Wall) -> list[str]:
    """About when it ends, if the last one *took* so long; nothing once that is over."""
    if took is None or (left := job.started + took - wall.now) <= timedelta():
        return []
    minutes = max(1, round(left / timedelta(minutes=1)))
    at = wall.time(job.started + took)
    return [f"About {minutes} min left, until {at}, if it takes as long as the last one."]


def bar(share: float) -> str:
    """How much is done, as a picture of a phone's width."""
    full = int(share * _CELLS)
    return "█" * full + "░" * (_CELLS - full)


def figures(done: BackupProgress, seconds: float, what: str = "This step") -> list[str]:
    """The bar of what takes the time now, and its bytes, in *seconds* so far.

    Nothing stands there that nobody knows.
    """
    amount = done.amount
    share = amount.share if amount else done.share
    lines = [f"<code>{bar(share)} {share:.0%}</code>"] if share is not None else []
    return lines + ([f"{what}: {amount_words(amount, seconds)}"] if amount else [])


def _stored_step(name: str, stored: int, done: BackupProgress) -> str:
    word = "✅ verified" if name in done.verified else "✔️ stored"
    return f"{word}: {plain(name, 60)}, {size(stored)}"


def progress_ended(job: Job, wall: Wall) -> str:
    """What is left of the progress message once the job has ended."""
    words = {
        JobState.DONE: "✅ Backup done",
        JobState.FAILED: "❌ Backup failed",
        JobState.CANCELLED: "⏹ Backup cancelled",
        JobState.INTERRUPTED: "⚠️ Backup interrupted",
        JobState.ROLLED_BACK: "↩️ Backup rolled back",
        JobState.STUCK: "🆘 Backup stuck",
    }[job.state]
    at = f" at {wall.time(job.ended)}" if job.ended else ""
    return f"{words}{at}. The message that follows says more.\n{_who(job)}"


def _who(job: Job) -> str:
    return who(job, f", label “{plain(job.label, 80)}”" if job.label else "")


def who(job: Job, label: str = "") -> str:
    """Whose job it is, and its id."""
    on_schedule = job.trigger is Trigger.SCHEDULE
    by = "On schedule" if on_schedule else f"Asked for by {plain(job.actor, 60)}"
    return f"{by}{label}. {code(job.id)}"


def tried_again(job: Job) -> str:
    """What may not be yet, and when that which was not cleaned up is tried once more."""
    away = "It may be that nobody can log in yet. " if nobody_may_be_served(job) else ""
    if away and is_slow(job):
        return (
            f"{away}It was tried several times: see to what it says above. From now on I try every"
            " ten minutes, and at once when I am restarted or a command on the host begins a job."
        )
    return f"{away}It is tried again every minute."


def step_lines(steps: Sequence[str]) -> list[str]:
    """What a job has done and what it does now, the newest of it.

    A wait that is over has not always ended well, so that it is not called done.
    """
    earlier = len(steps) - _MOST_STEPS
    lines = [f"✔️ done: {earlier} steps before these"] if earlier > 1 else []
    shown = steps[-_MOST_STEPS:] if lines else steps
    for step in shown[:-1]:
        word = "over" if step.startswith("waiting ") else "done"
        lines.append(f"✔️ {word}: {plain(step, 80)}")
    return lines + [f"⏳ now: {plain(step, 80)}" for step in shown[-1:]]


def outcome(job: Job, finished: BackupFinished | None, wall: Wall) -> Told:
    """How a job ended: what came of it, what is untouched, what to do next."""
    if job.state is JobState.DONE:
        return Told(_good(job, finished, wall))
    reason = plain(job.message, _LONGEST_REASON)
    lines = [
        _headline(job),
        f"Reason: {reason.rstrip('.')}." if reason else "",
        _left(job),
        _next(job),
    ]
    lines.append(_who(job))
    again = job.state in {JobState.FAILED, JobState.INTERRUPTED}
    text = "\n".join(line for line in lines if line)
    whole = units(job.message) <= _LONGEST_REASON
    return Told(text, None if whole else (f"{job.id}.txt", job.message), again, ways_on(job))


def ways_on(job: Job) -> tuple[tuple[str, str], ...]:
    """The buttons under what ended badly, beside that which tries it again."""
    return (log_button(job),) if job.state in ENDED_BADLY else ()


def log_button(job: Job) -> tuple[str, str]:
    """Shows all that is known of how it went."""
    return SHOW_LOG, DeedData(Deed.WHY, job.id).line()


def reason(job: Job, longest: int) -> str:
    """Why or how it ended, as a sentence; what begins with a program's name keeps it."""
    text = plain(job.message, longest).rstrip(".")
    first = text.partition(" ")[0]
    return f"{text[:1].upper() if first.isalpha() else text[:1]}{text[1:]}."


def details(job: Job) -> str:
    """The caption of the document that has a long reason in full."""
    return f"All that was said about {code(job.id)}"


def _headline(job: Job) -> str:
    after = f" after {duration((job.ended - job.started).total_seconds())}" if job.ended else ""
    match job.state:
        case JobState.CANCELLED:
            return f"⏹ <b>Backup cancelled</b>{after}"
        case JobState.INTERRUPTED:
            return f"⚠️ <b>Backup interrupted</b>{after}"
        case JobState.STUCK:
            return "🆘 <b>Backup stuck</b>"
        case _:
            return f"❌ <b>Backup failed</b>{after}"


def _left(job: Job) -> str:
    if job.swept:
        return "The stack is untouched; no half backup is left."
    parts = "The stack is untouched. Parts of this backup may still lie in the store"
    if job.state is JobState.STUCK:
        return f"{parts}."
    return f"{parts}; they are removed as soon as that is possible."


def _next(job: Job) -> str:
    match job.state:
        case JobState.STUCK:
            return f"I have stopped trying. On the host, run {code(f'akbot jobs settle {job.id}')}."
        case JobState.CANCELLED:
            return "Send /backup when you want one."
        case _:
            later = next_try(job)
            by_itself = "I try it again by myself, three times at most. " if later else ""
            return f"{by_itself}{TRY_OR_LOOK}"


def _good(job: Job, finished: BackupFinished | None, wall: Wall) -> str:
    lack = degraded(job)
    lines = [f"{'⚠️' if lack else '✅'} <b>Backup done</b>, verified and signed"]
    if finished:
        lines += _figures(finished.manifest, finished.seconds)
    elif job.ended:
        seconds = (job.ended - job.started).total_seconds()
        lines.append(f"Begun {wall.moment(job.started)}, took {duration(seconds)}.")
    if lack:
        lines.append(f"⚠️ Degraded: {plain(lack, _LONGEST_REASON)}.")
        lines.append("That store gets its copy after the next backup that finds it well.")
    return "\n".join([*lines, _who(job)])


def _figures(manifest: Manifest, seconds: float) -> list[str]:
    parts = len(manifest.components)
    components = f"{parts} component{'s' if parts != 1 else ''}"
    lines = [f"{size(manifest.stored_size)} in {components}, took {duration(seconds)}."]
    if manifest.database:
        rows = sum(manifest.database.rows.values())
        lines.append(f"Database: {size(manifest.database.size)}, {rows:,} rows.")
    if manifest.software.authentik:
        lines.append(f"Authentik {plain(manifest.software.authentik, 40)}.")
    if manifest.partial:
        lines.append("⚠️ Partial: it holds only the components that were asked for.")
    warnings = manifest.warnings[:_MOST_WARNINGS]
    return lines + [f"⚠️ Warning: {plain(warning)}" for warning in warnings]
