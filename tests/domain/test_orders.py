from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.backup_id import BackupId
from bot.domain.jobs import Job, JobKind, Trigger
from bot.domain.orders import Order, OrderKind, newest_first

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ORDER = Order(id="a", kind=OrderKind.PAUSE, trigger=Trigger.CLI, actor="root", started=NOW)
JOB = Job(
    id=BackupId("20261124T120000Z-aaaa"),
    kind=JobKind.BACKUP,
    trigger=Trigger.CLI,
    actor="root",
    started=NOW + timedelta(minutes=1),
)


def test_jobs_and_orders_stand_in_the_order_in_which_they_began() -> None:
    later = replace(ORDER, id="b", started=NOW + timedelta(minutes=2))

    assert newest_first([JOB], [later, ORDER], 5) == [later, JOB, ORDER]
    assert newest_first([JOB], [later, ORDER], 2) == [later, JOB]
    assert newest_first([], [], 2) == []


def test_an_order_is_told_in_the_words_of_its_command() -> None:
    assert ORDER.words == "pause"
    assert replace(ORDER, label="2h").words == "pause 2h"
