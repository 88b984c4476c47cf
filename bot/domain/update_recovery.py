"""What becomes of an update that did not end well: decided by its plan and by what is true now."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from bot.domain.update import ASKED_UNTIL, Phase, UpdatePlan


class Remedy(StrEnum):
    """What to do about it."""

    CALL_OFF = "call off"  # nothing new was ever started
    BACK = "back"
    GATE = "gate"  # people may be logged in on it: if it holds it stays
    ASK = "ask"  # somebody else has changed it


def decide(
    plan: UpdatePlan, number: int, phase: Phase, databases: Collection[str], *, interrupted: bool
) -> Remedy:
    """Decide for an update that was about to do *phase*, SWITCH, START or BACK, in hop *number*.

    *databases* are all that there are. *interrupted*: its process was stopped or killed; else it
    failed, or a person cancelled it.
    """
    if plan.site.database not in databases or _is_strange(plan, number, phase, databases):
        return Remedy.ASK
    if phase is Phase.SWITCH:
        return Remedy.CALL_OFF
    if phase is Phase.START and interrupted and plan.failed(number) not in databases:
        return Remedy.GATE
    return Remedy.BACK


def may_answer_until(
    facts: Mapping[str, str], now: datetime, *, being_stopped: bool
) -> datetime | None:
    """Until when a person is to be asked once more whether the hop in hand stays.

    None where nobody was being asked, the time for it is over, or this process is *being_stopped*.
    """
    until = facts.get(ASKED_UNTIL)
    if being_stopped or not until:
        return None
    end = datetime.fromisoformat(until)
    return end if now < end else None


def _is_strange(plan: UpdatePlan, number: int, phase: Phase, databases: Collection[str]) -> bool:
    """From START on there is the copy, or, once it serves, what it was put in place of.

    That it was put there a full journal may not know.
    """
    copied, swapped = plan.snapshot(number) in databases, plan.failed(number) in databases
    if copied and swapped:
        return True
    return phase is Phase.START and not copied and not swapped
