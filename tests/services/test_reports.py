"""What a report is made of is gathered, and a part that does not answer hides no other."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.alarms import Limit
from bot.domain.errors import PortError
from bot.domain.incident import Incident, Trouble
from bot.domain.report import WEEK
from bot.domain.report_facts import Expected
from bot.services.drill_history import DrillHistory
from bot.services.reports import Reports
from bot.services.stores import Catalogue
from tests.domain.test_update_news import outlook
from tests.fakes_stack import FakePause
from tests.services.test_watcher import FakeIncidentLog
from tests.services.world import World


async def refused() -> Any:
    raise PortError("connection refused", hint="Mend that.")


async def silent() -> Any:
    await asyncio.Event().wait()


@dataclass
class Reporting:
    """Reports of a world with a backup that was drilled."""

    world: World = field(default_factory=World)
    incidents: FakeIncidentLog = field(default_factory=FakeIncidentLog)

    def __post_init__(self) -> None:
        history = DrillHistory(self.world.stores, lambda: self.world.keyring.trusted)
        self.reports = Reports(
            self.world.journal,
            self.incidents.since,
            self._catalogue,
            lambda: history.newest("authentik"),
            self._check,
            FakePause(),
            self._installed,
            Expected(backup_within=Limit(timedelta(hours=26))),
            frozenset({"authentik", "server"}),
            self.world.clock,
        )

    async def _catalogue(self) -> Catalogue:
        return await self.world.stores.catalogue("authentik", self.world.keyring.trusted)

    async def _check(self) -> Any:
        return outlook()

    async def _installed(self) -> datetime:
        return self.world.clock.now() - timedelta(days=30)


@pytest.fixture
async def reporting() -> Reporting:
    reporting = Reporting()
    await reporting.world.run()
    await reporting.world.drill()
    return reporting


async def test_backups_drills_incidents_and_updates_are_in_it(reporting: Reporting) -> None:
    now = reporting.world.clock.now()
    began = Incident(
        root="server",
        trouble=Trouble.CRASHED,
        detail="",
        image="",
        began=now - timedelta(hours=2),
        opened=now - timedelta(hours=2),
    )
    await reporting.incidents.write(began, now - timedelta(hours=1))
    long_ago = replace(began, opened=now - timedelta(days=9), began=now - timedelta(days=9))
    await reporting.incidents.write(long_ago, now - timedelta(days=8))

    made = await reporting.reports.run(WEEK)

    report = made.report
    assert (report.backups.made, report.backups.kept) == (1, 1)
    assert report.backups.drilled
    assert (report.incidents.count, report.login.incidents) == (1, 3600)
    assert report.update
    assert report.update.target == "2025.4.4"
    assert [each.message for each in report.needs] == []
    assert [each.id for each in made.records] == [
        each.id for each in await reporting.world.records()
    ]


@pytest.mark.parametrize("away", [refused, silent])
async def test_a_store_that_is_away_is_one_line_and_the_rest_stands(
    reporting: Reporting, away: Callable[[], Awaitable[Any]]
) -> None:
    reports = replace(reporting.reports, catalogue=away, newest_drill=away)
    report = (await reports.run(WEEK, 0.05)).report

    [need] = report.needs
    assert need.message.startswith("the store does not answer: ")
    assert report.backups.made == 1
    assert report.update
    assert report.update.target


@pytest.mark.parametrize("away", [refused, silent])
async def test_a_registry_that_is_away_is_one_line(
    reporting: Reporting, away: Callable[[], Awaitable[Any]]
) -> None:
    report = (await replace(reporting.reports, check=away).run(WEEK, 0.05)).report

    [need] = report.needs
    assert need.message.startswith("whether there is a newer Authentik is not known: ")


async def test_where_nobody_is_to_be_asked_nobody_is(reporting: Reporting) -> None:
    report = (await replace(reporting.reports, check=None).run(WEEK)).report

    assert report.update is None
    assert not report.needs
