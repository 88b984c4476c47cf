"""The journal's incidents: what went wrong with the stack's containers, and until when."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from bot.adapters.journal_database import JournalDatabase
from bot.adapters.journal_schema import from_text, to_text
from bot.domain.incident import Incident, Trouble
from bot.domain.incident_history import PastIncident

_END = "UPDATE incidents SET ended = ? WHERE root = ? AND ended IS NULL"


class SqliteIncidentLog:
    """An IncidentLog in *database*."""

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database

    async def write(self, incident: Incident, ended: datetime | None = None) -> None:
        values = (
            incident.name,
            to_text(incident.opened),
            incident.trouble,
            incident.detail,
            incident.image,
            to_text(incident.began),
            json.dumps(sorted(incident.others)),
            incident.flaps,
            incident.reminders,
            to_text(ended) if ended else None,
            incident.root if incident.opened_as else "",
        )
        statement = "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

        def write(journal: sqlite3.Connection) -> None:
            journal.execute(statement, values)
            if ended:
                journal.execute(_END, (to_text(ended), incident.name))

        await self._database.write(write)

    async def open_ones(self) -> Sequence[Incident]:
        statement = "SELECT * FROM incidents WHERE ended IS NULL ORDER BY opened"
        return await self._database.read(
            lambda journal: [_incident(row) for row in journal.execute(statement)]
        )

    async def since(self, moment: datetime) -> Sequence[PastIncident]:
        statement = "SELECT * FROM incidents WHERE ended IS NULL OR ended > ? ORDER BY opened"
        return await self._database.read(
            lambda journal: [_past(row) for row in journal.execute(statement, (to_text(moment),))]
        )


def _past(row: sqlite3.Row) -> PastIncident:
    return PastIncident(_incident(row), from_text(row["ended"]) if row["ended"] else None)


def _incident(row: sqlite3.Row) -> Incident:
    return Incident(
        root=row["called"] or row["root"],
        trouble=Trouble(row["trouble"]),
        detail=row["detail"],
        image=row["image"],
        began=from_text(row["began"]),
        opened=from_text(row["opened"]),
        others=frozenset(json.loads(row["others"])),
        flaps=row["flaps"],
        reminders=row["reminders"],
        opened_as=row["root"] if row["called"] else "",
    )
