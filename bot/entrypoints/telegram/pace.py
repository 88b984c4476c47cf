"""How fast each chat may be written to, edits included: what Telegram takes without a 429.

A group takes twenty requests a minute, whatever they are and in whichever topic. What says how far
something is shares a part of them, so that outcomes and answers never wait for it.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.entrypoints.telegram.queue import Delivery, is_shown_progress
from bot.services.journal_ports import Queued

MINUTE = 61.0  # seconds; one more than Telegram's, whose clock is another
MOST_IN_GROUP = 20
FOR_PROGRESS = 15
PRIVATE_INTERVAL = 1.0
GROUP_INTERVAL = 4.0


@dataclass
class Pace:
    """What was asked for one chat within the last minute, in seconds of the monotonic clock."""

    is_group: bool
    _asked: deque[float] = field(default_factory=deque)
    _edited: dict[int, float] = field(default_factory=dict)  # what shows progress, by its number

    def before(self, now: float, progress: int | None = None) -> float:
        """The seconds to wait before the next request.

        *progress* is the number of the message whose progress it shows. One that has not changed
        lately waits for no other: it only ends, or begins to change. How often one may change is
        for whoever writes it, so that its last words stand there soon.
        """
        self._forget(now)
        most = MOST_IN_GROUP if progress is None else FOR_PROGRESS
        waits = [0.0]
        if self.is_group and len(self._asked) >= most:
            waits.append(self._asked[-most] + MINUTE - now)
        others = [at for each, at in self._edited.items() if each != progress]
        if progress in self._edited and others:
            interval = seconds_between_edits(is_group=self.is_group)
            waits.append(max(others) + interval - now)
        return max(waits)

    def asked(self, now: float, progress: int | None = None) -> None:
        """A request was made; *progress* is the number of the message whose progress it shows."""
        self._forget(now)
        self._asked.append(now)
        if progress is not None:
            self._edited[progress] = now

    def edited(self, number: int) -> float:
        """When that message was edited last; 0 for one that was not within the last minute."""
        return self._edited.get(number, 0.0)

    def _forget(self, now: float) -> None:
        while self._asked and self._asked[0] + MINUTE <= now:
            self._asked.popleft()
        self._edited = {each: at for each, at in self._edited.items() if at + MINUTE > now}


def seconds_between_edits(*, is_group: bool) -> float:
    """Of all messages in one chat that say how far something is."""
    return GROUP_INTERVAL if is_group else PRIVATE_INTERVAL


class Paces:
    """The pace of each chat."""

    def __init__(self) -> None:
        self._of: dict[int, Pace] = {}

    def pause(self, chat: int, queue: Sequence[Queued], now: float) -> float:
        """The seconds until the first of *queue* may go."""
        pace = self._pace(chat)
        progress = [row.number for row in queue if is_shown_progress(row)]
        if len(progress) < len(queue):
            return pace.before(now)
        return min(pace.before(now, number) for number in progress)

    def before(self, delivery: Delivery, now: float) -> float:
        """The seconds until *delivery* may go."""
        return self._pace(delivery.message.chat).before(now, _progress(delivery))

    def asked(self, delivery: Delivery, now: float) -> None:
        """It is being sent."""
        self._pace(delivery.message.chat).asked(now, _progress(delivery))

    def in_turn(self, chat: int, progress: Iterable[Delivery]) -> Sequence[Delivery]:
        """Edits of one chat, the one first that was edited the longest ago."""
        pace = self._pace(chat)
        return sorted(progress, key=lambda each: pace.edited(each.rows[0].number))

    def _pace(self, chat: int) -> Pace:
        return self._of.setdefault(chat, Pace(is_group=chat < 0))


def _progress(delivery: Delivery) -> int | None:
    row = delivery.rows[0]
    return row.number if is_shown_progress(row) else None
