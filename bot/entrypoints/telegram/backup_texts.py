"""The backups as a person looks through them on a phone: a list, and one of them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bot.domain.catalogue import BackupRecord, BackupState, newest_good
from bot.domain.drilled import Drilled
from bot.domain.errors import BotError, RefusedError
from bot.domain.restore_choice import is_safety, newest_to_restore
from bot.domain.roles import Act
from bot.domain.summary import Summary
from bot.entrypoints.render import size
from bot.entrypoints.telegram.button_texts import BACK_UP_NOW, SHOW_BACKUPS
from bot.entrypoints.telegram.failure_texts import command_failed
from bot.entrypoints.telegram.markup import bold, code, plain, table
from bot.entrypoints.telegram.pressed import Deed, DeedData
from bot.entrypoints.telegram.texts import Shown, Wall, cause

ON_A_PAGE = 6
_IN_A_ROW = 2
_RECENT = timedelta(days=300)
_TO_CHOOSE = 5
_WHAT_FOR = {
    Act.RESTORE: "shall serve again",
    Act.DRILL: "shall be proven by a drill",
    Act.VERIFY: "shall be read back",
}
_MOST_WARNINGS = 5
_LONGEST_STORES = 200
_USABLE = {BackupState.GOOD, BackupState.PARTIAL}


def page(
    records: Sequence[BackupRecord], number: int, wall: Wall, *, may_back_up: bool = False
) -> Shown:
    """A page of the list, the newest first, as a narrow table; a button for each backup.

    *may_back_up*: whoever looks may make one, and is told so where there is none.
    """
    if not records:
        return none_yet() if may_back_up else Shown("There is no backup yet.")
    pages = (len(records) + ON_A_PAGE - 1) // ON_A_PAGE
    number = max(0, min(number, pages - 1))
    here = records[number * ON_A_PAGE : (number + 1) * ON_A_PAGE]
    rows = [("MADE", "SIZE", "STATE"), *(_row(record, wall) for record in here)]
    lines = [table(rows), _newest_line(records, wall), "Press one to see it and to use it."]
    lines[2:2] = _places(here, wall)
    if pages > 1:
        lines[1:1] = [f"Page {number + 1} of {pages}, {len(records)} backups in all."]
    choices = [
        (_made(record, wall), DeedData(Deed.SHOW, record.id, number).line()) for record in here
    ]
    in_rows = [tuple(choices[at : at + _IN_A_ROW]) for at in range(0, len(choices), _IN_A_ROW)]
    return Shown("\n".join(lines), (*in_rows, *_turns(number, pages)))


def to_pin(records: Sequence[BackupRecord], wall: Wall, *, pinned: bool) -> Shown:
    """The newest of those that can be pinned or let go, to choose from."""
    fitting = [each for each in records if each.state in _USABLE and each.pinned is not pinned]
    if not fitting:
        none = "There is no backup that can be pinned." if pinned else "No backup is pinned."
        return Shown(f"{none} /backups lists them all.")
    deed, name = (Deed.PIN, "/pin") if pinned else (Deed.UNPIN, "/unpin")
    here = fitting[:ON_A_PAGE]
    choices = [(_made(record, wall), DeedData(deed, record.id).line()) for record in here]
    rows = [tuple(choices[at : at + _IN_A_ROW]) for at in range(0, len(choices), _IN_A_ROW)]
    return Shown(f"Which one? Press it, or send {code(f'{name} ID')}.", tuple(rows))


def choosable(records: Sequence[BackupRecord]) -> list[BackupRecord]:
    """The newest of those that can be used, to choose from."""
    return [each for each in records if each.state in _USABLE][:_TO_CHOOSE]


def which_backup(
    act: Act, records: Sequence[BackupRecord], tried: Mapping[str, Drilled], wall: Wall
) -> str:
    """The question which of *records* a command means; *tried* is what drills have shown."""
    proven = [_proven(tried.get(each.id), wall) for each in records]
    rows = [
        (_made(record, wall), size(record.stored_size), words)
        for record, words in zip(records, proven, strict=True)
    ]
    lines = [
        f"<b>Which backup {_WHAT_FOR[act]}?</b>",
        table([("MADE", "SIZE", "PROVEN"), *rows]),
        *_places(records, wall),
        "PROVEN is when a drill here restored it.",
        f"{code(f'/{act} latest')} takes {_newest(act, records)}, {code(f'/{act} ID')} any other.",
    ]
    return "\n".join(lines)


def _proven(found: Drilled | None, wall: Wall) -> str:
    if found is None:
        return "not yet"
    return _day(found.at, wall) if found.passed else "FAILED"


def _newest(act: Act, records: Sequence[BackupRecord]) -> str:
    safety = act is Act.RESTORE and any(map(is_safety, records))
    return "the newest good one" + (" but those made before a restore (“safety”)" if safety else "")


def labels(act: Act, records: Sequence[BackupRecord], wall: Wall) -> list[str]:
    """A button's words for each of *records*, no two alike."""
    newest = newest_to_restore(records) if act is Act.RESTORE else newest_good(records)
    names = [f"{_made(each, wall)} ({wall.age(each.created)})" for each in records]
    return [
        ("Newest: " if record is newest else "")
        + (name if names.count(name) == 1 else f"{name} {_rest(record)}")
        + (f", {record.state}" if record.state is not BackupState.GOOD else "")
        + (", safety" if is_safety(record) else "")
        for name, record in zip(names, records, strict=True)
    ]


def _rest(record: BackupRecord) -> str:
    """What tells it from those of the same day."""
    return record.id.partition("T")[2]


def _turns(number: int, pages: int) -> Iterator[tuple[tuple[str, str], ...]]:
    turns = []
    if number > 0:
        turns.append(("← Newer", DeedData(Deed.PAGE, page=number - 1).line()))
    if number + 1 < pages:
        turns.append(("Older →", DeedData(Deed.PAGE, page=number + 1).line()))
    if turns:
        yield tuple(turns)


def _newest_line(records: Sequence[BackupRecord], wall: Wall) -> str:
    good = newest_good(records)
    if good is None:
        return "⚠️ None of them is good. Send /backup to make one."
    return f"Newest good one: {code(good.id)}, {wall.age(good.created)}"


def _row(record: BackupRecord, wall: Wall) -> tuple[str, str, str]:
    state = f"{record.state}, pin" if record.pinned else str(record.state)
    return _made(record, wall), size(record.stored_size), state


def _places(here: Sequence[BackupRecord], wall: Wall) -> list[str]:
    """Where they lie, if there are several stores."""
    if len(here[0].stores) + len(here[0].lacking) <= 1:
        return []
    if not any(each.lacking for each in here):
        return [f"Each lies {_where(here[0])}."]
    return [f"{_made(each, wall)} lies {_where(each)}." for each in here if each.lacking]


def _where(record: BackupRecord) -> str:
    lacking = f"; not in {', '.join(record.lacking)}" if record.lacking else ""
    return plain(f"in {', '.join(record.stores)}{lacking}", _LONGEST_STORES)


def _made(record: BackupRecord, wall: Wall) -> str:
    if wall.now - record.created < _RECENT:
        return f"{record.created.astimezone(wall.zone):%d %b %H:%M}"
    return _day(record.created, wall)


def _day(then: datetime, wall: Wall) -> str:
    local = then.astimezone(wall.zone)
    return f"{local:%d %b}" if wall.now - then < _RECENT else f"{local:%d %b %Y}"


def one(records: Sequence[BackupRecord], backup_id: str, number: int, wall: Wall) -> Shown:
    """One backup in full, with what can be done with it, and the way back to its page."""
    back = (("← All backups", DeedData(Deed.PAGE, page=number).line()),)
    record = next((each for each in records if each.id == backup_id), None)
    if record is None:
        return Shown(f"The backup {code(backup_id)} is not there any more.", (back,))
    lines = [
        bold(f"Backup of {wall.moment(record.created)}"),
        code(record.id),
        f"{_state(record)}, {size(record.stored_size)}",
    ]
    if len(record.stores) + len(record.lacking) > 1:
        lines.append(f"It lies {_where(record)}")
    if record.reason:
        lines.append(f"Why: {plain(record.reason)}")
    if record.summary:
        lines += _summary_lines(record.summary)
    return Shown("\n".join(lines), (*_deeds(record, number), back))


def _state(record: BackupRecord) -> str:
    sign = {BackupState.GOOD: "✅", BackupState.PARTIAL: "⚠️"}.get(record.state, "❌")
    pin = ", 📌 pinned" if record.pinned else ""
    if record.doubtful_pin:
        pin = ", pinned by somebody who is not trusted here"
    return f"{sign} {record.state}{pin}"


def _summary_lines(summary: Summary) -> list[str]:
    lines = []
    if summary.authentik:
        lines.append(f"Authentik {plain(summary.authentik, 40)}")
    asked = dict.fromkeys([plain(summary.actor, 60), plain(summary.trigger, 20)])
    lines.append(f"Asked for by {', '.join(asked)}")
    if summary.label:
        lines.append(f"Label: {plain(summary.label)}")
    lines.append(f"Parts: {plain(', '.join(summary.components))}")
    warnings = summary.warnings[:_MOST_WARNINGS]
    return lines + [f"⚠️ Warning: {plain(warning)}" for warning in warnings]


def _deeds(record: BackupRecord, number: int) -> list[tuple[tuple[str, str], ...]]:
    """Of what is not trusted or not whole nothing can be used; damage can be looked at again."""
    if record.state is BackupState.DAMAGED:
        return [(("Verify", DeedData(Deed.VERIFY, record.id, number).line()),)]
    if record.state not in _USABLE:
        return []
    pin = ("Unpin", Deed.UNPIN) if record.pinned else ("Pin", Deed.PIN)
    rows = ((("Verify", Deed.VERIFY), ("Drill", Deed.DRILL)), (pin, ("Restore …", Deed.RESTORE)))
    return [
        tuple((label, DeedData(deed, record.id, number).line()) for label, deed in row)
        for row in rows
    ]


def none_yet() -> Shown:
    """The answer to whoever may make one, where there is no backup at all."""
    return Shown("There is no backup yet. /backup makes one.", (back_up_now(),))


def back_up_now() -> tuple[tuple[str, str], ...]:
    """The button that makes one, as a row."""
    return ((BACK_UP_NOW, DeedData(Deed.BACKUP).line()),)


def unseen(error: BotError, number: int, wall: Wall) -> Shown:
    """The list, when the store does not show it."""
    return _unseen(error, number, "Try again", wall)


def none_to_choose(error: BotError, wall: Wall) -> Shown:
    """The question which backup, when the store does not show them."""
    return _unseen(error, 0, SHOW_BACKUPS, wall)


def _unseen(error: BotError, number: int, label: str, wall: Wall) -> Shown:
    elsewhere = "/jobs needs no store, and /status shows the containers without it."
    text = f"{command_failed(error, wall)}\n{elsewhere}"
    return Shown(text, (((label, DeedData(Deed.PAGE, page=number).line()),),))


def no_such_backup(error: RefusedError) -> str:
    """The answer to an id that names no backup, or several."""
    return f"Which backup? {cause(error)}. Send /backups for those there are."
