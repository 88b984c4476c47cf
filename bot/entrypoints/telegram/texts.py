"""Every text of the chat: values in, Telegram's HTML out. Pure, and safe with hostile names.

A sign never stands alone: the word beside it says the same, for whoever has it read aloud.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from bot.domain.catalogue import BackupRecord, newest_good
from bot.domain.durations import duration
from bot.domain.errors import BotError
from bot.domain.jobs import Job, JobState, Trigger
from bot.domain.log_masking import mask_keys
from bot.domain.orders import Entry, Unmet
from bot.domain.stack import Container, Stack
from bot.entrypoints.render import age_of, size
from bot.entrypoints.telegram.asked import Asked, parse_origin
from bot.entrypoints.telegram.markup import LONGEST_TEXT, bold, clean, code, cut, plain
from bot.entrypoints.telegram.refusal_texts import why_not
from bot.services.journal_ports import Buttons

SIGNS: Mapping[JobState | Unmet, str] = {
    JobState.RUNNING: "⏳ running",
    JobState.DONE: "✅ done",
    JobState.FAILED: "❌ failed",
    JobState.CANCELLED: "⏹ cancelled",
    JobState.INTERRUPTED: "⚠️ interrupted",
    JobState.STUCK: "🆘 stuck",
    JobState.ROLLED_BACK: "↩️ rolled back",
    Unmet.REFUSED: "⛔ refused",
    Unmet.DECLINED: "⚪ declined",
    Unmet.EXPIRED: "⌛ expired",
}

UNDER_WAY = "⏳ "
MAY_BE_STOPPED = " /cancel stops that."
"""What is true of a look for as long as it goes on."""


@dataclass(frozen=True)
class Shown:
    """A text, and the buttons below it."""

    text: str
    buttons: Buttons = ()


Answer = str | Shown | None
"""What somebody is answered; None where they hear of it elsewhere."""


@dataclass(frozen=True)
class Wall:
    """The clock on the reader's wall."""

    now: datetime
    zone: tzinfo

    def time(self, then: datetime) -> str:
        """The time, with the day where it is another one: `24 Nov 03:30`."""
        local, today = then.astimezone(self.zone), self.now.astimezone(self.zone)
        if local.date() == today.date():
            return f"{local:%H:%M}"
        return f"{local:%d %b %H:%M}" if local.year == today.year else f"{local:%d %b %Y %H:%M}"

    def age(self, then: datetime) -> str:
        """How long ago, in words."""
        if self.now - then < timedelta(minutes=1):
            return "just now"
        return age_of(then, self.now)

    def moment(self, then: datetime) -> str:
        """Both: `03:30 (3 h ago)`; or `03:30 (in 3 h 5 min)`, of one to come."""
        if then > self.now:
            return f"{self.time(then)} (in {duration((then - self.now).total_seconds())})"
        return f"{self.time(then)} ({self.age(then)})"


def status(
    stack: Stack | BotError,
    records: Sequence[BackupRecord] | BotError,
    running: Job | None,
    wall: Wall,
    around: Sequence[str] = (),
) -> str:
    """The stack at a glance; what could not be looked at is said in its place.

    *around* are lines of what is not well around the containers.
    """
    lines = [_stack_lines(stack), *around, "", _last_good_line(records, wall)]
    if running:
        lines.append(f"⏳ Running now: {run_words(running, wall)}")
    return "\n".join(lines)


def _stack_lines(stack: Stack | BotError) -> str:
    if isinstance(stack, BotError):
        return f"❌ The containers cannot be seen: {problem(stack)}"
    lines = [f"Stack {bold(stack.project)}"]
    lines += [_container_line(container) for container in stack.containers]
    return "\n".join(lines)


def _container_line(container: Container) -> str:
    if not container.running:
        sign = f"❌ {plain(container.state)}"
    elif container.health == "unhealthy":
        sign = "❌ unhealthy"
    elif container.health == "starting":
        sign = "⏳ starting"
    else:
        sign = "✅ healthy" if container.health == "healthy" else "✅ running"
    restarts = f", restarted {container.restarts} times" if container.restarts else ""
    return f"{sign}: {plain(container.service, 60)}{restarts}"


def _last_good_line(records: Sequence[BackupRecord] | BotError, wall: Wall) -> str:
    if isinstance(records, BotError):
        return f"❌ The backups cannot be listed: {problem(records)}"
    good = newest_good(records)
    if good is None:
        return "⚠️ There is no good backup yet. Send /backup to make one."
    line = f"Last good backup: {wall.moment(good.created)}, {size(good.stored_size)}"
    if not good.lacking:
        return line
    return f"{line}\n⚠️ Degraded: it is not in {plain(', '.join(good.lacking), 200)}"


def run_words(job: Job, wall: Wall) -> str:
    """What runs, since when and how far."""
    share = f", {job.share:.0%} done" if job.share is not None else ""
    return f"{job.kind} since {wall.moment(job.started)}{share}, {by(job)}"


def no_options(option: str, components: Sequence[str]) -> str:
    """The answer to /backup with an option as on the command line; *components* may be unknown."""
    names = f" NAME is one of: {plain(', '.join(components), 1000)}." if components else ""
    return (
        f"/backup takes no options here, so I do not know what to make of {code(option)}."
        " Nothing was begun.\n"
        f"For a part of the stack, run {code('akbot backup --component NAME')} on the host.{names}"
    )


def pin_what(command: str) -> str:
    """The answer to /pin without a backup's id."""
    return f"Which one? Send {code(f'/{command} ID')}; /backups lists the ids."


def not_pinned(error: BotError) -> str:
    """A pin that could not be written."""
    return f"❌ That did not work: {problem(error)}\nThe backup is as it was."


def pinned(record: BackupRecord) -> str:
    """What holds now of a backup's pin."""
    if record.pinned:
        return f"📌 Pinned: {code(record.id)} stays whatever its age. /unpin takes that back."
    return f"Not pinned: the age of {code(record.id)} decides how long it stays."


def no_backup_name(words: str, command: str) -> str:
    """The answer to *command* with words that name no backup."""
    return (
        f"{code(cut(words, 60))} is no backup's id. Send {code(f'/{command} latest')} for the"
        f" newest good one, /{command} and an id of /backups, or /{command} alone, and I ask which"
        " if there are several."
    )


def looked(text: str) -> str:
    """What said that something is being looked at, once that has ended."""
    note = "Done: what came of it is a new message."
    text = text.removeprefix(UNDER_WAY).replace(MAY_BE_STOPPED, "")
    return text if note in text else _with_note(text, note)


def never_looked() -> str:
    """A look that was cut off."""
    return "❌ I was stopped before I had seen all. Nothing was changed. Ask again if you like."


def unknown_command() -> str:
    """The answer to a command that there is not."""
    return "I do not know that command. Send /help for those that I know."


def help_text(commands: Sequence[tuple[str, str]], role: str = "") -> str:
    """What can be asked; *commands* are names and a line each, *role* says why not more."""
    lines = [*(f"/{name}: {plain(line)}" for name, line in commands), *([role] if role else [])]
    return "\n".join(
        [
            "<b>I back up your Authentik stack.</b>",
            *lines,
            "",
            "What I do goes on by itself: put the phone away, its outcome comes as a new message.",
        ]
    )


def offer(asked: Sequence[Asked], wall: Wall) -> str:
    """Commands that came while nobody listened, offered again."""
    if len(asked) == 1:
        only = asked[0]
        return (
            f"You asked for {code(only.text)} at {wall.moment(only.sent)}, while I was away."
            " Run it now?"
        )
    lines = [f"• {code(each.text)} at {wall.moment(each.sent)}" for each in asked]
    return "\n".join(["While I was away, you asked for:", *lines, "Run them now, in this order?"])


def answered(text: str, choice: str, name: str) -> str:
    """A question once it has its answer."""
    return _with_note(text, f"{plain(name, 60)} chose: {plain(choice, 60)}")


def closed(text: str, why: str) -> str:
    """A question that stays without an answer."""
    return _with_note(text, why)


def takes_no_words(command: str) -> str:
    """The answer to words after a command that acts at once: they may have meant later."""
    deed = {"cancel": "stops what is running", "resume": "ends the pause"}[command]
    return f"/{command} {deed}, at once. Send it without words if you want that. Nothing was done."


def old_press(text: str) -> str:
    """A message whose button was pressed while nobody listened."""
    note = (
        "A button was pressed here while I was away. I did nothing. Press again if it still holds."
    )
    return text if note in text else _with_note(text, note)


def cut_off(text: str) -> str:
    """An offer of several commands, in the middle of which the bot was stopped."""
    note = "I was stopped in the middle of these. Press again for those that are left."
    return text if note in text else _with_note(text, note)


def _with_note(text: str, note: str) -> str:
    return f"{text}\n\n<i>{note}</i>"


def went_wrong() -> str:
    """A command that met an error of ours."""
    return "❌ That did not work because of an error in akbot itself; its log has more."


def undelivered(chat: int, reason: str, text: str) -> str:
    """A message for another chat that can never arrive there; *text* is its HTML."""
    head = f"⚠️ A message for chat {chat} could not be delivered: {plain(why_not(reason))}."
    whole = f"{head} It said:\n\n{text}"
    return whole if cut(whole, LONGEST_TEXT) == whole else f"{head} It was too long to repeat here."


def problem(error: BotError) -> str:
    """An error with its next step."""
    return f"{cause(error, 600)}. {next_step(error)}".rstrip()


def cause(error: BotError, longest: int = 300) -> str:
    """What an error says, without what opens a door: it may quote addresses and answers."""
    return plain(mask_keys(clean(str(error))), longest)


def next_step(error: BotError, longest: int = 300) -> str:
    """What to do about it, likewise; "" where nothing is known."""
    return plain(mask_keys(clean(error.hint)), longest)


def by(job: Entry) -> str:
    """Who, and in which group: in private is where most is asked, and goes without saying."""
    if job.trigger is Trigger.SCHEDULE:
        return "on schedule"
    place = parse_origin(job.origin)
    where = f" {place.words}" if place and place.is_group else ""
    return f"asked for by {plain(job.actor, 60)}{where}"
