"""What is or would be sealed anew, as lines of text and as values for JSON. Pure, like `render`."""

from collections.abc import Sequence
from typing import Any

from bot.domain.printable import one_line, printable
from bot.domain.rekey import Rekeying
from bot.entrypoints.render import size, table
from bot.services.rekey import Rekeyed

_NOTHING = "Every backup is sealed for today's keys."


def plan_lines(plan: Sequence[Rekeying]) -> list[str]:
    """A row for each backup, newest first."""
    if not plan:
        return [_NOTHING]
    rows = [("BACKUP", "SIZE", "SEALED FOR", "WHAT WOULD BE DONE")]
    for each in plan:
        summary = each.record.summary
        keys = ", ".join(map(printable, summary.recipients)) if summary else "?"
        what = each.way + (f": {one_line(each.reason)}" if each.reason else "")
        rows.append((each.record.id, size(each.record.stored_size), keys, what))
    return table(rows)


def plan_value(plan: Sequence[Rekeying]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "id": each.record.id,
            "recipients": each.record.summary.recipients if each.record.summary else (),
            "way": each.way,
            "successor": each.successor.id if each.successor else None,
            "reason": each.reason,
        }
        for each in plan
    ]


def done_lines(done: Rekeyed) -> list[str]:
    """Each old name and the new one, then what was left."""
    lines = [f"{old} is {new} now" for old, new in done.names.items()]
    lines += [one_line(f"left  {old}: {why}") for old, why in done.kept.items()]
    return lines or [_NOTHING]
