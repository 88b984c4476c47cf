"""What stays, what goes and why, as lines of text and as values for JSON. Pure, like `render`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from bot.domain.catalogue import BackupRecord
from bot.domain.doomed import Doomed
from bot.domain.printable import one_line, printable
from bot.domain.retention import RetentionPlan, Verdict
from bot.entrypoints.render import age_of, size, table
from bot.services.delete import Deleted
from bot.services.prune import Pruned

T = TypeVar("T")


def by_store(
    found: Mapping[str, T], value: Callable[[T], Any], lines: Callable[[T], Sequence[str]]
) -> tuple[Any, list[str]]:
    """What was found in each store; one store needs no name."""
    if len(found) == 1:
        only = next(iter(found.values()))
        return value(only), [*lines(only)]
    shown: list[str] = []
    for name, each in found.items():
        shown += [*([""] if shown else []), f"Store {printable(name)}:", *lines(each)]
    return {"stores": {name: value(each) for name, each in found.items()}}, shown


def plan_lines(plan: RetentionPlan, now: datetime) -> list[str]:
    """A row for each backup, newest first, then what it comes to."""
    if not plan.verdicts and not plan.uploads:
        return ["There is nothing to delete, since there is no backup yet."]
    rows = [("BACKUP", "AGE", "", "WHY")]
    for verdict in plan.verdicts:
        record = verdict.record
        word = "keep" if verdict.keep else "delete"
        rows.append((record.id, age_of(record.created, now), word, one_line(verdict.reason)))
    rows += [(each, "", "discard", "an unfinished upload") for each in plan.uploads]
    lines = [*table(rows), "", _sum(plan)]
    if plan.stopped:
        lines.append(f"Nothing is deleted while that is so: {plan.stopped}.")
    if plan.too_much_unattended:
        lines.append(f"A scheduled prune refuses this: {plan.too_much_unattended}.")
    return lines


def _sum(plan: RetentionPlan) -> str:
    doomed = plan.doomed
    freed = _size(doomed)
    would = f"Would delete {len(doomed)} ({freed})" if doomed else "Would delete nothing"
    return f"{would} and keep {len(plan.verdicts) - len(doomed)}."


def plan_value(plan: RetentionPlan) -> dict[str, Any]:
    """The same for programs."""
    return {
        "backups": [
            {
                "id": verdict.record.id,
                "created": verdict.record.created.isoformat(),
                "state": verdict.record.state,
                "pinned": verdict.record.pinned,
                "stored_size": verdict.record.stored_size,
                "keep": verdict.keep,
                "reason": verdict.reason,
            }
            for verdict in plan.verdicts
        ],
        "uploads": list(plan.uploads),
        "stopped": plan.stopped,
        "too_much_unattended": plan.too_much_unattended,
    }


def pruned_lines(pruned: Pruned) -> list[str]:
    """What was deleted and what was not, then what it comes to."""
    lines = [f"deleted  {each.record.id}: {each.reason}" for each in pruned.deleted]
    lines += [f"left     {each}: {one_line(why)}" for each, why in pruned.left.items()]
    freed = f" ({_size(pruned.deleted)})" if pruned.deleted else ""
    lines.append(f"{len(pruned.deleted)} deleted{freed}, {pruned.kept} kept.")
    if pruned.uploads:
        lines.append(f"{pruned.uploads} unfinished uploads discarded.")
    if pruned.deleted and pruned.keeps_versions:
        lines.append(
            "The bucket keeps old versions of what was deleted, and their space, until its own"
            " lifecycle rule removes them."
        )
    return lines


def pruned_value(pruned: Pruned) -> dict[str, Any]:
    """The same for programs."""
    return {
        "deleted": [{"id": each.record.id, "reason": each.reason} for each in pruned.deleted],
        "left": [{"id": backup_id, "reason": why} for backup_id, why in pruned.left.items()],
        "kept": pruned.kept,
        "uploads": pruned.uploads,
        "keeps_versions": pruned.keeps_versions,
    }


def pin_lines(record: BackupRecord) -> list[str]:
    """Whether a backup is pinned now."""
    if record.pinned:
        return [f"Backup {record.id} is pinned: no prune deletes it."]
    if record.doubtful_pin:
        stays = "has a pin of somebody who is not trusted here, so it still stays"
        return [f"Backup {record.id} {stays}.", "Delete that pin's object in the store."]
    return [f"Backup {record.id} is not pinned."]


def _size(verdicts: Sequence[Verdict]) -> str:
    return size(sum(verdict.record.stored_size for verdict in verdicts))


def doomed_lines(doomed: Doomed) -> list[str]:
    """What is to go, before a person says so."""
    record = next(iter(doomed.copies.values()))
    label = printable(record.summary.label) if record.summary else ""
    about = [size(record.stored_size), str(record.state), *([f'"{label}"'] if label else [])]
    where = printable(", ".join(doomed.copies))
    lines = [f"Backup {doomed.id} is deleted from {where}: {', '.join(about)}."]
    if doomed.newest:
        lines.append("It is the newest good one: what was written since the one before is lost.")
    if doomed.elsewhere:
        lines.append(
            f"{printable(', '.join(doomed.elsewhere))} keeps it, and a copy from there brings it"
            " back where the policy keeps it."
        )
    else:
        lines.append("No store has it then, and nothing brings it back.")
    return lines


def deleted_lines(deleted: Deleted) -> list[str]:
    """What is gone."""
    lines = [f"deleted  {deleted.id} from {printable(name)}" for name in deleted.stores]
    if deleted.hidden:
        lines.append(
            f"{printable(', '.join(deleted.hidden))} keeps earlier versions of objects: a rule of"
            " the bucket lets them go."
        )
    return lines
