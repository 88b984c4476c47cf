"""What to do with the messages that wait for one chat. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.entrypoints.telegram.away_texts import while_away
from bot.entrypoints.telegram.markup import LONGEST_TEXT, units
from bot.entrypoints.telegram.texts import Wall
from bot.services.journal_ports import Message, Queued

OLD = timedelta(minutes=10)
MOST_OLD = 5

_PROGRESS = "progress:"
_OUTCOME = "outcome:"
_QUESTION = "question:"


@dataclass(frozen=True)
class Delivery:
    """One request to Telegram: *message*, which stands for all *rows*."""

    rows: tuple[Queued, ...]
    message: Message

    @property
    def is_edit(self) -> bool:
        return self.rows[0].message_id is not None

    @property
    def is_merged(self) -> bool:
        """Whether several messages came as one, which none of them can change any more."""
        return len(self.rows) > 1


def overtaken(queue: Iterable[Queued]) -> list[Queued]:
    """Progress that nobody saw and whose outcome waits behind it: nobody needs to."""
    rows = list(queue)
    ended = {
        row.message.key.removeprefix(_OUTCOME).partition(":")[0]
        for row in rows
        if row.message.key.startswith(_OUTCOME)
    }
    return [
        row
        for row in rows
        if is_progress(row)
        and row.message_id is None
        and row.message.key.removeprefix(_PROGRESS) in ended
    ]


def is_progress(row: Queued) -> bool:
    """Whether only the newest wording of it matters."""
    return row.message.key.startswith(_PROGRESS)


def deliveries(queue: Sequence[Queued], wall: Wall) -> Iterator[Delivery]:
    """The requests that bring all of *queue*, in order.

    What waited long comes merged where the first of it stands, by topics; questions and documents
    stay messages of their own, behind it.
    """
    old = Counter(row.message.thread for row in queue if _may_join(row, wall.now))
    joined = {thread for thread, number in old.items() if number > MOST_OLD}
    begun: set[int | None] = set()
    for row in queue:
        thread = row.message.thread
        if thread not in joined or not _may_join(row, wall.now):
            yield Delivery((row,), row.message)
        elif thread not in begun:
            begun.add(thread)
            same = [each for each in queue if each.message.thread == thread]
            yield from _merged([each for each in same if _may_join(each, wall.now)], wall)


def _may_join(row: Queued, now: datetime) -> bool:
    return (
        row.message_id is None
        and not is_progress(row)
        and not row.message.key.startswith(_QUESTION)
        and row.message.document is None
        and row.message.picture is None
        and now - row.written > OLD
    )


def _merged(rows: Sequence[Queued], wall: Wall) -> Iterator[Delivery]:
    """All of *rows*, as many to a message as fit; one that fills a message stays as it is."""
    first = 0
    while first < len(rows):
        last = first + 1
        while last < len(rows) and _fits(rows, first, last + 1, wall):
            last += 1
        if last == first + 1:
            yield Delivery((rows[first],), rows[first].message)
        else:
            yield _page(rows, first, last, wall)
        first = last


def _fits(rows: Sequence[Queued], first: int, last: int, wall: Wall) -> bool:
    return units(_page(rows, first, last, wall).message.text) <= LONGEST_TEXT


def _page(rows: Sequence[Queued], first: int, last: int, wall: Wall) -> Delivery:
    here = tuple(rows[first:last])
    text = while_away(
        [(row.written, row.message.text) for row in here],
        first + 1,
        len(rows),
        wall,
        had_buttons=any(row.message.buttons for row in here),
    )
    return Delivery(here, replace(here[0].message, text=text, buttons=(), silent=False))
