"""What is in a restored database, as a person would look at it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Contents:
    """Counts of users and applications, and when the newest event happened.

    None where the database has no such table, or no event.
    """

    users: int | None = None
    applications: int | None = None
    newest_event: datetime | None = None
