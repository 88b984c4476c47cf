"""Groups that have another number now, in the journal."""

import sqlite3
from collections.abc import Mapping

from bot.adapters.journal_database import JournalDatabase
from bot.services.journal_ports import QUESTION_KEY

WHERE_NOW = "coalesce((SELECT new FROM moved_chats WHERE old = :chat), :chat)"
"""The chat of a row that is being written, wherever its group is now."""

_FOLLOW = (
    "UPDATE moved_chats SET new = :new WHERE new = :old",
    "INSERT OR REPLACE INTO moved_chats (old, new) VALUES (:old, :new)",
    # Nothing can be edited or pressed any more where the group was: what waits for an answer is
    # shown anew, before its chat is changed, by which it is found.
    f"""
    UPDATE messages SET message_id = NULL, attempted = 0, stale = 0
    WHERE chat = :old AND dropped IS NULL AND buttons <> '[]' AND key IN (
        SELECT '{QUESTION_KEY}' || substr(id, 1, instr(id || '.', '.') - 1)
        FROM questions WHERE chat = :old AND answer = ''
    )
    """,  # noqa: S608 - ours
    "UPDATE messages SET stale = 0 WHERE chat = :old AND message_id IS NOT NULL",
    "UPDATE messages SET chat = :new WHERE chat = :old AND message_id IS NULL",
    "UPDATE questions SET chat = :new WHERE chat = :old",
)


class SqliteMoves:
    """A Moves in *database*."""

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database

    async def known(self) -> Mapping[int, int]:
        statement = "SELECT old, new FROM moved_chats"
        return await self._database.read(
            lambda journal: {row["old"]: row["new"] for row in journal.execute(statement)}
        )

    async def follow(self, old: int, new: int) -> None:
        def follow(journal: sqlite3.Connection) -> None:
            for statement in _FOLLOW:
                journal.execute(statement, {"old": old, "new": new})

        await self._database.write(follow)
