"""Messages that fail again and again while Telegram takes others.

A failure alone says nothing: Telegram may be away, and then all waits, in order. One that has
failed often is to blame itself where Telegram answers right before it fails once more. It is put
aside then, so that its chat goes on without it, and tried from time to time. Only what has failed
so again and again, each time with something else having arrived in between, can never arrive.
"""

from dataclasses import dataclass

from bot.entrypoints.telegram.queue import Delivery
from bot.services.journal_ports import Queued

OFTEN = 6
"""Failures in a row; with the pauses between them about half a minute."""
ASIDE_SECONDS = 60.0
_MOST_ASIDE = 3  # in a chat: of an outage that is half of one the order shall survive
_ENOUGH = 3  # times that others arrived in between
_LONG = 600.0  # seconds since it was put aside first


@dataclass
class _Failing:
    """One that fails; *until*: it is aside until then, on the monotonic clock."""

    chat: int
    why: str = ""
    times: int = 0
    began: float | None = None  # when it was put aside first
    until: float = 0.0
    may_count: bool = False  # it was put aside, and nothing has arrived since
    blamed: int = 0


class Stubborn:
    """Counts failures, by the numbers of messages."""

    def __init__(self) -> None:
        self._failing: dict[int, _Failing] = {}
        self.alone: set[int] = set()  # what is sent by itself, since it failed with others

    def failed(self, delivery: Delivery, why: str) -> None:
        """It did, for a reason that may be its own."""
        for row in delivery.rows:
            failing = self._failing.setdefault(row.number, _Failing(row.message.chat))
            failing.why = why
            failing.times += 1

    def is_often(self, delivery: Delivery) -> bool:
        """Whether it has failed so often that it may be to blame."""
        return all(self._times(row.number) >= OFTEN for row in delivery.rows)

    def _times(self, number: int) -> int:
        return self._failing[number].times if number in self._failing else 0

    def part(self, delivery: Delivery) -> None:
        """Let those that came together go one by one from here on."""
        self.alone.update(row.number for row in delivery.rows)

    def put_aside(self, delivery: Delivery, now: float) -> bool:
        """Let the others of its chat go on; False where too much is aside there already."""
        failing = self._failing[delivery.rows[0].number]
        aside = sum(each.chat == failing.chat for each in self._failing.values() if each.until)
        if not failing.until and aside >= _MOST_ASIDE:
            return False
        failing.began = now if failing.began is None else failing.began
        failing.until, failing.may_count = now + ASIDE_SECONDS, True
        return True

    def pause(self, number: int, now: float) -> float:
        """The seconds for which it is aside."""
        return max(0.0, self._failing[number].until - now) if number in self._failing else 0.0

    def why_hopeless(self, delivery: Delivery, now: float) -> str:
        """Why it can never arrive; "" while it may."""
        failing = self._failing[delivery.rows[0].number]
        is_long = failing.began is not None and now - failing.began >= _LONG
        return failing.why if is_long and failing.blamed >= _ENOUGH else ""

    def arrived(self, delivery: Delivery) -> None:
        """It has; what is aside fails for a reason of its own."""
        self.forget(*delivery.rows)
        for failing in self._failing.values():
            failing.blamed += failing.may_count
            failing.may_count = False

    def forget(self, *rows: Queued) -> None:
        """Count those no more: they have arrived, or were given up."""
        for row in rows:
            self._failing.pop(row.number, None)
            self.alone.discard(row.number)
