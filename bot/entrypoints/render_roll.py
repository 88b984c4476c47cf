"""An update and a rollback for people: what they would do, and what they did. Pure."""

from dataclasses import asdict
from datetime import tzinfo
from typing import Any

from bot.domain.durations import duration
from bot.domain.printable import one_line
from bot.domain.rollback import RollbackPreview
from bot.domain.update_preview import UpdatePreview
from bot.domain.updated import Updated
from bot.entrypoints.render import size
from bot.services.rollback import RolledBack


def preview_lines(preview: UpdatePreview) -> list[str]:
    """The way, what it does to the compose files, what it asks, and what else should be known."""
    steps = len(preview.hops)
    way = "in one step" if steps == 1 else f"in {steps} steps, each with its own check"
    lines = [f"Authentik {preview.current} becomes {preview.target}, {way}."]
    for number, each in enumerate(preview.hops, start=1):
        lines.append(
            f"{number}. {each.hop.start} → {each.version} (up to {size(each.size)} to load),"
            f" notes: {each.version.notes}"
        )
        lines += [f"   note  {one_line(demand.words)}" for demand in each.demands]
    if preview.diff:
        lines += ["The compose files are changed:", *preview.diff.splitlines()]
    lines += [
        f"  warning: {each.subject}: {one_line(each.message)}. {one_line(each.remedy)}"
        for each in preview.warnings
    ]
    if preview.not_checked:
        what = ", ".join(map(one_line, preview.not_checked))
        lines.append(f"Not checked afterwards, since it does not work now: {what}.")
    lines.append("A backup is made first.")
    if preview.rehearse:
        lines.append("The whole way is gone on a copy first: if that fails nothing is touched.")
    lines.append(f"Then server and worker are away for {away_words(preview)}.")
    lines.append("If they do not hold, the version of now comes back by itself.")
    return lines


NOT_COUNTED = "What was changed in a row that was there, such as a password, is not in that count."
"""Said beside what a rollback loses as far as it can be counted."""


def away_words(preview: UpdatePreview) -> str:
    """About how long nobody will be served, and how far that can be believed."""
    away = preview.away
    by = f", going by {away.source}" if away.source else ""
    measured = "; the rehearsal measures it" if preview.rehearse else ""
    rough = f" (an estimate{measured})" if away.rough else ""
    return f"about {duration(away.seconds)}{by}{rough}"


def preview_value(preview: UpdatePreview) -> dict[str, Any]:
    """The same for programs; versions as text."""
    return {
        "place": preview.place,
        "current": preview.current,
        "target": preview.target,
        "hops": [
            {"from": str(each.hop.start), "to": str(each.version), "digest": each.digest}
            for each in preview.hops
        ],
        "rehearse": preview.rehearse,
        "diff": preview.diff,
        "warnings": [asdict(each) for each in preview.warnings],
        "not_checked": list(preview.not_checked),
        "away": asdict(preview.away),
    }


def updated_lines(done: Updated) -> list[str]:
    """What serves now, and the way back."""
    return [
        f"Authentik {done.words}.",
        "The state before is kept for a day, or as AKBOT_SNAPSHOT_KEEP says.",
        "akbot rollback brings it back.",
    ]


def rollback_lines(preview: RollbackPreview, zone: tzinfo) -> list[str]:
    """What comes back, and what is lost; moments as in *zone*."""
    since = f"{preview.since.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    becomes = f"Authentik {preview.version_now} becomes {preview.version_then} again"
    lines = [f"{becomes}, as it was before the update of {since}."]
    if preview.loses_rows:
        lines += [
            f"Lost with it: all that was written, changed or deleted since {since}.",
            f"Counted so far: {preview.counted}. {NOT_COUNTED}",
            f"The database of now is kept aside for {preview.kept_hours:g} h at least.",
        ]
    else:
        lines.append(f"Nothing is lost: {preview.change.words}.")
    if preview.safety_backup:
        lines.append("The state of now is backed up first.")
    return [*lines, "Server and worker are away for as long as the old ones take to start."]


def rolled_back_lines(done: RolledBack) -> list[str]:
    """What serves again."""
    return [f"Authentik {one_line(done.words)}."]
