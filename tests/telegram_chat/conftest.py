import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from tests.bot_api.server import BotApi, bot_api
from tests.telegram_chat.world import OTHER_TOKEN, TOKEN, TurnedClock, World


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def telegram(clock: TurnedClock) -> Iterator[BotApi]:
    with bot_api(token=TOKEN, now=clock.now) as server:
        yield server


@pytest.fixture
async def world(telegram: BotApi, clock: TurnedClock, tmp_path: Path) -> AsyncIterator[World]:
    journal = Journal(StateFolder(tmp_path / "state"))
    parts = (journal.inbox("1"), journal.outbox, journal.questions, journal.moves)
    yield World(telegram, *parts, journal.orders, clock)
    await journal.close()


@pytest.fixture(autouse=True)
def _the_token_is_never_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    whole = logging.Formatter()  # with tracebacks
    logged = "\n".join(whole.format(record) for record in caplog.get_records("call"))
    for token in (TOKEN, OTHER_TOKEN):
        assert token.partition(":")[2] not in logged
