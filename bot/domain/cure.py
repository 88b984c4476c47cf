"""The cure: which container is restarted because its health check fails, and when that is given up.

Only one that is unhealthy, of whose trouble nothing else is the cause: what it needs must have
passed a check of its own since, for a database that hangs is noticed later than whoever asks it.
What somebody paused is theirs: Docker calls it unhealthy when it goes on, until its next check.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.container_state import ContainerState
from bot.domain.incident import Incident, Rules, Trouble
from bot.domain.incident_watch import Watch

WITHIN = timedelta(hours=1)
"""What `AKBOT_CURE` counts restarts in."""


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """A restart of *service* for the incident that opened at *opened*, or the end of all of them.

    *failure* is why it could not be restarted, "" where it was, or where nobody knows.
    """

    service: str
    at: datetime
    opened: datetime
    failure: str = ""
    gave_up: bool = False


@dataclass(frozen=True)
class Patient:
    """The service at the root of *incident*, in trouble since *since*, with what it *needs*."""

    incident: Incident
    since: datetime
    needs: frozenset[str]


class Remedy(StrEnum):
    """What to do about a patient."""

    WAIT = "wait"
    RESTART = "restart"
    GIVE_UP = "give up"


def patients(watch: Watch, rules: Rules) -> tuple[Patient, ...]:
    """Whoever may be restarted, as far as is known; nobody while people want no incidents told."""
    if watch.is_silent:
        return ()
    return tuple(
        Patient(incident, watch.views[root].since, frozenset(rules.needs(root, watch.views)))
        for root, incident in watch.open.items()
        if watch.views[root].trouble is Trouble.UNHEALTHY and incident.trouble is not Trouble.PAUSED
    )


def remedy(patient: Patient, history: Sequence[Treatment], now: datetime, limit: int) -> Remedy:
    """What to do, as *history* has it, with at most *limit* restarts `WITHIN` each other."""
    incident = patient.incident
    if any(_is_its_end(each, incident) for each in history):
        return Remedy.WAIT
    tried = tried_lately(incident, history, now)
    return Remedy.RESTART if len(tried) < limit else Remedy.GIVE_UP


def _is_its_end(treatment: Treatment, incident: Incident) -> bool:
    is_of_it = treatment.service in _names(incident) and treatment.opened == incident.opened
    return treatment.gave_up and is_of_it


def _names(incident: Incident) -> frozenset[str]:
    """What its root is called, and was."""
    return frozenset({incident.root, incident.name})


def tried_lately(
    incident: Incident, history: Iterable[Treatment], now: datetime
) -> tuple[Treatment, ...]:
    """The restarts of its root that count, under any name of it.

    A clock that was set back leaves some in times to come: off by a while they count no more.
    """
    return tuple(
        each
        for each in history
        if each.service in _names(incident) and not each.gave_up and abs(now - each.at) < WITHIN
    )


def restarts_in(incident: Incident, history: Iterable[Treatment]) -> Mapping[str, list[datetime]]:
    """When the services that it holds were restarted in it, as far as that is known."""
    found: dict[str, list[datetime]] = {}
    for each in history:
        service = incident.root if each.service in _names(incident) else each.service
        if service in incident.members and not (each.gave_up or each.failure):
            found.setdefault(service, []).append(each.at)
    return found


def is_to_be_restarted(
    patient: Patient,
    states: Mapping[str, ContainerState | None],
    history: Iterable[Treatment],
) -> bool:
    """Whether a look at all containers bears it out: it is the one that is ill, and no other is."""
    state = states.get(patient.incident.root)
    if state is None or state.seen(patient.since).trouble is not Trouble.UNHEALTHY:
        return False
    tried = [each.at for each in history if each.service in _names(patient.incident)]
    since = max([patient.since, *tried])
    return all(
        name not in states or _has_proved_well(states[name], since) for name in patient.needs
    )


def _has_proved_well(state: ContainerState | None, since: datetime) -> bool:
    """One without a check need only run."""
    if state is None or not state.serves:
        return False
    return not state.health or (state.passed is not None and state.passed > since)
