"""What to do with the messages that wait for one chat. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.entrypoints.telegram.away_texts import LATE, late, while_away
from bot.entrypoints.telegram.button_texts import JOBS, STATUS, TRY_LAST_AGAIN
from bot.entrypoints.telegram.markup import LONGEST_TEXT, units
from bot.entrypoints.telegram.pressed import AGAIN_PREFIX, Deed, DeedData
from bot.entrypoints.telegram.texts import Wall
from bot.services.journal_ports import Buttons, Message, Queued

OLD = timedelta(minutes=10)
MOST_OLD = 5

_PROGRESS = "progress:"
_LOOKING = "looking:"
_SHOW_PROGRESS = (_PROGRESS, _LOOKING)
_OUTCOME = "outcome:"
_QUESTION = "question:"
_ASKS = (_QUESTION, _LOOKING)
_OF_NOW = (*_SHOW_PROGRESS, _QUESTION)  # what changes as long as it is waited for
_OF_JOBS = (_OUTCOME, "alarm", "late|")
_ALARMS = ("incident|", "alarm|", "alarm over|", "late|", "unreachable:")
_SENT_ELSEWHERE = ("undelivered:", "missed:")  # what stands before the key of the original


@dataclass(frozen=True)
class Delivery:
    """One request to Telegram: *message*, which stands for all *rows*.

    *is_page*: it is one of the messages that tell together what waited long.
    """

    rows: tuple[Queued, ...]
    message: Message
    is_page: bool = False

    @property
    def is_edit(self) -> bool:
        return self.rows[0].message_id is not None

    @property
    def has_file(self) -> bool:
        return bool(self.message.document or self.message.picture)

    @property
    def is_merged(self) -> bool:
        """Whether several messages came as one, which none of them can change any more."""
        return len(self.rows) > 1


def urgent_first(found: Iterable[Delivery], now: datetime) -> list[Delivery]:
    """*found* with new alarms before what else is new, and questions after them; else in order.

    A question is not answered for long. What says that it is looked into stays before it.
    What waited long stays before all that came after it: of an absence everything comes in order.
    """
    in_order = list(found)
    old = [at for at, each in enumerate(in_order) if _waited_long(each, now)]
    first = old[-1] + 1 if old else 0
    rest = sorted(in_order[first:], key=_urgency)
    return in_order[:first] + rest


def _waited_long(delivery: Delivery, now: datetime) -> bool:
    """An edit stands where it is, whenever its message was written."""
    return not delivery.is_edit and any(now - row.written > OLD for row in delivery.rows)


def _urgency(delivery: Delivery) -> int:
    if delivery.is_edit:
        return 2
    if any(map(_is_alarm, delivery.rows)):
        return 0
    return 1 if delivery.message.key.startswith(_ASKS) else 2


def _is_alarm(row: Queued) -> bool:
    """Whether it tells of trouble, or of its end, that nobody has asked about."""
    key = row.message.key
    for prefix in _SENT_ELSEWHERE:
        key = key.removeprefix(prefix)
    return key.startswith(_ALARMS)


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


def is_shown_progress(row: Queued) -> bool:
    """Whether it is an edit of what says how far something is."""
    return row.message_id is not None and row.message.key.startswith(_SHOW_PROGRESS)


def deliveries(
    queue: Sequence[Queued],
    wall: Wall,
    told: Mapping[int | None, int],
    alone: Collection[int] = (),
) -> Iterator[Delivery]:
    """The requests that bring all of *queue*, in order.

    What waited long comes merged, by topics: all that has nothing in between. Questions, documents
    and pictures stay messages of their own, each where it stands among the others, and so do those
    whose numbers are *alone*. *told* is how many have come so in each topic already, where the rest
    had to wait: their count goes on. What comes late by itself says so.
    """
    joining = {row.number for row in queue if row.number not in alone and _may_join(row, wall.now)}
    old = Counter(row.message.thread for row in queue if row.number in joining)
    joined = {thread for thread, number in old.items() if number > MOST_OLD or told.get(thread)}
    pages = {
        page.rows[0].number: page
        for thread in joined
        for page in _merged(queue, thread, told.get(thread, 0), wall, joining)
    }
    for row in queue:
        if row.message.thread not in joined or row.number not in joining:
            yield Delivery((row,), _by_itself(row, wall))
        elif row.number in pages:
            yield pages[row.number]


def _merged(
    queue: Sequence[Queued],
    thread: int | None,
    told: int,
    wall: Wall,
    joining: Collection[int],
) -> Iterator[Delivery]:
    """The messages that stand for all of a topic that waited long."""
    rows: list[Queued] = []
    apart: set[int] = set()
    for row in queue:
        if row.message.thread != thread or row.message_id is not None:
            continue
        if row.number in joining:
            rows.append(row)
        else:
            apart.add(len(rows))
    return _Pages(rows, apart, told, wall).deliveries()


def _may_join(row: Queued, now: datetime) -> bool:
    return (
        row.message_id is None
        and not is_progress(row)
        and not row.message.key.startswith(_QUESTION)
        and row.message.document is None
        and row.message.picture is None
        and now - row.written > OLD
    )


def _by_itself(row: Queued, wall: Wall) -> Message:
    """Its message, which says so where it is new and comes late."""
    message = row.message
    is_of_now = row.message_id is not None or message.key.startswith(_OF_NOW)
    if is_of_now or wall.now - row.written <= LATE:
        return message
    return replace(message, text=late(message.text, row.written, wall))


@dataclass(frozen=True)
class _Pages:
    """All of *rows*, as many to a message as fit; one that fills a message comes by itself.

    Before those whose places are *apart* something else arrives: there a message ends. Where
    buttons lead on from here they stand below the last page that several came as.
    """

    rows: Sequence[Queued]
    apart: Collection[int]
    told: int
    wall: Wall

    def deliveries(self) -> Iterator[Delivery]:
        pages = list(self._pages())
        merged = [page for page in pages if len(page) > 1]
        for page in pages:
            if len(page) == 1:
                row = self.rows[page.start]
                yield Delivery((row,), _by_itself(row, self.wall), is_page=True)
            else:
                here = tuple(self.rows[page.start : page.stop])
                buttons = self._ways_on(merged) if page == merged[-1] else ()
                text = self._text(page, had_buttons=bool(buttons) and self._had_buttons(merged))
                yield Delivery(here, _together(here[0].message, text, buttons), is_page=True)

    def _pages(self) -> Iterator[range]:
        first = 0
        while first < len(self.rows):
            last = first + 1
            while self._goes_on(range(first, last)):
                last += 1
            yield range(first, last)
            first = last

    def _goes_on(self, page: range) -> bool:
        """Whether what follows the page belongs into the same message."""
        is_next = page.stop < len(self.rows) and page.stop not in self.apart
        return is_next and self._fits(range(page.start, page.stop + 1))

    def _fits(self, page: range) -> bool:
        """Whether it would with the longest ending, which any page may come to have."""
        return units(self._text(page, had_buttons=True)) <= LONGEST_TEXT

    def _text(self, page: range, *, had_buttons: bool) -> str:
        return while_away(
            [(self.rows[at].written, self.rows[at].message.text) for at in page],
            self.told + page.start + 1,
            self.told + len(self.rows),
            self.wall,
            had_buttons=had_buttons,
        )

    def _had_buttons(self, merged: Sequence[range]) -> bool:
        return any(self.rows[at].message.buttons for page in merged for at in page)

    def _ways_on(self, merged: Sequence[range]) -> Buttons:
        """Without the last job's where its message came by itself, and so with its own buttons."""
        of_jobs = [at for at, row in enumerate(self.rows) if _is_of_job(row)]
        is_merged = bool(of_jobs) and any(of_jobs[-1] in page for page in merged)
        return _ways_on(self.rows[of_jobs[-1]].message.buttons if is_merged else ())


def _together(first: Message, text: str, buttons: Buttons) -> Message:
    """A message that stands for several: one that rings."""
    return replace(first, text=text, buttons=buttons, silent=False)


def _is_of_job(row: Queued) -> bool:
    return row.message.key.startswith(_OF_JOBS)


def _ways_on(last: Buttons) -> Buttons:
    """What still makes sense of the buttons of messages, and the ways to all that came of them.

    *last* are those of the job that ended last. Only it is offered anew: what came after an older
    one may have mended it.
    """
    of_last = [button for line in last for button in line]
    again = [(TRY_LAST_AGAIN, data) for _, data in of_last if data.startswith(AGAIN_PREFIX)]
    ways = (STATUS, DeedData(Deed.STATUS).line()), (JOBS, DeedData(Deed.ALL_JOBS).line())
    return (*((each,) for each in again[:1]), ways)
