"""What is told of a backup that is read back. Pure, like `texts`."""

from collections.abc import Sequence

from bot.domain.catalogue import BackupRecord
from bot.domain.durations import duration
from bot.domain.errors import BotError, IntegrityError, OtherKeyError
from bot.domain.progress import BackupProgress
from bot.entrypoints.render import size
from bot.entrypoints.telegram.backup_texts import back_up_now
from bot.entrypoints.telegram.job_texts import figures, step_lines
from bot.entrypoints.telegram.markup import code, plain
from bot.entrypoints.telegram.texts import MAY_BE_STOPPED, UNDER_WAY, Shown, Wall, problem
from bot.services.verify import Verified

ALREADY = "it was being read back already"
OURS = "an error of akbot itself; its log has more"


def reading(record: BackupRecord, wall: Wall) -> str:
    """That it has begun."""
    return (
        f"{UNDER_WAY}Reading the backup of {wall.moment(record.created)} back, all"
        f" {size(record.stored_size)} of it.{MAY_BE_STOPPED}"
    )


def progress(words: str, record: BackupRecord, done: BackupProgress, seconds: float) -> str:
    """How far that is which began with *words*; *seconds* since its figures began."""
    lines = [words, *step_lines(done.steps), *figures(done, seconds, "Read")]
    if record.summary and done.verified:
        many = len(record.summary.components)
        lines.append(f"{len(done.verified)} of {many} components are as they were sent.")
    return "\n".join(lines)


def reads_already(record: BackupRecord) -> str:
    """That somebody has asked for the same."""
    return f"I am reading {code(record.id)} back already. What I find comes as a new message."


def verified(record: BackupRecord, found: Verified, seconds: float, wall: Wall) -> str:
    """That it is whole, and how far that was looked at."""
    read = outcome_figures(found, seconds)
    lines = [
        "✅ <b>Backup verified</b>",
        f"Every byte of {_made(record, wall)} is as it was sent: {read}.",
    ]
    if found.decrypted:
        lines.append("Each part was decrypted and read to its end. /drill proves even more.")
    else:
        lines.append(
            "⚠️ What is inside I could not see: the private key is not on this host."
            " Where the key is, /drill proves more."
        )
    return "\n".join([*lines, code(record.id)])


def _made(record: BackupRecord, wall: Wall) -> str:
    return f"the backup of {wall.moment(record.created)}"


def outcome_figures(found: Verified, seconds: float) -> str:
    """How much was read, in which time."""
    return f"{size(found.stored_size)}, read in {duration(seconds)}"


def failed(record: BackupRecord, error: BotError, wall: Wall) -> Shown:
    """That it is damaged, or that nobody knows."""
    made = _made(record, wall)
    if isinstance(error, IntegrityError) and not isinstance(error, OtherKeyError):
        return Shown(
            f"🆘 <b>Backup damaged</b>: do not count on {made}\n{problem(error)}\n"
            f"Send /backup for a new one, /backups for the others.\n{code(record.id)}",
            (back_up_now(),),
        )
    return Shown(
        f"⚠️ <b>Not verified</b>, so nothing new is known of {made}\n{problem(error)}\n"
        f"{code(record.id)}"
    )


def stopped(record: BackupRecord, actor: str, wall: Wall) -> str:
    """That somebody did not want to wait for it."""
    return (
        f"⏹ <b>Not read to its end</b>: the backup of {wall.moment(record.created)}\n"
        f"Stopped by {plain(actor, 60)}. The backup is as it was. {code(record.id)}"
    )


def cancelling(read: Sequence[str]) -> str:
    """The answer to /cancel where no job runs, but backups are read back."""
    return f"I stop reading back {', '.join(map(code, read))}."
