"""What becomes of a restore that did not end well: decided by its plan and by what is true now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.restore import Phase, RestorePlan


class FolderState(StrEnum):
    """How far the swap of one mount is, as its folders tell."""

    NONE = "none"  # nothing of this job is there
    STAGED = "staged"  # the new content lies beside the old one
    MOVING = "moving"  # the old content is partly out, or partly back in
    SWAPPED = "swapped"  # the old content is out; the new one is at least partly in


@dataclass(frozen=True)
class Truth:
    """What is there: all databases, and the state of each mount by its source.

    *is_open*: the live database lets people in or, where none is swapped, the server answers. In
    the middle of a switch that is so by a person's hand alone, and people may have written since.
    *later*: the job had ended before, or Docker or PostgreSQL was away, so that what was started
    may have served since. *set_aside*: an earlier try has begun to set aside what had served.
    """

    databases: frozenset[str]
    folders: Mapping[str, FolderState] = field(default_factory=dict)
    is_open: bool = False
    later: bool = False
    set_aside: bool = False


class Remedy(StrEnum):
    """What to do about it."""

    DROP_NEW = "drop new"  # nothing was switched yet: what was made beside goes
    SWAP_BACK = "swap back"
    SET_ASIDE = "swap back, set aside"  # it may have been written to: nothing is dropped
    GATE_THEN_KEEP = "gate, then keep"  # people may have written to it since
    KEEP = "keep"
    ASK = "ask"  # somebody else has changed it


def decide(plan: RestorePlan, phase: Phase, truth: Truth, *, interrupted: bool) -> Remedy:
    """Decide for a restore that was about to do *phase*.

    *interrupted*: its process was stopped or killed; else it failed, or a person cancelled it.
    """
    if plan.from_nothing and phase is Phase.BESIDE:
        return Remedy.DROP_NEW
    serves_new = _serves_new(plan, phase, truth)
    if serves_new is None:
        return Remedy.ASK
    if phase is Phase.KEEP and serves_new:
        return Remedy.KEEP
    if phase is Phase.BESIDE:
        return Remedy.ASK if plan.outgoing in truth.databases else Remedy.DROP_NEW
    by_hand = phase is Phase.SWITCH and truth.is_open
    if serves_new and interrupted and (phase is Phase.START or by_hand):
        return Remedy.GATE_THEN_KEEP
    is_swapped = plan.from_nothing or plan.outgoing in truth.databases
    served = phase is Phase.START and (interrupted or (truth.later and serves_new))
    back = Remedy.SET_ASIDE if served or truth.set_aside else Remedy.SWAP_BACK
    return Remedy.ASK if by_hand and is_swapped else back


_TAKEN = frozenset({FolderState.MOVING, FolderState.SWAPPED})


def _serves_new(plan: RestorePlan, phase: Phase, truth: Truth) -> bool | None:
    """Whether the restored state is the one in place; None where that cannot be told."""
    states = [truth.folders.get(source, FolderState.NONE) for source in plan.sources]
    if plan.database:
        live = plan.site.database in truth.databases
        swapped, staged = (each in truth.databases for each in (plan.outgoing, plan.incoming))
        if plan.from_nothing:
            live, swapped = True, live and not staged
        if not live or (swapped and staged):
            return None
        if not swapped:
            # of one database that is left nobody knows which it is; the files are those restored
            return None if not staged and _TAKEN.intersection(states) else False
    if states:
        return all(state is FolderState.SWAPPED for state in states)
    return plan.database or phase in {Phase.START, Phase.KEEP}
