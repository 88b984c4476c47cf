"""How much time has passed, as far as a clock that may have jumped can tell."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

_JUMP = timedelta(days=180)  # more than passes between anything kept for a time and what is newer


def elapsed(start: datetime, end: datetime, seen: Iterable[datetime]) -> timedelta:
    """The time from *start* to *end*, without what passed at once.

    *seen* are moments at which something happened in between. Where nothing did for half a year, a
    clock has jumped, or nobody was there: that counts for nothing.
    """
    moments = sorted({start, end, *(each for each in seen if start < each < end)})
    steps = (later - earlier for earlier, later in pairwise(moments))
    return sum((step for step in steps if step <= _JUMP), timedelta())
