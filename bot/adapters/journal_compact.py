"""What the journal forgets: all that is over, and older than a moment that the caller chooses."""

import sqlite3
from datetime import datetime

from bot.adapters.journal_schema import to_text
from bot.domain.jobs import JobState


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
