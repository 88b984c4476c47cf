"""Incidents where there is no chat: the log is all that there is."""

import logging

from bot.domain.incident import Closed, Opened, Reminded

logger = logging.getLogger(__name__)


class LoggedIncidents:
    """Port `IncidentTeller`."""

    async def opened(self, opened: Opened) -> None:
        logger.error("%s", opened.incident.words)

    async def closed(self, closed: Closed) -> None:
        seconds = f"{closed.lasted.total_seconds():.0f} s"
        end = "is well again" if closed.is_here else "is no longer part of the stack,"
        logger.warning("%s %s after %s", closed.incident.root, end, seconds)

    async def reminded(self, reminded: Reminded) -> None:
        logger.error("still: %s", reminded.incident.words)
