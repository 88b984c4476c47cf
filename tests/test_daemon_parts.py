"""The parts of the daemon as `akbot run` ties them together, on a host without Docker."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app import App
from bot.domain.pause import Pause
from bot.service import _Service
from bot.settings_source import load_settings
from tests.services.simulated_time import SimulatedClock

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture
def built(tmp_path: Path, clock: SimulatedClock) -> tuple[App, _Service]:
    """Not in the loop, which settings and libraries that are read would block."""
    environment = {
        "AKBOT_STATE": str(tmp_path / "state"),
        "AKBOT_STORE": f"file://{tmp_path}/store",
        "AKBOT_STACK": "authentik",
        "AKBOT_TELEGRAM_TOKEN": "1234567890:planted-token-0123456789-abcdefghijk",
        "AKBOT_TELEGRAM_ADMINS": "7",
        "AKBOT_DAILY_REPORT": "always",
        "AKBOT_TIMEZONE": "UTC",
        "DOCKER_HOST": f"unix://{tmp_path}/no-docker.sock",
    }
    app = App(load_settings(environment, tmp_path / "akbot.env").settings, clock=clock)
    return app, _Service(app)


@pytest.fixture
async def service(built: tuple[App, _Service]) -> AsyncIterator[_Service]:
    app, service = built
    yield service
    await app.close()


async def test_what_hangs_is_called_by_a_noun(service: _Service, clock: SimulatedClock) -> None:
    for each in service._timetable(START).rounds():
        each.beat()

    await clock.run_until(START + timedelta(hours=2))

    assert [words.partition(" hangs: ")[0] for words in service._pulse.silent()] == [
        "the look for new versions",
        "the report",
        "the daily line",
    ]


async def test_planned_work_holds_the_copies_of_what_a_store_lacks(service: _Service) -> None:
    catch_up = service._catch_up()
    assert not await catch_up.is_held()

    await service._app.pause.write(Pause(START, "planned work", START + timedelta(hours=1)))

    assert await catch_up.is_held()
