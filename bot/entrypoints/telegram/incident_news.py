"""Tells everybody on the list of incidents: opening and end ring the phone, each a new message.

The keys of the messages name the incident, so that nobody is told twice.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from bot.domain.incident import Closed, Incident, Opened, Reminded
from bot.entrypoints.telegram import incident_texts
from bot.entrypoints.telegram.outgoing import Outgoing, copy_for
from bot.entrypoints.telegram.pressed import Deed, DeedData
from bot.entrypoints.telegram.texts import Wall
from bot.services.journal_ports import Buttons, Message
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

STATUS = "Status"


@dataclass(frozen=True)
class IncidentNews:
    """Port `IncidentTeller`, to *people*."""

    outgoing: Outgoing
    people: Sequence[int]
    clock: Clock
    zone: tzinfo

    async def opened(self, opened: Opened) -> None:
        text = incident_texts.opened(opened, self._wall())
        await self._tell(_key(opened.incident, "opened"), text, _STATUS)

    async def closed(self, closed: Closed) -> None:
        text = incident_texts.closed(closed, self._wall())
        await self._tell(_key(closed.incident, "closed"), text)

    async def reminded(self, reminded: Reminded) -> None:
        key = _key(reminded.incident, f"reminded {reminded.incident.reminders}")
        await self._tell(key, incident_texts.reminded(reminded, self._wall()), _STATUS)

    async def _tell(self, key: str, text: str, buttons: Buttons = ()) -> None:
        if not self.people:
            logger.error("chat: nobody is told of an incident: AKBOT_TELEGRAM_ADMINS names nobody")
        message = Message(key=key, chat=0, text=text, buttons=buttons)
        for person in self.people:
            await self.outgoing.put(copy_for(person, replace(message, chat=person)))

    def _wall(self) -> Wall:
        return Wall(self.clock.now(), self.zone)


_STATUS: Buttons = (((STATUS, DeedData(Deed.STATUS).line()),),)


def _key(incident: Incident, what: str) -> str:
    return f"incident|{incident.root}|{incident.opened.isoformat()}|{what}"
