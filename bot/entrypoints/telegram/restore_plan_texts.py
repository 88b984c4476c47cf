"""What a person is shown before a restore in the chat, to decide on. Pure, like `texts`."""

from collections.abc import Sequence

from bot.domain.backup_id import BackupId, created_at
from bot.domain.components import POSTGRES
from bot.domain.errors import BotError
from bot.domain.redis_content import redis_words
from bot.domain.restore_plan import Preview
from bot.entrypoints.render import size
from bot.entrypoints.telegram.markup import code, cut, plain
from bot.entrypoints.telegram.pressed import RESTORE
from bot.entrypoints.telegram.texts import UNDER_WAY, Wall, problem

_MOST_NOTES = 5
_LONGEST_NOTE = 200
_GO_ON = "<b>Go on?</b> Nothing has been changed so far."
_COMPOSE = (
    "<b>The compose files change back with it</b>, with the folders and the Redis that they name;"
    f" {code('akbot restore --undo --dry-run')} shows how."
)
_AWAY = "While server and worker start nobody can log in. I go on, and tell you here how far it is."


def looking() -> str:
    """That the plan is being made."""
    return f"{UNDER_WAY}Looking at what that would change. Nothing changes without your word."


def refused(error: BotError) -> str:
    """That it cannot be done."""
    return f"❌ <b>That cannot be restored</b>\n{problem(error)}"


def not_the_last(job: str) -> str:
    """The answer to the button of a restore that another one has followed."""
    return (
        f"❌ The restore {code(job)} is not the last one any more, so it cannot be taken back."
        " Send /restore undo for the last one."
    )


def too_late(job: str) -> str:
    """The answer to the button of a restore that keeps nothing for it any more."""
    return (
        f"❌ The restore {code(job)} cannot be taken back any more: what served before it was"
        " kept for a day, until a newer backup was good. Send /backups and restore one of those."
    )


def plan(preview: Preview, wall: Wall) -> str:
    """What is replaced, what is lost, who comes back, and what else should be known."""
    lines = _undo_lines(preview, wall) if preview.undo_of else _backup_lines(preview, wall)
    lines += ["", *_change_lines(preview)]
    lines += _notes("Differs, and stays as it is now", preview.differences)
    lines += _notes("⚠️ Warning", preview.warnings)
    return "\n".join([*lines, "", _AWAY, "", _GO_ON])


def _undo_lines(preview: Preview, wall: Wall) -> list[str]:
    done = preview.undo_of
    return [
        f"<b>Take the restore of {wall.moment(created_at(done))} back?</b>" if done else "",
        code(done or ""),
        "",
        f"What served before it serves again: {plain(', '.join(preview.components))}.",
        *([f"That is {plain(preview.ways.to)}."] if preview.ways.to else []),
        *(f"Older is {plain(each)}" for each in preview.ways.older),
        f"The database {code(preview.absent)} is not there: this cannot be taken back."
        if preview.absent
        else "<b>Lost</b>: all that was written since that restore. It is kept for one more undo.",
    ]


def _backup_lines(preview: Preview, wall: Wall) -> list[str]:
    manifest = preview.manifest
    if manifest is None:
        return []
    lines = [
        f"<b>Restore the backup of {wall.moment(manifest.created)}?</b>",
        f"{code(manifest.id)}, {size(manifest.stored_size)}",
    ]
    if manifest.label:
        lines.append(f"Label: {plain(manifest.label, 100)}")
    newest = "It is the newest good one." if preview.newest else "⚠️ There is a newer good one."
    lines += [newest, "", f"<b>Replaced</b>: {plain(', '.join(preview.components))}."]
    if preview.untouched:
        lines.append(f"Not touched: {plain(', '.join(preview.untouched))}.")
    if POSTGRES in preview.components:
        lines += _database_lines(preview, wall)
    lines.append(
        "The state before is backed up first, and kept, so that you can take this back."
        if preview.safety_backup
        else "⚠️ There is no backup of the state before; it is only kept for an undo."
    )
    return lines


def _database_lines(preview: Preview, wall: Wall) -> list[str]:
    manifest = preview.manifest
    lost = "<b>Lost</b>: all that was written since."
    if preview.contents and preview.contents.newest_event:
        lost += f" The newest event is of {wall.moment(preview.contents.newest_event)}."
    lines = [lost]
    if preview.live and manifest and manifest.database:
        now, then = sum(preview.live.rows.values()), sum(manifest.database.rows.values())
        lines.append(f"Rows: {now:,} now, {then:,} then.")
    if preview.users_now is not None and preview.users_then is not None:
        lines.append(f"Users: {preview.users_now:,} now, {preview.users_then:,} then.")
    lines.append(
        "<b>Comes back</b>: who was deleted since, and every token revoked since. Passwords are"
        " the old ones."
    )
    return lines


def _change_lines(preview: Preview) -> list[str]:
    now, then = (plain(each or "?", 40) for each in (preview.version_now, preview.version_then))
    lines = [f"Authentik stays {now}." if now == then else f"Authentik {now} becomes {then}."]
    compose = _COMPOSE if preview.compose else ""
    redis = plain(redis_words(preview.sessions, preview.version_then))
    return lines + [each for each in (redis, compose) if each]


def _notes(what: str, notes: Sequence[str]) -> list[str]:
    lines = [f"{what}: {plain(note, _LONGEST_NOTE)}" for note in notes[:_MOST_NOTES]]
    left = len(notes) - _MOST_NOTES
    if left > 0:
        lines.append(f"{what}: {left} more; {code('akbot restore --dry-run')} shows them all.")
    return lines


def once_more(subject: str, how: str, wall: Wall, *, is_undo: bool) -> str:
    """The last question; *subject* is a backup's id or, of an undo, the job's; *how* one agrees."""
    made = wall.moment(created_at(BackupId(subject)))
    what = f"the restore of {made} is taken back" if is_undo else f"the backup of {made} serves"
    return (
        f"⚠️ <b>Last question</b>\n{how}, {what}, in place of what serves now. If the plan has"
        " changed since, I do nothing and show you the new one.\n"
        f"{code(cut(subject, 60))}"
    )


def how_to_agree(*, loses_rows: bool, is_group: bool) -> str:
    """What the person does for it; in groups the bot only sees replies."""
    if not loses_rows:
        return "If you press yes"
    verb = "reply to this message with the word" if is_group else "type the word"
    return f"What was written since is lost. If you {verb} {code(RESTORE)}"
