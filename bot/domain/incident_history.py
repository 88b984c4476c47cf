"""What incidents there were in a span of time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.incident import Incident
from bot.domain.replicas import service_of


@dataclass(frozen=True)
class PastIncident:
    """An incident and its end; None while it lasts."""

    incident: Incident
    ended: datetime | None = None

    def lasted(self, begin: datetime, now: datetime) -> timedelta:
        """How much of the time between *begin* and *now* was trouble."""
        ended = min(self.ended or now, now)
        return max(ended - max(self.incident.began, begin), timedelta())


def causes(incidents: Sequence[PastIncident]) -> list[PastIncident]:
    """Without those that turned out to have their cause in another one, which took them in."""
    return [
        each
        for each in incidents
        if not any(_took_in(other.incident, each) for other in incidents if other is not each)
    ]


def _took_in(cause: Incident, each: PastIncident) -> bool:
    """It may have become one of several meanwhile."""
    root = {each.incident.root}
    is_part = any(service_of(other, root) in root for other in cause.others)
    return is_part and each.ended == cause.opened
