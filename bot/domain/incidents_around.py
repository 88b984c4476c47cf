"""What is around the containers, among all that is watched. Pure; see `incidents`."""

from dataclasses import replace

from bot.domain.incident import Incident
from bot.domain.incident_watch import Watch
from bot.domain.surroundings_subjects import is_around
from bot.domain.surroundings_verdict import Verdict


def without_gone(watch: Watch, verdict: Verdict) -> frozenset[str]:
    """All that is watched, but for what *verdict* would know of if it were still there."""
    troubles = {name: view.trouble for name, view in watch.views.items()}
    troubles |= {root: each.trouble for root, each in watch.open.items()}
    gone = {
        name
        for name, trouble in troubles.items()
        if is_around(name) and trouble in verdict.kinds and name not in verdict.subjects
    }
    return frozenset(troubles.keys() - gone)


def of_containers_alone(incident: Incident) -> Incident:
    """After a restart: the next looks show what around them is still down."""
    others = frozenset(each for each in incident.others if not is_around(each))
    return replace(incident, others=others)
