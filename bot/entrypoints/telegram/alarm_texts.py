"""What is told of backups and drills that are missing. Pure, like `texts`."""

from datetime import datetime

from bot.domain.alarms import Alarm, LateSuccess
from bot.domain.durations import duration
from bot.domain.jobs import JobKind
from bot.entrypoints.telegram.button_texts import BACK_UP_NOW
from bot.entrypoints.telegram.local_times import local
from bot.entrypoints.telegram.markup import code, plain
from bot.entrypoints.telegram.texts import Wall

NOW = {JobKind.BACKUP: BACK_UP_NOW, JobKind.DRILL: "Drill now"}

_LONGEST_REASON = 400
_WHAT = {JobKind.BACKUP: "good backup", JobKind.DRILL: "drill that passed"}


def alarm(alarm: Alarm, wall: Wall) -> str:
    """What is missing, for how long, why, and what to do."""
    what = _WHAT[alarm.kind]
    since = f"since {wall.moment(alarm.good)}" if alarm.good else "so far"
    lines = [f"🆘 <b>No {what} {since}</b>"]
    lines += _causes(alarm, wall)
    lines.append("The stack is untouched.")
    lines.append(f"Send /{alarm.kind} for one now, or /status to see how the stack is.")
    lines.append(
        f"While it lasts I remind you at {wall.moment(alarm.next)}, then less and less often."
    )
    return "\n".join(lines)


def _causes(alarm: Alarm, wall: Wall) -> list[str]:
    if not alarm.failed and not alarm.hindrance:
        return ["No planned one was begun: was the bot off, or its schedule?"]
    lines = []
    if hindrance := alarm.hindrance:
        slot, at = wall.time(hindrance.slot), wall.moment(hindrance.at)
        why = _reason(hindrance.why, wall)
        lines.append(f"The one planned for {slot} could not begin at {at}: {why}")
    if alarm.failed:
        lines.append(_failures(alarm, wall))
    return lines


def _failures(alarm: Alarm, wall: Wall) -> str:
    newest = alarm.failed[0]
    times = len(alarm.failed)
    failed = "The planned one failed" if times == 1 else f"{times} planned ones failed, the last"
    at = wall.moment(newest.ended or newest.started)
    return f"{failed} at {at}: {_reason(newest.message, wall)} See {code(f'/jobs {newest.id}')}."


def _reason(words: str, wall: Wall) -> str:
    return f"{plain(local(words, wall), _LONGEST_REASON).rstrip('.')}."


def over(
    kind: JobKind, without: datetime, good: datetime, wall: Wall, late: LateSuccess | None = None
) -> str:
    """There is one again; it was *late* if the planned one failed first."""
    gap = duration((good - without).total_seconds())
    what = "A good backup was made" if kind is JobKind.BACKUP else "A drill went well"
    lines = [f"✅ <b>{what}</b> at {wall.moment(good)}, after {gap} without one."]
    if late:
        lines.append(
            f"The planned one is good at try {len(late.failed) + 1}. {_why_late(late, wall)}"
        )
        lines.append(code(late.job.id))
    return "\n".join(lines)


def late(success: LateSuccess, wall: Wall) -> str:
    """What had failed is good, and why it failed."""
    job = success.job
    done = f"Done {wall.moment(job.ended or job.started)}."
    return "\n".join(
        [
            f"✅ <b>The planned backup is good</b>, at try {len(success.failed) + 1}",
            f"{done} {_why_late(success, wall)}",
            code(job.id),
        ]
    )


def _why_late(success: LateSuccess, wall: Wall) -> str:
    times = " and ".join(wall.time(each.ended or each.started) for each in success.failed)
    return f"It failed at {times}: {_reason(success.failed[-1].message, wall)}"
