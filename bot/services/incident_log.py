"""Incidents where there is no chat: the log is all that there is."""

import logging
from collections.abc import Sequence

from bot.domain.cure import Treatment
from bot.domain.incident import AROUND, WARNINGS, Closed, Incident, Opened, Reminded

logger = logging.getLogger(__name__)


class LoggedIncidents:
    """Ports `IncidentTeller` and `CureTeller`."""

    async def opened(self, opened: Opened) -> None:
        logger.log(_level(opened.incident), "%s", opened.incident.words)

    async def closed(self, closed: Closed) -> None:
        seconds = f"{closed.lasted.total_seconds():.0f} s"
        if closed.is_here:
            end = "is well again"
        elif closed.incident.trouble in AROUND:
            end = "is watched no more,"
        else:
            end = "is no longer part of the stack,"
        logger.warning("%s %s after %s", closed.incident.root, end, seconds)

    async def reminded(self, reminded: Reminded) -> None:
        logger.log(_level(reminded.incident), "still: %s", reminded.incident.words)

    async def gave_up(self, incident: Incident, tried: Sequence[Treatment]) -> None:
        logger.error("%s; restarted %d times within an hour, no more", incident.words, len(tried))


def _level(incident: Incident) -> int:
    return logging.WARNING if incident.trouble in WARNINGS else logging.ERROR
