from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.orders import Order, OrderKind, Unmet, newest_first, read_state, with_unmet

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


def refused(minutes: int) -> Order:
    moment = NOW + timedelta(minutes=minutes)
    return replace(ORDER, id=f"r{minutes}", started=moment, state=Unmet.REFUSED)


@pytest.mark.parametrize(
    ("unmet", "is_whole", "shown"),
    [
        ([], False, []),
        ([3, 2], False, [3, 2]),
        ([9, 8, 7, 6, 5], False, [9, 8, 7]),
        ([3, -1], False, [3]),  # what is older than the list belongs to no page of it
        ([3, -1], True, [3, -1]),
        ([3, 0], False, [3, 0]),  # as old as the last one
    ],
)
def test_the_newest_of_what_came_to_nothing_stand_among_the_others(
    unmet: list[int],
    is_whole: bool,  # noqa: FBT001 - of a table
    shown: list[int],
) -> None:
    entries = with_unmet([JOB, ORDER], [refused(each) for each in unmet], is_whole=is_whole)

    assert [each for each in entries if each in [JOB, ORDER]] == [JOB, ORDER]
    assert [each for each in entries if each not in [JOB, ORDER]] == [refused(n) for n in shown]
    assert entries == sorted(entries, key=lambda each: each.started, reverse=True)


def test_where_nothing_was_done_what_came_to_nothing_is_all() -> None:
    assert with_unmet([], [refused(1)], is_whole=True) == [refused(1)]


@pytest.mark.parametrize("state", [*JobState, *Unmet])
def test_a_state_is_read_back(state: JobState | Unmet) -> None:
    assert read_state(str(state)) is state


def test_an_order_is_told_in_the_words_of_its_command() -> None:
    assert ORDER.words == "pause"
    assert replace(ORDER, label="2h").words == "pause 2h"


def test_one_entry_is_the_last_one_as_well() -> None:
    entries = with_unmet([JOB], [refused(2), refused(0)], is_whole=False)

    assert entries == [refused(2), JOB]


def test_an_order_has_no_password_in_its_message() -> None:
    assert replace(ORDER, message="no such moment").message == "no such moment"
    assert "planted" not in replace(ORDER, message="see postgres://u:planted@h/x").message
