"""What is remembered of all that is watched. Pure; see `incidents`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.incident import Incident, Trouble
from bot.domain.mute import Mute


@dataclass(frozen=True)
class View:
    """The newest of a service; *since* it is in trouble at all, or well.

    *has_risen*: it is well, and was starting until it was. *moments*: when, since then, that first
    happened to it whose words name a moment.
    """

    trouble: Trouble | None
    since: datetime
    detail: str
    image: str
    has_risen: bool = False
    moments: Mapping[Trouble, datetime] = field(default_factory=dict)

    @property
    def began(self) -> datetime:
        """When the trouble that it is in did, which may have been another one before."""
        return self.moments.get(self.trouble, self.since) if self.trouble else self.since


@dataclass(frozen=True, kw_only=True)
class Watch:
    """All that is remembered: as much as there are services, however much happens.

    *counted*: since when each is reminded of; what is `opened` names an incident and never moves.
    """

    views: Mapping[str, View] = field(default_factory=dict)
    open: Mapping[str, Incident] = field(default_factory=dict)
    counted: Mapping[str, datetime] = field(default_factory=dict)
    closings: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    is_quiet: bool = False
    muted: Mute | None = None
    loud_since: datetime | None = None

    def holder(self, service: str) -> Incident | None:
        """The incident that *service* belongs to."""
        return next((each for each in self.open.values() if service in each.members), None)

    def counts_since(self, view: View) -> datetime:
        """From when on patience is had: what began in a silence is given all of it after."""
        return max(view.since, self.loud_since or view.since)

    @property
    def has_trouble(self) -> bool:
        """Whether anything is wrong, told or not."""
        return any(view.trouble for view in self.views.values())

    @property
    def is_silent(self) -> bool:
        """Whether nothing is told: things are restarted on purpose, or a person has muted it."""
        return self.is_quiet or self.muted is not None

    def renamed(self, called: Mapping[str, str]) -> "Watch":
        """With all that is known of services, under what they are *called* now."""
        if not called:
            return self
        return replace(
            self,
            views={called.get(name, name): view for name, view in self.views.items()},
            open={
                called.get(root, root): _renamed(each, called) for root, each in self.open.items()
            },
            counted={called.get(root, root): since for root, since in self.counted.items()},
            closings={called.get(root, root): times for root, times in self.closings.items()},
        )


def _renamed(incident: Incident, called: Mapping[str, str]) -> Incident:
    others = frozenset(called.get(each, each) for each in incident.others)
    root = called.get(incident.root, incident.root)
    opened_as = incident.opened_as if root == incident.root else incident.name
    return replace(incident, root=root, others=others, opened_as=opened_as)
