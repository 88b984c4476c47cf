"""Whether the Engine starts a container again and again because that ends by itself. Pure.

An end with exit code 0 or 143 looks like a stop by hand. But Docker counts the restarts by a
container's own policy, and begins anew where a person starts it: where this count grows, nobody
stopped it. One that is up in between is not well before it has stayed up for longer than usual.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

TOO_MANY = 3
"""As many restarts within a while are a loop."""
_WITHIN = timedelta(minutes=30)
_HOLDS = timedelta(seconds=30)


@dataclass(frozen=True)
class Restarts:
    """What looks said: the Engine's *count*, when it *grew* last, and since when it *serves*."""

    count: int | None = None
    grew: tuple[datetime, ...] = ()
    serves: datetime | None = None

    @classmethod
    def known(cls, began: datetime, told: datetime) -> "Restarts":
        """Those of a loop that was told, and may last."""
        return cls(grew=(max(began, told - _WITHIN), told, told))

    @property
    def began(self) -> datetime | None:
        """When the loop did; None where there is none."""
        if len(self.grew) < TOO_MANY or self.grew[-1] - self.grew[0] > _WITHIN:
            return None
        return self.grew[0]

    def after(self, count: int, now: datetime, *, serves: bool) -> "Restarts":
        """With a look at *now*. One that has stayed up is in no loop any more."""
        known = count if self.count is None else self.count
        grew = tuple(each for each in self.grew if each <= now) if count >= known else ()
        more = min(max(count - known, 0), TOO_MANY)
        since = self.serves if self.serves and self.serves <= now and count == known else now
        grew = (*grew, *[now] * more)[-TOO_MANY:]
        seen = Restarts(count, grew, since if serves else None)
        return Restarts(count, (), seen.serves) if seen.has_stayed(now) else seen

    def has_stayed(self, now: datetime) -> bool:
        """Whether, after a loop, it was up for longer than between two of its ends."""
        if self.began is None or self.serves is None:
            return False
        longest = max(later - sooner for sooner, later in pairwise(self.grew))
        return now - self.serves >= max(2 * longest, _HOLDS)
