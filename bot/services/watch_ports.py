"""What the watcher needs of the outside."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.container_state import ContainerState, Happened
from bot.domain.cure import Treatment
from bot.domain.incident import Closed, Incident, Opened, Reminded
from bot.domain.incident_history import PastIncident
from bot.domain.mute import Mute


class Containers(Protocol):
    """The stack's containers, as they are and as they change."""

    async def look(self) -> Mapping[str, ContainerState | None]:
        """Each service that the stack must have or has: None for one without a container.

        Of a service with several each is there, by a name of its own as in `replicas`.
        Raises PortError where the Engine does not answer, ConfigError where there is no stack.
        """

    def remember(self, services: Collection[str]) -> None:
        """They were the stack's before a restart of akbot."""

    def forget_missing(self) -> Collection[str]:
        """Without a container the stack may do without it (Redis), if a job or a person removed it.

        Returns what is watched still.
        """

    def events(self) -> AsyncGenerator[Happened]:
        """What happens to them, from where the last call left off, until the Engine hangs up.

        Raises PortError where it does not answer.
        """


class Ward(Protocol):
    """Where containers that are unhealthy are restarted."""

    async def restart_unhealthy(self, service: str) -> bool:
        """Stop it within the time that it was given for that, and start it again.

        False where the Engine does not call it unhealthy at this moment, and then nothing is done.
        Raises PortError where that fails.
        """


class CureLog(Protocol):
    """What was done to which service, over any restart.

    Raises PortError when the disk does not take it; then nothing may be done.
    """

    async def write(self, treatment: Treatment) -> None:
        """Write it down, anew or as it is by now: one of a service at a moment is one."""

    async def remove(self, treatment: Treatment) -> None:
        """Nothing was done after all."""

    async def since(self, moment: datetime) -> Sequence[Treatment]:
        """What was done from then on, the oldest first."""


class CureTeller(Protocol):
    """Tells people; the same thing twice is told once."""

    async def gave_up(self, incident: Incident, tried: Sequence[Treatment]) -> None:
        """Restarting it does not help."""


class IncidentLog(Protocol):
    """The incidents, over any restart. Raises PortError when the disk does not take it."""

    async def write(self, incident: Incident, ended: datetime | None = None) -> None:
        """Write it down, anew or as it is by now; with *ended* nothing of its name is open."""

    async def open_ones(self) -> Sequence[Incident]:
        """Those that have not ended."""

    async def since(self, moment: datetime) -> Sequence[PastIncident]:
        """Those that lasted then or were opened later, ended or not, in the order of opening."""


class MuteMark(Protocol):
    """Until when people want to hear of no new incident, over any restart.

    Raises PortError where the disk does not take it, ConfigError where it cannot be read.
    """

    async def read(self) -> Mute | None:
        """None where they want to hear."""

    async def write(self, mute: Mute) -> None:
        """Let *mute* be the one that counts."""

    async def clear(self) -> None:
        """It is over."""


class WatchedMark(Protocol):
    """What was watched last, over any restart.

    Raises PortError where the disk does not take it, ConfigError where it cannot be read.
    """

    async def read(self) -> frozenset[str]:
        """The names, none where nothing was written yet."""

    async def write(self, names: Collection[str]) -> None:
        """Let *names* be all of them."""


class IncidentTeller(Protocol):
    """Tells people; the same thing twice is told once."""

    async def opened(self, opened: Opened) -> None:
        """Something is wrong."""

    async def closed(self, closed: Closed) -> None:
        """It is well again."""

    async def reminded(self, reminded: Reminded) -> None:
        """It still is not."""
