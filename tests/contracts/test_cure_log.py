"""What the journal promises of restarts, shown on the fake and on the real one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.cure import Treatment
from bot.domain.incident import Incident, Trouble
from bot.services.watch_ports import CureLog
from tests.fakes_cure import FakeCureLog

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
FIRST = Treatment(service="worker", at=NOW, opened=NOW - timedelta(seconds=3))
LATER = replace(FIRST, at=NOW + timedelta(minutes=5), failure="no such port")


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(StateFolder(tmp_path / "state"))
    yield journal
    await journal.close()


@pytest.fixture(params=["fake", "sqlite"])
def log(request: pytest.FixtureRequest, journal: Journal) -> CureLog:
    return FakeCureLog() if request.param == "fake" else journal.cures


async def test_what_is_done_is_there_from_its_moment_on_the_oldest_first(log: CureLog) -> None:
    await log.write(LATER)
    await log.write(FIRST)

    assert list(await log.since(NOW)) == [FIRST, LATER]
    assert list(await log.since(NOW + timedelta(seconds=1))) == [LATER]


async def test_one_of_a_service_at_a_moment_is_one_and_can_be_taken_back(log: CureLog) -> None:
    other = replace(FIRST, gave_up=True)
    await log.write(FIRST)
    await log.write(replace(FIRST, failure="no such port"))
    await log.write(other)
    assert set(await log.since(NOW)) == {replace(FIRST, failure="no such port"), other}

    await log.remove(FIRST)
    await log.remove(FIRST)
    assert list(await log.since(NOW)) == [other]


async def test_what_was_long_ago_is_forgotten_but_not_that_an_open_incident_was_given_up(
    journal: Journal,
) -> None:
    end = replace(FIRST, at=NOW + timedelta(minutes=9), gave_up=True)
    for each in (FIRST, end, replace(end, service="redis")):
        await journal.cures.write(each)
    await journal.incidents.write(
        Incident(
            root="worker",
            trouble=Trouble.UNHEALTHY,
            detail="",
            image="",
            began=FIRST.opened,
            opened=FIRST.opened,
        )
    )
    await journal.jobs.compact(NOW + timedelta(days=1))

    assert list(await journal.cures.since(NOW)) == [end]
