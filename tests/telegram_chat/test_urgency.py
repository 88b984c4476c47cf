"""New alarms and questions go before what else is new, and change nothing in its order."""

from collections import Counter
from datetime import UTC, timedelta

import pytest

from bot.domain.incident import Closed, Opened
from bot.domain.roles import ChatPlace
from bot.entrypoints.telegram.pace import MOST_IN_GROUP
from bot.entrypoints.telegram.queue import deliveries, urgent_first
from bot.entrypoints.telegram.texts import Wall
from bot.services.journal_ports import Message, Queued
from tests.bot_api.limits import RateLimits
from tests.telegram_chat.test_late import CRASH
from tests.telegram_chat.world import NOW, World

FILE = ("x.txt", "x")
FRESH, OLD = timedelta(seconds=5), timedelta(hours=1)
OPENED, CLOSED = "incident|worker|x|opened@-100", "incident|worker|x|closed@-100"
QUESTION, LOOKING = "question:p1", "looking:1"
ALARM, OVER = "alarm|backup|x|0@42", "alarm over|backup|x@42"


def queue(*keys: str, old: int = 0, edited: str = "") -> list[Queued]:
    """What waits, so many of the first of it for long, and a change of what has that key."""
    return [
        Queued(
            number,
            Message(key=key, chat=42, text=key, document=FILE if key == "file" else None),
            NOW - (OLD if number <= old else FRESH),
            message_id=number if key == edited else None,
        )
        for number, key in enumerate(keys, start=1)
    ]


@pytest.mark.parametrize(
    ("rows", "order"),
    [
        pytest.param(queue("a", "b", OPENED), f"{OPENED} a b", id="an incident"),
        pytest.param(queue("a", ALARM), f"{ALARM} a", id="an alarm"),
        pytest.param(queue("a", "late|x"), "late|x a", id="an end of failures"),
        pytest.param(
            queue("a", OPENED, "b", CLOSED, ALARM, OVER),
            f"{OPENED} {CLOSED} {ALARM} {OVER} a b",
            id="in order among themselves",
        ),
        pytest.param(queue("a", QUESTION), f"{QUESTION} a", id="a question"),
        pytest.param(
            queue("a", LOOKING, "b", QUESTION, OPENED),
            f"{OPENED} {LOOKING} {QUESTION} a b",
            id="a question after what it belongs to, and after alarms",
        ),
        pytest.param(
            queue("a", "b", LOOKING, edited=LOOKING), f"a b {LOOKING}", id="not the end of a look"
        ),
        pytest.param(
            queue("a", f"undelivered:{OPENED}", f"missed:{ALARM}", "unreachable:43:1@42"),
            f"undelivered:{OPENED} missed:{ALARM} unreachable:43:1@42 a",
            id="what did not arrive elsewhere",
        ),
        pytest.param(
            queue("a", "missed:42:7", "late:x", "undelivered:answer:x", "report:x"),
            "a missed:42:7 late:x undelivered:answer:x report:x",
            id="all else in order",
        ),
        pytest.param(queue("a", OPENED, edited=OPENED), f"a {OPENED}", id="not its edits"),
        pytest.param(queue("a", OPENED, "b", old=2), f"a {OPENED} b", id="one that is old"),
        pytest.param(
            queue("a", OPENED, "b", "c", CLOSED, old=3),
            f"a {OPENED} b {CLOSED} c",
            id="not before what is old",
        ),
        pytest.param(
            queue(*"abcdef", ALARM, old=6), f"a+b+c+d+e+f {ALARM}", id="not before a page"
        ),
        pytest.param(
            queue(*"abcde", ALARM, "f", OVER, old=6),
            f"a+b+c+d+e+{ALARM} {OVER} f",
            id="after the page with its beginning",
        ),
        pytest.param(
            queue(*"abc", ALARM, "file", *"defg", "h", OVER, old=9),
            f"a+b+c+{ALARM} file d+e+f+g {OVER} h",
            id="after the last page",
        ),
        pytest.param(
            queue("a", "b", OPENED, old=1, edited="a"), f"{OPENED} a b", id="before an old edit"
        ),
    ],
)
def test_the_order_in_which_a_chat_is_told(rows: list[Queued], order: str) -> None:
    found = urgent_first(deliveries(rows, Wall(NOW, UTC), Counter()), NOW)
    assert " ".join("+".join(row.message.key for row in each.rows) for each in found) == order


async def test_an_alarm_in_a_busy_group_arrives_before_the_answers_that_wait(world: World) -> None:
    world.telegram.limits = RateLimits(burst=99)
    group = world.telegram.supergroup()
    world.alerts = (ChatPlace(group.id),)
    answers = [f"no {number}" for number in range(MOST_IN_GROUP + 10)]
    for text in answers:
        message = Message(key=text, chat=group.id, text=text)
        await world.outbox.put(message, world.clock.now())
    async with world.talking() as chat:
        await world.telegram.until(lambda: len(group.from_bot) == MOST_IN_GROUP)
        await chat.incidents.opened(Opened(CRASH))
        await chat.incidents.closed(Closed(CRASH, NOW, "x", frozenset()))
        await world.eventually(lambda: len(group.from_bot) == len(answers) + 2, seconds=10)

    opened, closed, *rest = group.texts[MOST_IN_GROUP:]
    assert opened.startswith("🔴 worker has crashed")
    assert closed.startswith("🟢 worker is well again")
    assert [*group.texts[:MOST_IN_GROUP], *rest] == answers
