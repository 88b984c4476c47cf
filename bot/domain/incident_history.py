"""What incidents there were in a span of time. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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


def called_now(past: Sequence[PastIncident], present: Iterable[Incident]) -> list[PastIncident]:
    """*past*, with those that are *present* by the names that they have now."""
    roots = {(each.name, each.opened): each.root for each in present}
    return [replace(each, incident=_called(each.incident, roots)) for each in past]


def _called(incident: Incident, roots: Mapping[tuple[str, datetime], str]) -> Incident:
    root = roots.get((incident.name, incident.opened), incident.root)
    if root == incident.root:
        return incident
    return replace(incident, root=root, opened_as=incident.name)


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
