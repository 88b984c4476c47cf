"""The journal's orders: what somebody had done at once, and what came of it."""

import sqlite3
from collections.abc import Sequence

from bot.adapters.journal_database import JournalDatabase
from bot.adapters.journal_schema import from_text, to_text
from bot.domain.jobs import Trigger
from bot.domain.orders import Order, OrderKind, Unmet, read_state

_RUNS_ON = ""  # stands for the end of what has none yet
_WRITE = """
    INSERT INTO orders (id, kind, trigger, actor, origin, label, state, message, started, ended)
    VALUES (:id, :kind, :trigger, :actor, :origin, :label, :state, :message, :started, :ended)
    ON CONFLICT (id) DO UPDATE SET state = :state, message = :message, ended = :ended
"""
_NOTE = f"{_WRITE} WHERE orders.ended = '{_RUNS_ON}'"


class SqliteOrderLog:
    """An OrderLog in *database*; what is done already is written on a full disk, too."""

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database

    async def begin(self, order: Order) -> None:
        row = {**vars(order), "started": to_text(order.started), "ended": _RUNS_ON}
        await self._database.write(lambda journal: journal.execute(_WRITE, row))

    async def note(self, order: Order) -> None:
        row = {
            **vars(order),
            "started": to_text(order.started),
            "ended": to_text(order.ended or order.started),
        }
        await self._database.write_at_last(lambda journal: journal.execute(_NOTE, row))

    async def withdraw(self, order_id: str) -> None:
        statement = "DELETE FROM orders WHERE id = ?"
        await self._database.write(lambda journal: journal.execute(statement, (order_id,)))

    async def running(self) -> Sequence[Order]:
        statement = "SELECT * FROM orders WHERE ended = ? ORDER BY number"
        return await self._database.read(
            lambda journal: [_order(row) for row in journal.execute(statement, (_RUNS_ON,))]
        )

    async def orders(self, limit: int, *, unmet: bool = False) -> Sequence[Order]:
        statement = (
            "SELECT * FROM orders WHERE (state IN (?, ?, ?)) = ? ORDER BY number DESC LIMIT ?"
        )
        values = (*Unmet, unmet, limit)
        return await self._database.read(
            lambda journal: [_order(row) for row in journal.execute(statement, values)]
        )


def _order(row: sqlite3.Row) -> Order:
    return Order(
        id=row["id"],
        kind=OrderKind(row["kind"]),
        trigger=Trigger(row["trigger"]),
        actor=row["actor"],
        started=from_text(row["started"]),
        origin=row["origin"],
        label=row["label"],
        state=read_state(row["state"]),
        message=row["message"],
        ended=from_text(row["ended"]) if row["ended"] != _RUNS_ON else None,
    )
