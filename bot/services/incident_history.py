"""What incidents there were, by the names that people know them by."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.incident import Incident
from bot.domain.incident_history import PastIncident, called_now


@dataclass(frozen=True)
class IncidentHistory:
    """*logged* has each as it was called when it opened, *open_now* those that last as of now."""

    logged: Callable[[datetime], Awaitable[Sequence[PastIncident]]]
    open_now: Callable[[], Iterable[Incident]]

    async def since(self, moment: datetime) -> Sequence[PastIncident]:
        """Those that lasted then or were opened later, in the order of opening."""
        return called_now(await self.logged(moment), self.open_now())
