"""What is planned: each kind of work, its schedule, and when it comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.schedule import Schedule

_SHOWN = 3


@dataclass(frozen=True)
class Plan:
    """One kind of work; no *schedule* where it is off. *delay*: up to how much later it begins."""

    name: str
    setting: str
    schedule: Schedule | None
    delay: timedelta = timedelta()


@dataclass(frozen=True)
class Coming:
    """The next moments of a plan, in its own zone; none where it is off."""

    name: str
    setting: str
    schedule: str
    delay_minutes: float
    next: tuple[datetime, ...]


def coming(plans: Sequence[Plan], now: datetime) -> list[Coming]:
    """What comes next after *now*, plan by plan."""
    return [
        Coming(
            plan.name,
            plan.setting,
            plan.schedule.expression if plan.schedule else "off",
            plan.delay.total_seconds() / 60,
            _moments(plan.schedule, now),
        )
        for plan in plans
    ]


def _moments(schedule: Schedule | None, now: datetime) -> tuple[datetime, ...]:
    found: list[datetime] = []
    while schedule and len(found) < _SHOWN and (slot := schedule.next_after(now)):
        found.append(slot.astimezone(schedule.zone))
        now = slot
    return tuple(found)
