"""When nobody could log in, whatever it was by: each moment counts once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backup_id import make_backup_id
from bot.domain.downtime import came_back, gone
from bot.domain.incident import Incident, Trouble
from bot.domain.incident_history import PastIncident
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.outages import Away, away_in_incidents, away_in_jobs, outages, time_away

MIDNIGHT = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return MIDNIGHT + timedelta(minutes=minutes)


def away(begin: float, end: float, cause: str = "server crashed", *, bad: bool = True) -> Away:
    return Away(at(begin), at(end), cause, bad)


UPDATE = away(10, 20, "update", bad=False)


@pytest.mark.parametrize(
    ("spans", "told", "minutes"),
    [
        pytest.param([], [], 0, id="never"),
        pytest.param([away(130, 160)], [away(130, 160)], 30, id="from 02:10 to 02:40"),
        pytest.param([away(5, 7), UPDATE], [away(5, 7), UPDATE], 12, id="one after the other"),
        pytest.param([UPDATE, away(5, 7)], [away(5, 7), UPDATE], 12, id="in whatever order"),
        pytest.param(
            [UPDATE, away(15, 30)], [away(10, 30, "update")], 20, id="an update that went wrong"
        ),
        pytest.param([away(5, 15), UPDATE], [away(5, 20)], 15, id="an update that mends it"),
        pytest.param([away(5, 40), UPDATE], [away(5, 40)], 35, id="one inside of the other"),
        pytest.param([away(5, 10), UPDATE], [away(5, 20)], 15, id="they touch"),
        pytest.param(
            [away(0, 9), away(3, 12, "postgresql crashed"), away(11, 14, "server paused")],
            [away(0, 14)],
            14,
            id="three in a row",
        ),
    ],
)
def test_what_overlaps_is_one(spans: list[Away], told: list[Away], minutes: float) -> None:
    assert outages(spans) == told
    assert time_away(spans, MIDNIGHT, at(1000)) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("begin", "now", "minutes"), [(0, 15, 5), (15, 1000, 5), (12, 14, 2), (0, 5, 0), (25, 30, 0)]
)
def test_only_what_is_in_the_time_counts(begin: float, now: float, minutes: float) -> None:
    assert time_away([UPDATE], at(begin), at(now)) == timedelta(minutes=minutes)


def incident(root: str, ended: float | None, *others: str) -> PastIncident:
    found = Incident(
        root=root,
        trouble=Trouble.CRASHED,
        detail="",
        image="",
        began=at(130),
        opened=at(131),
        others=frozenset(others),
    )
    return PastIncident(found, None if ended is None else at(ended))


def test_incidents_of_what_serves_count() -> None:
    found = [
        incident("server", 160),
        incident("worker", 160),
        incident("redis", 150, "server"),
        incident("server", None),
    ]

    assert away_in_incidents(found, {"server"}, at(200)) == [
        away(130, 160),
        away(130, 150, "redis crashed"),
        away(130, 200),
    ]


def test_one_of_several_that_is_down_keeps_nobody_out_while_others_are_ready() -> None:
    ready = "ready check of server"
    found = [
        incident("server-1", 150),
        incident("server-2", 160, ready),
    ]

    assert away_in_incidents(found, {"server", ready}, at(200)) == [
        away(130, 160, "server-2 crashed")
    ]


def test_the_only_one_that_went_down_keeps_people_out_whatever_it_is_called_since() -> None:
    opened = incident("server", None)
    renamed = replace(
        opened, incident=replace(opened.incident, root="server-1", opened_as="server")
    )

    assert away_in_incidents([renamed], {"server"}, at(200)) == [away(130, 200, "server-1 crashed")]


SINCE = gone(at(10))


@pytest.mark.parametrize(
    ("plan", "state", "between"),
    [
        pytest.param({}, JobState.DONE, None, id="never away"),
        pytest.param(
            {**SINCE, **came_back(120)}, JobState.DONE, away(10, 12, "update", bad=False), id="held"
        ),
        pytest.param(
            SINCE, JobState.ROLLED_BACK, away(10, 20, "update failed"), id="undone to its end"
        ),
        pytest.param(
            came_back(120), JobState.DONE, away(18, 20, "update", bad=False), id="of an older akbot"
        ),
        pytest.param(
            {**SINCE, **came_back(900)},
            JobState.DONE,
            away(5, 20, "update", bad=False),
            id="of several steps, the last of which began then",
        ),
    ],
)
def test_jobs_count_from_when_they_took_the_server_away(
    plan: dict[str, str], state: JobState, between: Away | None
) -> None:
    update = Job(
        id=make_backup_id(MIDNIGHT, "k3f9"),
        kind=JobKind.UPDATE,
        trigger=Trigger.CHAT,
        actor="Anna (42)",
        started=MIDNIGHT,
        state=state,
        ended=at(20),
        plan=plan,
    )

    assert away_in_jobs([update]) == ([between] if between else [])
