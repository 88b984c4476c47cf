"""What is remembered of all that is watched. Pure; see `incidents`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.incident import Incident, Trouble
from bot.domain.mute import Mute


@dataclass(frozen=True)
class View:
    """The newest of a service; *since* it is in trouble at all, or well.

    *has_risen*: it is well, and was starting until it was.
    """

    trouble: Trouble | None
    since: datetime
    detail: str
    image: str
    has_risen: bool = False


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
        return self.is_quiet or self.muted is not None
