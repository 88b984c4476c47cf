"""A restore for people: what it would do, and what it did. Pure."""

from bot.domain.durations import duration
from bot.domain.manifest import DatabaseFacts
from bot.domain.printable import one_line
from bot.domain.redis_content import redis_words
from bot.domain.restore_from_nothing import NO_WAY_BACK
from bot.domain.restore_plan import ForeignDump, Preview
from bot.domain.undo_ways import Ways
from bot.entrypoints.render import size
from bot.services.restore import Restored


def preview_lines(preview: Preview) -> list[str]:
    """What will be done, what is lost, who comes back, and what else should be known."""
    if preview.dump:
        lines = _dump_lines(preview, preview.dump)
    else:
        lines = _undo_lines(preview) if preview.undo_of else _backup_lines(preview)
    if preview.version_now != preview.version_then:
        again = "" if preview.dump else " again"
        lines.append(f"Authentik {preview.version_now} becomes {preview.version_then}{again}.")
    if redis := redis_words(preview.sessions, preview.version_then):
        lines.append(one_line(redis))
    if preview.compose:
        lines.append("The compose files change, and go back with the restore:")
        lines += [f"  {each}" for each in preview.compose.splitlines()]
    lines += [f"  differs: {one_line(each)}" for each in preview.differences]
    lines += [f"  warning: {one_line(each)}" for each in preview.warnings]
    lines.append("Server and worker are away for as long as they take to start.")
    return lines


def _undo_lines(preview: Preview) -> list[str]:
    parts = ", ".join(preview.components)
    written = "What was written since is lost to those who use it, and kept for one more undo."
    return [
        f"The restore {preview.undo_of} is taken back: {parts}.",
        *_way_lines(preview.ways),
        _absent_line(preview) if preview.absent else written,
    ]


def _way_lines(ways: Ways) -> list[str]:
    return [
        *([one_line(f"Serves again: {ways.to}.")] if ways.to else []),
        *(one_line(f"Older is {each}") for each in ways.older),
    ]


def _backup_lines(preview: Preview) -> list[str]:
    manifest = preview.manifest
    if manifest is None:
        return []
    label = f' "{one_line(manifest.label)}"' if manifest.label else ""
    made = f"{manifest.created:%Y-%m-%d %H:%M} UTC, {size(manifest.stored_size)}"
    lines = [
        f"Backup {preview.backup_id}{label} of {made}, is to serve again.",
        f"Replaced: {', '.join(preview.components)}.",
    ]
    if not preview.newest:
        lines.insert(1, "There is a newer good backup.")
    if preview.untouched:
        lines.append(f"Not touched: {', '.join(preview.untouched)}.")
    if "postgres" in preview.components:
        lines += _database_lines(preview, manifest.database)
    return [*lines, _safety_line(preview)]


def _dump_lines(preview: Preview, dump: ForeignDump) -> list[str]:
    lines = [
        f"The dump {one_line(dump.name)}, of Authentik {preview.version_then}, is to serve.",
        "Replaced: the database, as a whole.",
    ]
    if preview.untouched:
        lines.append(
            f"Not touched: {', '.join(preview.untouched)}. Files that the dump's rows name must be"
            " there already."
        )
    if dump.contents.newest_event:
        newest = dump.contents.newest_event
        lines.append(f"The newest event in the dump is of {newest:%Y-%m-%d %H:%M} UTC.")
    lines += _database_lines(preview, dump.facts)
    return [*lines, _safety_line(preview)]


def _absent_line(preview: Preview) -> str:
    gone = f'The database "{one_line(preview.absent)}" is not there'
    return f"{gone}: nothing of it is kept, and what is done now cannot be taken back."


def _safety_line(preview: Preview) -> str:
    if preview.absent:
        return _absent_line(preview)
    if preview.safety_backup:
        return "The state before is backed up first, and kept for akbot restore --undo."
    return "There will be NO safety backup; the state before is kept for --undo."


def _database_lines(preview: Preview, then: DatabaseFacts | None) -> list[str]:
    lines: list[str] = []
    if then and preview.live:
        now = preview.live
        lines.append(
            f"The database: {sum(now.rows.values()):,} rows now, {sum(then.rows.values()):,} then;"
            f" {preview.users_now or 0:,} users now, {preview.users_then or 0:,} then."
        )
    if preview.contents and preview.contents.newest_event:
        newest = preview.contents.newest_event
        lines.append(
            f"All that was written since is lost; the newest event is of {newest:%Y-%m-%d %H:%M}"
            " UTC."
        )
    lines.append(
        "Who was deleted since comes back, so do tokens revoked since, and passwords are the old"
        " ones."
    )
    return lines


def restored_lines(restored: Restored) -> list[str]:
    """What serves now."""
    version = f" with Authentik {restored.version}" if restored.version else ""
    if restored.undone:
        what = f"The restore {restored.undone} is taken back"
    else:
        what = f"{restored.source[0].upper()}{restored.source[1:]} serves{version}"
    kept = "What served before is kept until a newer backup was made and a day has passed"
    took = f"after {duration(restored.seconds)}"
    away = f"for {duration(restored.away)} of them nobody could log in"
    doubt = [one_line(f"degraded: {restored.doubt}")] if restored.doubt else []
    back = f"{NO_WAY_BACK[0].upper()}{NO_WAY_BACK[1:]}." if restored.from_nothing else ""
    ways = _way_lines(restored.ways) if restored.undone else []
    return [f"{what}, {took}; {away}.", *ways, *doubt, back or f"{kept}: akbot restore --undo"]
