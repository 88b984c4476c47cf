"""What to do with the messages that wait for one chat. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from bot.entrypoints.telegram.markup import LONGEST_TEXT, units
from bot.services.journal_ports import Message, Queued

OLD = timedelta(minutes=10)
MOST_OLD = 5

_PROGRESS = "progress:"
_OUTCOME = "outcome:"


@dataclass(frozen=True)
class Delivery:
    """One request to Telegram: *message*, which stands for all *rows*."""

    rows: tuple[Queued, ...]
    message: Message

    @property
    def is_edit(self) -> bool:
        return self.rows[0].message_id is not None


def overtaken(queue: Iterable[Queued]) -> list[Queued]:
    """Progress that nobody saw and whose outcome waits behind it: nobody needs to."""
    rows = list(queue)
    ended = {
        row.message.key.removeprefix(_OUTCOME)
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


def next_delivery(queue: Sequence[Queued], now: datetime) -> Delivery:
    """What to send first: one message, or many old ones in a single one."""
    first = queue[0]
    same = list(takewhile(lambda row: _may_join(row, first, now), queue))
    if len(same) > MOST_OLD:
        merged = _merged(same)
        if len(merged.rows) > 1:
            return merged
    return Delivery((first,), first.message)


def _may_join(row: Queued, first: Queued, now: datetime) -> bool:
    return (
        row.message_id is None
        and not is_progress(row)
        and row.message.document is None
        and row.message.picture is None
        and row.message.thread == first.message.thread
        and now - row.written > OLD
    )


def _merged(rows: Sequence[Queued]) -> Delivery:
    """As many of *rows* as fit into one message; buttons that old are not worth pressing."""
    taken = list(rows)
    while units(_joined(taken)) > LONGEST_TEXT:
        taken.pop()
        if not taken:
            break
    message = replace(rows[0].message, text=_joined(taken), buttons=(), silent=False)
    return Delivery(tuple(taken), message)


def _joined(rows: Sequence[Queued]) -> str:
    head = f"<b>{len(rows)} messages while I was away</b>"
    return "\n\n".join([head, *(row.message.text for row in rows)])
