"""The journal's restarts of unhealthy containers, and which incidents were given up."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from bot.adapters.journal_database import JournalDatabase
from bot.adapters.journal_schema import from_text, to_text
from bot.domain.cure import Treatment


class SqliteCureLog:
    """A CureLog in *database*."""

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database

    async def write(self, treatment: Treatment) -> None:
        values = (
            treatment.service,
            to_text(treatment.at),
            to_text(treatment.opened),
            treatment.failure,
            treatment.gave_up,
        )
        await self._change("INSERT OR REPLACE INTO cures VALUES (?, ?, ?, ?, ?)", values)

    async def remove(self, treatment: Treatment) -> None:
        values = (treatment.service, to_text(treatment.at), treatment.gave_up)
        await self._change("DELETE FROM cures WHERE service = ? AND at = ? AND gave_up = ?", values)

    async def _change(self, statement: str, values: Sequence[str | bool]) -> None:
        def change(journal: sqlite3.Connection) -> None:
            journal.execute(statement, values)

        await self._database.write(change)

    async def since(self, moment: datetime) -> Sequence[Treatment]:
        statement = "SELECT * FROM cures WHERE at >= ? ORDER BY at"
        return await self._database.read(
            lambda journal: [
                _treatment(row) for row in journal.execute(statement, (to_text(moment),))
            ]
        )


def _treatment(row: sqlite3.Row) -> Treatment:
    return Treatment(
        service=row["service"],
        at=from_text(row["at"]),
        opened=from_text(row["opened"]),
        failure=row["failure"],
        gave_up=bool(row["gave_up"]),
    )
