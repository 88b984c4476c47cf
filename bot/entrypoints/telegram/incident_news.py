"""Tells all hearers of incidents: opening and end ring the phone, each a new message.

The keys of the messages name the incident, so that nobody is told twice.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from bot.domain.cure import Treatment, restarts_in
from bot.domain.incident import Closed, Incident, Opened, Reminded, Trouble
from bot.domain.roles import ChatPlace
from bot.domain.stack import Role
from bot.entrypoints.telegram import incident_texts
from bot.entrypoints.telegram.outgoing import Outgoing, copy_for
from bot.entrypoints.telegram.pressed import Deed, DeedData
from bot.entrypoints.telegram.texts import Wall
from bot.services.journal_ports import Buttons, Message
from bot.services.ports import Clock
from bot.services.watch_ports import CureLog

logger = logging.getLogger(__name__)

STATUS, LOGS = "Status", "Logs"
_LINES = 50


@dataclass(frozen=True)
class IncidentNews:
    """Ports `IncidentTeller` and `CureTeller`, to *hearers*; *roles* says what each service is.

    *restarts*: how many times in an hour an unhealthy container is restarted, *cures* when it was.
    """

    outgoing: Outgoing
    hearers: Sequence[ChatPlace]
    roles: Mapping[str, Role]
    clock: Clock
    zone: tzinfo
    cures: CureLog
    restarts: int = 0

    async def opened(self, opened: Opened) -> None:
        text = incident_texts.opened(opened, self._wall(), self.restarts, self.roles)
        await self._tell(_key(opened.incident, "opened"), text, self._ways_on(opened.incident))

    async def closed(self, closed: Closed) -> None:
        history = await self.cures.since(closed.incident.began)
        restarts = restarts_in(closed.incident, history)
        text = incident_texts.closed(closed, self._wall(), restarts)
        await self._tell(_key(closed.incident, "closed"), text)

    async def reminded(self, reminded: Reminded) -> None:
        key = _key(reminded.incident, f"reminded {reminded.incident.reminders}")
        text = incident_texts.reminded(reminded, self._wall(), self.roles)
        await self._tell(key, text, self._ways_on(reminded.incident))

    async def gave_up(self, incident: Incident, tried: Sequence[Treatment]) -> None:
        text = incident_texts.gave_up(incident, tried, self._wall(), self.roles)
        await self._tell(_key(incident, "gave up"), text, self._ways_on(incident))

    def _ways_on(self, incident: Incident) -> Buttons:
        """What leads to more; one that is gone has no log any more, one of several none here."""
        ways = [(STATUS, DeedData(Deed.STATUS).line())]
        role = self.roles.get(incident.root)
        if role and incident.trouble is not Trouble.MISSING:
            ways.append((LOGS, DeedData(Deed.LOG, role.value, _LINES).line()))
        return (tuple(ways),)

    async def _tell(self, key: str, text: str, buttons: Buttons = ()) -> None:
        if not self.hearers:
            logger.error("chat: nobody is told of an incident: AKBOT_TELEGRAM_ADMINS names nobody")
        message = Message(key=key, chat=0, text=text, buttons=buttons)
        for place in self.hearers:
            await self.outgoing.put(copy_for(place, message))

    def _wall(self) -> Wall:
        return Wall(self.clock.now(), self.zone)


def _key(incident: Incident, what: str) -> str:
    return f"incident|{incident.name}|{incident.opened.isoformat()}|{what}"
