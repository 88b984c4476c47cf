"""From when on the journal forgets. Pure.

A clock that is far ahead for a while makes all look old. So what is remembered is counted in days,
too: in those on which the journal was written to, whatever the clock called them. A clock that was
wrong can make of a day two, and so spare ones are counted for that.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time

from bot.domain.jobs import REMEMBERED

DAYS_REMEMBERED = REMEMBERED.days + 7


def forgets_before(now: datetime, days: Collection[date]) -> datetime | None:
    """What ended before that is forgotten, None where nothing is; *days* are those of the journal.

    So something is lost only where it is too old by the clock, and as many days have passed.
    """
    if len(days) < DAYS_REMEMBERED:
        return None
    oldest = sorted(days)[-DAYS_REMEMBERED]
    return min(now - REMEMBERED, datetime.combine(oldest, time(), UTC))
