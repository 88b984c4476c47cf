"""Questions and their answers in the journal."""

import json
import sqlite3
from collections.abc import Sequence

from bot.adapters.journal_database import JournalDatabase
from bot.adapters.journal_moves import WHERE_NOW
from bot.adapters.journal_schema import from_text, to_text
from bot.services.journal_ports import Question


class SqliteQuestions:
    """Questions in *database*."""

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database

    async def ask(self, question: Question) -> None:
        statement = f"""
            INSERT INTO questions (id, plan_hash, person, chat, expires, choices, word)
            VALUES (:id, :plan_hash, :person, {WHERE_NOW}, :expires, :choices, :word)
        """  # noqa: S608 - ours
        row = {
            **vars(question),
            "expires": to_text(question.expires),
            "choices": json.dumps(question.choices),
        }
        await self._database.write(lambda journal: journal.execute(statement, row))

    async def find(self, question_id: str) -> tuple[Question, str] | None:
        statement = "SELECT * FROM questions WHERE id = ?"
        row = await self._database.read(
            lambda journal: journal.execute(statement, (question_id,)).fetchone()
        )
        return (_question(row), row["answer"]) if row else None

    async def worded(self, word: str, person: int, chat: int) -> Sequence[tuple[Question, str]]:
        statement = """
            SELECT * FROM questions
            WHERE word = ? AND person = ? AND chat = ?
            ORDER BY expires DESC
        """
        rows = await self._database.read(
            lambda journal: journal.execute(statement, (word, person, chat)).fetchall()
        )
        return [(_question(row), row["answer"]) for row in rows]

    async def answer(self, question_id: str, choice: str) -> bool:
        statement = "UPDATE questions SET answer = ? WHERE id = ? AND answer = ''"
        return await self._database.write(
            lambda journal: journal.execute(statement, (choice, question_id)).rowcount == 1
        )


def _question(row: sqlite3.Row) -> Question:
    return Question(
        id=row["id"],
        plan_hash=row["plan_hash"],
        person=row["person"],
        chat=row["chat"],
        expires=from_text(row["expires"]),
        choices=tuple(json.loads(row["choices"])),
        word=row["word"],
    )
