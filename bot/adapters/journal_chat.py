"""The conversation in the journal: what came in and what goes out."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.adapters.journal_database import JournalDatabase
from bot.adapters.journal_moves import WHERE_NOW
from bot.adapters.journal_schema import from_text, to_text
from bot.services.journal_ports import NUMBERED_ANEW, Buttons, Incoming, Message, Queued

_LAST = "\U0010ffff"  # no key has it, and none that begins alike sorts behind it
_WAITING = "dropped IS NULL AND (message_id IS NULL OR stale)"


class SqliteInbox:
    """An Inbox in *database*."""

    def __init__(self, database: JournalDatabase, bot: str) -> None:
        self._database = database
        self._bot = bot

    async def store(
        self,
        updates: Sequence[Mapping[str, Any]],
        received: datetime,
        done: Collection[int] = (),
    ) -> None:
        if updates:
            await self._database.write(
                lambda journal: self._store(journal, updates, received, done)
            )

    def _store(
        self,
        journal: sqlite3.Connection,
        updates: Sequence[Mapping[str, Any]],
        received: datetime,
        done: Collection[int],
    ) -> None:
        moment = to_text(received)
        journal.executemany(
            """
            INSERT INTO updates (bot, update_id, payload, received, handled)
            VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (bot, update_id) DO NOTHING
            """,
            [
                (self._bot, each["update_id"], json.dumps(each), moment, each["update_id"] in done)
                for each in updates
            ],
        )
        journal.execute(
            """
            INSERT INTO highest_update (bot, update_id, received) VALUES (:bot, :highest, :now)
            ON CONFLICT (bot) DO UPDATE SET
                update_id = iif(received < :numbered_anew, :highest, max(update_id, :highest)),
                received = :now
            """,
            {
                "bot": self._bot,
                "highest": max(each["update_id"] for each in updates),
                "now": moment,
                "numbered_anew": to_text(received - NUMBERED_ANEW),
            },
        )

    async def next_offset(self, now: datetime) -> int:
        statement = "SELECT * FROM highest_update WHERE bot = ?"
        row = await self._database.read(
            lambda journal: journal.execute(statement, (self._bot,)).fetchone()
        )
        if row is None or from_text(row["received"]) < now - NUMBERED_ANEW:
            return 0
        return int(row["update_id"]) + 1

    async def unhandled(self) -> Sequence[Incoming]:
        statement = """
            SELECT update_id, payload, received FROM updates
            WHERE bot = ? AND NOT handled ORDER BY update_id
        """
        return await self._database.read(
            lambda journal: [
                Incoming(row["update_id"], json.loads(row["payload"]), from_text(row["received"]))
                for row in journal.execute(statement, (self._bot,))
            ]
        )

    async def handled(self, update_id: int) -> None:
        statement = "UPDATE updates SET handled = 1 WHERE bot = ? AND update_id = ?"
        values = (self._bot, update_id)
        await self._database.write(lambda journal: journal.execute(statement, values))


class SqliteOutbox:
    """An Outbox in *database*. What is said of a message that it has forgotten changes nothing."""

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database

    async def put(self, message: Message, written: datetime) -> bool:
        statement = f"""
            INSERT INTO messages
                (key, chat, thread, text, buttons, silent, document, picture, written)
            VALUES
                (:key, {WHERE_NOW}, :thread, :text, :buttons, :silent, :document, :picture,
                 :written)
            ON CONFLICT (key) DO NOTHING
        """  # noqa: S608 - ours
        row = {
            **vars(message),
            "buttons": json.dumps(message.buttons),
            "document": json.dumps(message.document) if message.document else None,
            "written": to_text(written),
        }
        return await self._write(statement, row) == 1

    async def change(self, key: str, text: str, buttons: Buttons = ()) -> None:
        statement = """
            UPDATE messages SET
                stale = stale
                    OR (
                        message_id IS NOT NULL AND (text <> :text OR buttons <> :buttons)
                        -- where a group was nothing can be edited, and where it is now that number
                        -- is another message's
                        AND chat NOT IN (SELECT old FROM moved_chats)
                    ),
                text = :text,
                buttons = :buttons
            WHERE key = :key
        """
        await self._write(statement, {"key": key, "text": text, "buttons": json.dumps(buttons)})

    async def waiting(self) -> Sequence[Queued]:
        statement = f"SELECT * FROM messages WHERE {_WAITING} ORDER BY number"  # noqa: S608 - ours
        return await self._database.read(
            lambda journal: [_queued(row) for row in journal.execute(statement)]
        )

    async def attempt(self, number: int) -> None:
        await self._write(
            "UPDATE messages SET attempted = 1 WHERE number = :number", {"number": number}
        )

    async def sent(
        self, number: int, message_id: int, shown: Message, kept: str | None = None
    ) -> None:
        statement = """
            UPDATE messages SET
                message_id = :message_id,
                thread = :thread,
                attempted = 0,
                picture = NULL,
                text = iif(text = :text, coalesce(:kept, text), text),
                stale = text <> :text OR buttons <> :buttons
            WHERE number = :number
        """
        values = {
            "number": number,
            "message_id": message_id,
            "thread": shown.thread,
            "text": shown.text,
            "buttons": json.dumps(shown.buttons),
            "kept": kept,
        }
        await self._write(statement, values)

    async def arrived(self, message: Message, message_id: int, written: datetime) -> None:
        statement = f"""
            INSERT INTO messages (key, chat, thread, text, buttons, silent, written, message_id)
            VALUES
                (:key, {WHERE_NOW}, :thread, :text, :buttons, :silent, :written, :message_id)
            ON CONFLICT (key) DO NOTHING
        """  # noqa: S608 - ours
        row = {
            "key": message.key,
            "chat": message.chat,
            "thread": message.thread,
            "text": message.text,
            "buttons": json.dumps(message.buttons),
            "silent": message.silent,
            "written": to_text(written),
            "message_id": message_id,
        }
        await self._write(statement, row)

    async def drop(self, number: int, reason: str) -> None:
        statement = """
            UPDATE messages SET dropped = :reason, picture = NULL WHERE number = :number
        """
        await self._write(statement, {"number": number, "reason": reason})

    async def find(self, key: str) -> Queued | None:
        statement = "SELECT * FROM messages WHERE key = ?"
        row = await self._database.read(
            lambda journal: journal.execute(statement, (key,)).fetchone()
        )
        return _queued(row) if row else None

    async def at(self, chat: int, message_id: int) -> Queued | None:
        statement = """
            SELECT * FROM messages WHERE chat = ? AND message_id = ? ORDER BY number DESC LIMIT 1
        """
        row = await self._database.read(
            lambda journal: journal.execute(statement, (chat, message_id)).fetchone()
        )
        return _queued(row) if row else None

    async def people(self) -> Collection[int]:
        statement = "SELECT DISTINCT chat FROM messages WHERE chat > 0"
        return await self._database.read(
            lambda journal: {int(row["chat"]) for row in journal.execute(statement)}
        )

    async def last_arrived(self, chat: int) -> int:
        statement = """
            SELECT coalesce(max(number), 0) FROM messages
            WHERE chat = ? AND message_id IS NOT NULL
        """
        return await self._database.read(
            lambda journal: int(journal.execute(statement, (chat,)).fetchone()[0])
        )

    async def given_up(self, chat: int) -> Sequence[Queued]:
        statement = """
            SELECT * FROM messages
            WHERE chat = :chat AND dropped IS NOT NULL AND message_id IS NULL AND number > (
                SELECT coalesce(max(number), 0) FROM messages
                WHERE chat = :chat AND message_id IS NOT NULL
            )
            ORDER BY number
        """
        return await self._database.read(
            lambda journal: [_queued(row) for row in journal.execute(statement, {"chat": chat})]
        )

    async def named(self, prefix: str) -> Sequence[Queued]:
        statement = "SELECT * FROM messages WHERE key >= ? AND key < ? ORDER BY number"
        values = (prefix, prefix + _LAST)
        return await self._database.read(
            lambda journal: [_queued(row) for row in journal.execute(statement, values)]
        )

    async def _write(self, statement: str, values: Mapping[str, object]) -> int:
        """Make a change and return how many rows it touched."""
        return await self._database.write(
            lambda journal: journal.execute(statement, values).rowcount
        )


def _queued(row: sqlite3.Row) -> Queued:
    message = Message(
        key=row["key"],
        chat=row["chat"],
        text=row["text"],
        thread=row["thread"],
        buttons=tuple(
            tuple((label, data) for label, data in line) for line in json.loads(row["buttons"])
        ),
        silent=bool(row["silent"]),
        document=_pair(row["document"]),
        picture=row["picture"],
    )
    return Queued(
        row["number"],
        message,
        from_text(row["written"]),
        attempted=bool(row["attempted"]),
        message_id=row["message_id"],
        stale=bool(row["stale"]),
        dropped=row["dropped"] is not None,
    )


def _pair(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    name, content = json.loads(text)
    return name, content
