"""What a person is shown before an update or a rollback in the chat. Pure, like `texts`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.errors import BotError
from bot.domain.rollback import RollbackPreview
from bot.domain.update_outlook import HopOutlook, Target
from bot.domain.update_preview import UpdatePreview
from bot.entrypoints.render import size
from bot.entrypoints.render_roll import NOT_COUNTED, away_words, preview_lines
from bot.entrypoints.telegram.local_times import local
from bot.entrypoints.telegram.markup import (
    COLUMNS,
    LONGEST_TEXT,
    clip,
    code,
    escape,
    plain,
    units,
    verbatim,
)
from bot.entrypoints.telegram.pressed import ROLLBACK
from bot.entrypoints.telegram.texts import Wall, cause, next_step, problem

_LONGEST_NOTE = 200


@dataclass(frozen=True)
class Shown:
    """A plan: its text, and a document that has all of it where the text has not."""

    text: str
    document: tuple[str, str] | None = None


@dataclass(frozen=True)
class _Room:
    """How many of each are shown; the rest stands in the document."""

    demands: int
    warnings: int
    diff: int


_ROOMS = (_Room(12, 6, 14), _Room(6, 4, 8), _Room(3, 2, 0), _Room(0, 0, 0))


def no_version(error: BotError) -> str:
    """The answer to /update with words that name no version."""
    return f"❌ {problem(error)} /update alone shows the newer ones. Nothing was changed."


def up_to_date(error: BotError, wanted: str) -> str:
    """What runs is the newest or, where a version was *wanted*, that one."""
    if wanted:
        return f"✅ Authentik {plain(wanted, 40)} runs already."
    return f"✅ {cause(error).partition(',')[0]}: there is nothing newer to update to."


def which_version(targets: Sequence[Target]) -> str:
    """The question which of *targets*, the newest of which comes last, /update shall lead to."""
    lines = ["<b>Which version?</b>"]
    for target in targets:
        facts = [f"{code(str(target.version))}:"]
        if target.steps:
            facts.append("in one step" if target.steps == 1 else f"in {target.steps} steps")
        facts += ["security release"] if target.security else []
        facts += ["the newest"] if target is targets[-1] else []
        lines.append(f"• {facts[0]} {', '.join(facts[1:])}")
        if target.held:
            lines.append(f"   ⚠️ Held back: {plain(target.held, _LONGEST_NOTE)}")
    if any(each.held for each in targets):
        lines.append("What is held back I do not offer by myself; you may want it all the same.")
    lines.append("Press one and I show the way; nothing is changed before you agree to it.")
    return "\n".join(lines)


def version_label(target: Target) -> str:
    """A button's words."""
    return f"{target.version}, held back" if target.held else str(target.version)


def refused(error: BotError) -> str:
    """Something stands in the way of an update."""
    return f"❌ <b>Not now</b>\n{_in_full(error)}"


def rollback_takes_no_words() -> str:
    """The answer to /rollback with words."""
    return (
        "/rollback takes the last update back, and needs no words after it. For a backup that you"
        " choose there is /restore."
    )


def not_taken_back(error: BotError) -> str:
    """There is no update to take back, or something that it takes is away."""
    return f"❌ <b>Nothing is taken back</b>\n{_in_full(error)}"


def not_the_last(update: str) -> str:
    """The answer to the button of an update that another one has followed."""
    return (
        f"❌ The update {code(update)} is not the last one any more, so it cannot be taken back."
        " Send /rollback for the last one."
    )


def whole_way(preview: UpdatePreview) -> str:
    """The caption of the document that has the whole plan."""
    return f"All about the way to {plain(preview.target, 40)}. The question follows."


def plan(preview: UpdatePreview, wall: Wall) -> Shown:
    """The way, what it asks of people, what it changes and what is not looked at."""
    warnings = tuple(
        replace(each, message=local(each.message, wall), remedy=local(each.remedy, wall))
        for each in preview.warnings
    )
    preview = replace(preview, warnings=warnings)
    cut = any(_cuts(preview, _ROOMS[0]))
    text = _plan(preview, _ROOMS[0])
    for room in _ROOMS[1:]:
        if units(text) <= LONGEST_TEXT:
            break
        text, cut = _plan(preview, room), True
    name = f"update-{preview.target}.txt"
    return Shown(text, (name, "\n".join([*preview_lines(preview), ""])) if cut else None)


def _cuts(preview: UpdatePreview, room: _Room) -> tuple[bool, ...]:
    demands = sum(len(each.demands) for each in preview.hops)
    lines = preview.diff.splitlines()
    return (
        demands > room.demands,
        len(preview.warnings) > room.warnings,
        len(lines) > room.diff or any(len(each) > COLUMNS for each in lines),
    )


def _plan(preview: UpdatePreview, room: _Room) -> str:
    steps = len(preview.hops)
    way = "in one step" if steps == 1 else f"in {steps} steps, each with its own check"
    lines = [
        f"<b>Update Authentik {plain(preview.current, 40)} to {plain(preview.target, 40)}?</b>",
        f"{way.capitalize()}:",
    ]
    left = room.demands
    for number, hop in enumerate(preview.hops, start=1):
        lines += _hop_lines(number, hop, left)
        left = max(0, left - len(hop.demands))
    lines += _diff_lines(preview.diff, room.diff)
    lines += _warning_lines(preview, room.warnings)
    if any(_cuts(preview, room)):
        lines.append("The document above has all of it.")
    return "\n".join([*lines, "", *_promise_lines(preview)])


def _hop_lines(number: int, each: HopOutlook, room: int) -> list[str]:
    security = ", a security release" if each.security else ""
    lines = [
        f"{number}. {each.hop.start} → {each.version}{security} (up to {size(each.size)})",
        escape(each.version.notes),
    ]
    # what must be done is never what is left out first
    demands = sorted(each.demands, key=lambda demand: not demand.blocking)
    for demand in demands[:room]:
        what = "❗ must" if demand.blocking else "note"
        lines.append(f"{what}: {plain(demand.words, _LONGEST_NOTE)}")
    return lines


def _diff_lines(diff: str, room: int) -> list[str]:
    if not diff:
        return []
    shown = [clip(verbatim(line), COLUMNS) for line in diff.splitlines()]
    head = "<b>The compose files are changed</b>, and changed back with the version:"
    if not room:
        return [head]
    return [head, f"<pre>{escape(chr(10).join(shown[:room]))}</pre>"]


def _warning_lines(preview: UpdatePreview, room: int) -> list[str]:
    lines = [
        f"⚠️ Warning: {plain(f'{each.subject}: {each.message}', _LONGEST_NOTE)}."
        f" {plain(each.remedy, _LONGEST_NOTE)}".rstrip()
        for each in preview.warnings[:room]
    ]
    if preview.not_checked:
        what = plain(", ".join(preview.not_checked), _LONGEST_NOTE)
        lines.append(f"⚠️ Not checked afterwards, since it does not work now: {what}.")
    return lines


def _promise_lines(preview: UpdatePreview) -> list[str]:
    rehearsal = " and the whole way gone on a copy of the database" if preview.rehearse else ""
    return [
        f"First a backup is made{rehearsal}; if that fails nothing is touched.",
        f"<b>Away</b>: while server and worker start nobody can log in; {away_words(preview)}.",
        "If it does not hold, the version of now comes back by itself, with every row.",
        "",
        "Nothing has been changed so far.",
    ]


def once_more(tag: str) -> str:
    """The last question before an update without a rehearsal."""
    return (
        f"⚠️ <b>Update to {plain(tag, 40)} without trying it on a copy first?</b>\n"
        "A backup is made all the same, and what does not hold is rolled back; but what a rehearsal"
        " would have found out beforehand then takes people's login away for a while."
    )


def way_back(preview: RollbackPreview, wall: Wall, *, is_group: bool) -> str:
    """What comes back, what is lost, and how to agree."""
    now, then = plain(preview.version_now, 40), plain(preview.version_then or "The one before", 40)
    lines = [
        f"<b>Take the update to {now} back?</b>",
        f"{then} serves again, as before the update of {wall.moment(preview.since)}.",
        "",
        *_loss_lines(preview, wall),
    ]
    if preview.safety_backup:
        lines.append("The state of now is backed up first.")
    lines.append(
        "<b>Away</b>: nobody can log in for as long as the old version takes to start, usually"
        " under a minute or two."
    )
    return "\n".join([*lines, "", _how_to_agree(preview, is_group=is_group)])


def _loss_lines(preview: RollbackPreview, wall: Wall) -> list[str]:
    if not preview.loses_rows:
        return [f"<b>Nothing is lost</b>: {plain(preview.change.words)}."]
    since, why = wall.moment(preview.since), plain(preview.change.words)
    return [
        (
            f"⚠️ <b>Lost</b>: all that was written, changed or deleted since {since} ({why}), and"
            " what will be until then."
        ),
        f"Counted so far: {preview.counted}. {NOT_COUNTED}",
        f"The database of now is kept aside for {preview.kept_hours:g} h at least.",
    ]


def _how_to_agree(preview: RollbackPreview, *, is_group: bool) -> str:
    if not preview.loses_rows:
        return "Nothing has been changed so far."
    how = "reply to this message with the word" if is_group else "type the word"
    return f"If you want that, {how} {code(ROLLBACK)}. Else nothing happens."


def _in_full(error: BotError) -> str:
    """A refusal names all that is in the way, so that it may be long."""
    hint = f"\n→ {next_step(error, 400)}" if error.hint else ""
    return f"{cause(error, 1500).rstrip('.')}.{hint}"
