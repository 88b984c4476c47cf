"""What the journal forgets: all that is over, and older than a moment that the caller chooses."""

import sqlite3
from collections.abc import Collection
from datetime import date, datetime

from bot.adapters.journal_schema import to_text
from bot.domain.jobs import JobState

_DAYS = """
    SELECT substr(received, 1, 10) FROM updates
    UNION SELECT substr(written, 1, 10) FROM messages
    UNION SELECT substr(ended, 1, 10) FROM incidents WHERE ended IS NOT NULL
    UNION SELECT substr(ended, 1, 10) FROM orders WHERE ended <> ''
    UNION SELECT substr(at, 1, 10) FROM cures
    UNION SELECT substr(ended, 1, 10) FROM jobs WHERE ended IS NOT NULL
"""


def days_of(journal: sqlite3.Connection) -> Collection[date]:
    """On which of them something happened by which `forget` counts."""
    return {date.fromisoformat(day) for (day,) in journal.execute(_DAYS)}


def forget(journal: sqlite3.Connection, before: datetime) -> int:
    """Delete rows, and return how many of them were jobs.

    Updates count by when they were received, messages by when they were written, questions by
    when they expired, answered or not, incidents and orders by when they ended, restarts by when
    they were.
    """
    moment = to_text(before)
    journal.execute("DELETE FROM updates WHERE handled AND received < ?", (moment,))
    journal.execute(
        """
        DELETE FROM messages
        WHERE written < ? AND (dropped IS NOT NULL OR (message_id IS NOT NULL AND NOT stale))
        """,
        (moment,),
    )
    journal.execute("DELETE FROM questions WHERE expires < ?", (moment,))
    journal.execute("DELETE FROM incidents WHERE ended < ?", (moment,))
    journal.execute("DELETE FROM orders WHERE ended < ? AND ended <> ''", (moment,))
    journal.execute(
        """
        DELETE FROM cures WHERE at < ? AND NOT (gave_up AND EXISTS (
            SELECT * FROM incidents WHERE root = service AND incidents.opened = cures.opened
        ))
        """,
        (moment,),
    )
    return journal.execute(
        """
        DELETE FROM jobs WHERE swept AND state <> ? AND ended < ?
        AND coalesce(json_extract(plan, '$.kept'), '') = ''  -- else nobody would know of it
        """,
        (JobState.RUNNING, moment),
    ).rowcount
