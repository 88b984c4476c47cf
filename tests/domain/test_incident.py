from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.incident import Closed, Incident, Rules, Trouble

BEGAN = datetime(2026, 11, 23, 3, 30, 5, tzinfo=UTC)
CRASH = Incident(
    root="worker",
    trouble=Trouble.CRASHED,
    detail="exit code 137",
    image="server:2025.2.1",
    began=BEGAN,
    opened=BEGAN,
    others=frozenset({"outpost"}),
)
WARNING = replace(CRASH, trouble=Trouble.DISK)
RULES = Rules(depends={})


def test_an_incident_in_a_sentence() -> None:
    since = "worker is crashed since 2026-11-23 03:30:05 UTC"

    assert CRASH.words == f"{since} (exit code 137)"
    assert replace(CRASH, detail="").words == since


def test_it_holds_its_root_as_well() -> None:
    assert CRASH.members == {"worker", "outpost"}


@pytest.mark.parametrize(
    ("ended", "lasted"),
    [
        (BEGAN + timedelta(minutes=5), timedelta(minutes=5)),
        (BEGAN, timedelta()),
        (BEGAN - timedelta(minutes=5), timedelta()),
    ],
)
def test_it_lasts_from_its_beginning_and_never_less_than_nothing(
    ended: datetime, lasted: timedelta
) -> None:
    assert Closed(CRASH, ended).lasted == lasted


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("incident", "after"),
    [
        pytest.param(CRASH, [HOUR, 6 * HOUR, DAY + 6 * HOUR, 2 * DAY + 6 * HOUR], id="an outage"),
        pytest.param(WARNING, [DAY, 8 * DAY, 15 * DAY, 22 * DAY], id="a warning"),
    ],
)
def test_reminders_come_ever_less_often(incident: Incident, after: list[timedelta]) -> None:
    due = [RULES.reminded_after(replace(incident, reminders=number)) for number in range(4)]

    assert due == after
