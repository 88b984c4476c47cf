"""What a restore has kept in a folder that an update has renamed since: it went along.

An undo cannot take it back into a layout that is another one by now. A rollback of the update
brings the folder back, and with it the way back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.compose_edit import ComposeChange
from bot.domain.compose_wants import FolderMove
from bot.domain.findings import Finding, Level
from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.restore import KEPT, Kept
from bot.domain.restore import plan_of as restore_plan_of
from bot.domain.update import UNDOES, plan_of, promoted


@dataclass(frozen=True)
class Moved:
    """Where a folder lies now, and the id of the update that has renamed it."""

    target: str
    by: str


def moved_since(job: Job, jobs: Iterable[Job]) -> Mapping[str, Moved]:
    """The folders that updates have renamed after *job*, by their names of before."""
    later = [each for each in jobs if each.started > job.started]
    taken_back = {
        each.plan.get(UNDOES)
        for each in later
        if each.kind is JobKind.ROLLBACK and each.state is JobState.DONE
    }
    return {
        move.source: Moved(move.target, each.id)
        for each in later
        if each.kind is JobKind.UPDATE and each.id not in taken_back
        for move in _moves_of(each)
    }


def undo_ends(jobs: Sequence[Job], change: ComposeChange | None) -> list[Finding]:
    """A warning for each restore that cannot be taken back once *change* is made."""
    sources = {move.source for move in change.moves} if change else set()
    return [
        Finding(
            "restore",
            Level.WARNING,
            f"the restore {job.id} can still be taken back; not after this: what it has kept lies"
            " in a folder that moves",
            "If it may have been the wrong one, take it back first: akbot restore --undo",
        )
        for job in jobs
        if job.kind is JobKind.RESTORE and job.plan.get(KEPT) == Kept.BEFORE
        if (plan := restore_plan_of(job.plan)) and sources.intersection(plan.sources)
        if not sources.intersection(moved_since(job, jobs))
    ]


def _moves_of(update: Job) -> Iterable[FolderMove]:
    plan = plan_of(update.plan)
    for number in range(1, promoted(update.plan) + 1 if plan else 1):
        change = plan.hop(number).change if plan else None
        yield from change.moves if change else ()
