"""What is told of an update or a rollback while it runs and when it has ended. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.jobs import Job, JobKind, JobState, plan_changed
from bot.domain.progress import BackupProgress
from bot.domain.restore import GOING_AWAY
from bot.domain.update import AROUND
from bot.domain.update_gate import Judgement
from bot.domain.update_news import NewRelease, NoAnswer
from bot.domain.update_words import PAGE
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
from bot.entrypoints.telegram.markup import code, escape, plain, units
from bot.entrypoints.telegram.pressed import Deed, DeedData
from bot.entrypoints.telegram.texts import Wall

NOBODY_ANSWERED = "Nobody answered in time, so it is rolled back."
_ANEW = "Show me the plan anew"
RESTARTED = (
    "I was restarted while this question was open, so it is closed. I ask once more, as long as"
    " there is time for an answer, or tell in a message of its own what became of the update."
)
_LONGEST_REASON = 800
_MOST_PROOF = 5
_LONGEST_HOLD, _MOST_HOLDS = 400, 3
_PROMOTED = " is promoted"  # how the step of an update ends with which a version is kept
_HEADLINES = {
    JobState.RUNNING: "⏳ <b>{what} is running</b>",
    JobState.DONE: "✅ <b>{what} done</b>",
    JobState.FAILED: "❌ <b>{what} not done</b>",
    JobState.CANCELLED: "⏹ <b>{what} cancelled</b>",
    JobState.INTERRUPTED: "⚠️ <b>{what} interrupted</b>",
    JobState.STUCK: "🆘 <b>{what} failed, and a person is needed</b>",
    JobState.ROLLED_BACK: "↩️ <b>{what} rolled back</b>",
}


def progress(
    job: Job, done: BackupProgress, seconds: float, wall: Wall, took: timedelta | None = None
) -> str:
    """How far a running one is, and whether people can log in meanwhile."""
    lines = [f"{_headline(job)} since {wall.time(job.started)}"]
    lines += step_lines(done.steps)
    lines += figures(done, seconds)
    lines += time_left(job, took, wall)
    away = _is_away(done.steps)
    lines.append("Nobody can log in until it holds." if away else "Authentik serves meanwhile.")
    return "\n".join([*lines, who(job)])


def _is_away(steps: Sequence[str]) -> bool:
    """Between two steps of the way the version that has just held serves."""
    gone = [step for step in steps if step == GOING_AWAY or step.endswith(_PROMOTED)]
    return bool(gone) and gone[-1] == GOING_AWAY


def progress_ended(job: Job, wall: Wall) -> str:
    """What is left of the progress message once the job has ended."""
    at = f" at {wall.time(job.ended)}" if job.ended else ""
    return f"The {job.kind} has ended{at}. The message that follows says more.\n{who(job)}"


def outcome(job: Job) -> Told:
    """How it ended; which version serves stands in the job's own words."""
    lines = [_headline(job)]
    if job.message:
        lines.append(reason(job, _LONGEST_REASON))
    lines.append(_then(job))
    lines.append(who(job))
    whole = units(job.message) <= _LONGEST_REASON
    document = None if whole else (f"{job.id}.txt", job.message)
    return Told("\n".join(lines), document, buttons=_buttons(job))


def _then(job: Job) -> str:
    if job.state is JobState.STUCK:
        settle = code(f"akbot jobs settle {job.id}")
        page = "" if PAGE in job.message else f" {PAGE}"
        return (
            f"I have stopped: nothing runs by itself any more.{page} Once the stack is as you want"
            f" it, run {settle} on the host."
        )
    if job.swept:
        return _then_at_rest(job)
    if job.state in {JobState.DONE, JobState.ROLLED_BACK}:
        return "What serves stays. I try every minute to remove what is left besides."
    return tried_again(job)


def _then_at_rest(job: Job) -> str:
    """Where nothing half-done of it is left."""
    if plan_changed(job):
        return AGREE_ANEW
    if job.state is JobState.DONE and job.kind is JobKind.UPDATE:
        return (
            "The version before is kept for a day, or as AKBOT_SNAPSHOT_KEEP says:"
            " /rollback brings it back."
        )
    if job.state is JobState.ROLLED_BACK and job.plan.get(AROUND):
        return "Mend what it names, and /update tries it again."
    if job.state is JobState.ROLLED_BACK:
        return "A version that did not hold is not offered by itself again; the next one is."
    return "/status shows the containers."


def _buttons(job: Job) -> tuple[tuple[str, str], ...]:
    """To take it back, to read why, to look at the stack, or at the way anew."""
    status = ("Status", DeedData(Deed.STATUS).line())
    said = ("Show what it said", DeedData(Deed.SAID, job.id).line())
    if job.state is JobState.STUCK:
        return (said, status)
    if not job.swept or job.state is JobState.RUNNING:
        return ()
    if job.kind is JobKind.ROLLBACK:
        anew = ((_ANEW, DeedData(Deed.ROLLBACK).line()),)
        return (*(() if job.state is JobState.DONE else anew), status)
    if job.state is JobState.DONE:
        return (("Take it back …", DeedData(Deed.ROLLBACK, job.id).line()), status)
    if job.state is JobState.ROLLED_BACK:
        return (said, status)
    return ((_ANEW, DeedData(Deed.UPDATE, job.id).line()), status)


def said(job: str) -> str:
    """The caption of the document with what removed containers said last."""
    return f"What the containers of {code(job)} said last; secrets in it are masked."


def nothing_said() -> str:
    """There is no such document."""
    return (
        "Nothing is kept of what its containers said: they were never started, or it is long ago."
    )


def stays(tag: str, judgement: Judgement, until: datetime, wall: Wall) -> str:
    """The question of the gate where only the public URL fails."""
    proof = [code(line) for line in judgement.proof[:_MOST_PROOF]]
    return "\n".join(
        [
            f"⚠️ <b>{plain(tag, 40) or 'The new version'} is up: keep it?</b>",
            f"{plain(_sentence(judgement.reason), _LONGEST_REASON)}",
            *proof,
            f"Without an answer until {wall.moment(until)} it is rolled back, with every row.",
        ]
    )


def new_release(news: NewRelease) -> str:
    """That there is a newer version, told once."""
    head = "🔒 <b>Security release" if news.security else "🆕 <b>New release"
    steps = "" if news.steps == 1 else f", {news.steps} steps away"
    held = "".join(
        f"⚠️ Held back: {plain(each.words.rstrip('.'), _LONGEST_HOLD)}. {plain(each.remedy, 200)}\n"
        for each in news.holds[:_MOST_HOLDS]
    )
    return (
        f"{head}: Authentik {plain(news.target, 40)} is out</b>\n"
        f"{plain(news.current, 40)} runs here{steps}. {escape(news.notes)}\n"
        f"{held}"
        "/update shows the way, and asks before anything is done."
    )


def no_answer(news: NoAnswer) -> str:
    """That nobody knows whether there is a newer version, told once."""
    return (
        f"⚠️ Since {news.since:%d %b} I cannot tell whether there is a newer Authentik:"
        f" {plain(_sentence(news.why), 600)}\nI go on trying, and say no more of it."
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _headline(job: Job) -> str:
    to = f" to {plain(job.label, 40)}" if job.kind is JobKind.UPDATE and job.label else ""
    state = JobState.STUCK if needs_a_person(job) else job.state
    return _HEADLINES[state].format(what=f"{job.kind.capitalize()}{to}")
