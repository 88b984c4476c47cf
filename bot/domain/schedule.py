"""When planned work is due: cron expressions on a wall clock, in instants that can be compared.

A schedule with a fixed hour, or several, runs once per local date and hour: where a clock change
repeats the hour, at the first of the two; where it skips the hour, at the same distance from
midnight. One of every hour keeps to real time (design section 8). croniter alone would fire twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import islice, pairwise

from croniter import CroniterError, croniter

from bot.domain.errors import ConfigError

_FIELDS = 5
_HOUR = 1
_WIDEST_JUMP = timedelta(hours=3)  # more than any clock change, so that no slot is overlooked
_FARTHEST = timedelta(days=366 * 5)  # a leap day comes round within it
_A_YEAR_OF_NIGHTS = 366
_ANY_YEARS = datetime(2000, 1, 1, tzinfo=UTC)
_WORDS = {
    *("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    *("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    "l",  # the last: day of the month, or with a weekday the last such
}


@dataclass(frozen=True)
class Schedule:
    """A cron expression of five fields in a time zone."""

    expression: str
    zone: tzinfo

    def next_after(self, now: datetime) -> datetime | None:
        """The first slot after *now* (aware), in UTC; None for one that never comes."""
        return next(self.slots(now, now + _FARTHEST), None)

    def last_until(self, now: datetime, since: datetime) -> datetime | None:
        """The newest slot after *since* and not after *now*, in UTC.

        However many there are: it looks back from *now*.
        """
        start = now.astimezone(self.zone).replace(tzinfo=None) + _WIDEST_JUMP
        walls = croniter(self.expression, start, ret_type=datetime)
        newest = since
        while True:
            try:
                wall: datetime = walls.get_prev()
            except CroniterError:
                break
            newest = max([newest, *(each for each in self._instants(wall) if each <= now)])
            if wall.replace(tzinfo=self.zone).astimezone(UTC) + _WIDEST_JUMP <= newest:
                break
        return newest if newest > since else None

    def longest_gap(self, now: datetime) -> timedelta:
        """The longest time between two of the slots that come next, a year of nights of them."""
        coming = list(islice(self.slots(now, now + _FARTHEST), _A_YEAR_OF_NIGHTS))
        return max((after - before for before, after in pairwise(coming)), default=_FARTHEST)

    def slots(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """All slots after *after* and until *until*, in UTC and in order."""
        start = after.astimezone(self.zone).replace(tzinfo=None) - _WIDEST_JUMP
        walls = croniter(self.expression, start, ret_type=datetime)
        held: list[datetime] = []
        while True:
            try:
                wall: datetime = walls.get_next()
            except CroniterError:  # it has no date at all, such as 30 February
                break
            held = sorted({*held, *self._instants(wall)})
            settled = wall.replace(tzinfo=self.zone).astimezone(UTC) - _WIDEST_JUMP
            while held and held[0] < settled:
                slot = held.pop(0)
                if slot > until:
                    return
                if slot > after:
                    yield slot
        yield from (slot for slot in held if after < slot <= until)

    def _instants(self, wall: datetime) -> list[datetime]:
        """When the wall clock shows *wall*."""
        first = wall.replace(tzinfo=self.zone, fold=0)
        if self._has_fixed_hour:
            return [first.astimezone(UTC)]
        both = {first.astimezone(UTC), first.replace(fold=1).astimezone(UTC)}
        return [each for each in both if each.astimezone(self.zone).replace(tzinfo=None) == wall]

    @cached_property
    def _has_fixed_hour(self) -> bool:
        return croniter.expand(self.expression)[0][_HOUR] != ["*"]


@dataclass
class Slots:
    """What a schedule says about one moment after the other, which is asked for every minute.

    Between two slots nothing changes, and nothing is reckoned anew.
    """

    schedule: Schedule
    reach: timedelta
    _since: datetime | None = None
    _newest: datetime | None = None
    _following: datetime | None = None

    def newest(self, now: datetime) -> datetime | None:
        """The newest slot that is not after *now*, and not longer ago than *reach*."""
        self._reckon(now)
        newest = self._newest
        return newest if newest and newest > now - self.reach else None

    def following(self, now: datetime) -> datetime | None:
        """The first slot after *now*; None for one that never comes."""
        self._reckon(now)
        return self._following

    def _reckon(self, now: datetime) -> None:
        known = self._since is not None and self._since <= now
        if known and (self._following is None or now < self._following):
            return
        self._since = now
        self._newest = self.schedule.last_until(now, now - self.reach)
        self._following = self.schedule.next_after(now)


def parse_schedule(text: str, zone: tzinfo, setting: str) -> Schedule | None:
    """Read a schedule; None for "off".

    Raises:
        ConfigError: it is not a cron expression of five fields, says something else each time, or
            names a date that never comes; it names *setting*.
    """
    expression = " ".join(text.split())
    if expression.lower() == "off":
        return None
    unknown = set(re.findall(r"[^\W\d_]+", expression.lower())) - _WORDS  # croniter's R is random
    if unknown or len(expression.split()) != _FIELDS or not croniter.is_valid(expression):
        raise ConfigError(
            f'{setting}: "{expression[:60]}" is not a cron expression',
            hint='Give five fields, minute hour day month weekday, such as "30 3 * * *", or "off".',
        )
    if Schedule(expression, UTC).next_after(_ANY_YEARS) is None:
        raise ConfigError(
            f'{setting}: "{expression[:60]}" names a date that never comes',
            hint='Give a day that the month has, or "off" for no schedule.',
        )
    return Schedule(expression, zone)
