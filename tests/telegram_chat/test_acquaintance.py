"""A first look at a token, and at who has written; the bot still finds every message."""

from collections.abc import Iterator

import pytest

from bot.adapters.clock import SystemClock
from bot.domain.errors import ConfigError, PortError, RefusedError
from bot.entrypoints.telegram.acquaintance import Acquaintance
from bot.services.setup_ports import Writer
from tests.bot_api.faults import conflict, dropped, unauthorized
from tests.bot_api.server import BotApi, bot_api

TOKEN = "424242:AAF-this_is_the_secret_part_012345678"
ANNA, BORIS = 42, 43


@pytest.fixture
def telegram() -> Iterator[BotApi]:
    with bot_api(token=TOKEN) as server:
        server.user(ANNA, "Anna")
        server.user(BORIS, "Boris")
        yield server


@pytest.fixture
def trial(telegram: BotApi) -> Acquaintance:
    return Acquaintance(TOKEN, telegram.base_url, SystemClock())


async def test_the_bot_is_named(trial: Acquaintance) -> None:
    assert await trial.name() == "test424242_bot"
    assert "secret_part" not in repr(trial)


@pytest.mark.parametrize("token", ["424242:AAF-another_secret_part_000000000000", ":", "x"])
async def test_a_wrong_token_is_told_and_not_repeated(telegram: BotApi, token: str) -> None:
    telegram.fail("getMe", unauthorized, times=9)

    with pytest.raises(ConfigError, match="Telegram refuses the token") as told:
        await Acquaintance(token, telegram.base_url, SystemClock()).name()
    assert len(token) < 3 or token not in told.value.in_full()


async def test_a_telegram_that_is_away_is_another_thing(
    telegram: BotApi, trial: Acquaintance
) -> None:
    telegram.fail("getMe", dropped, times=9)

    with pytest.raises(PortError, match="reach Telegram"):
        await trial.name()


async def test_who_has_written_is_told_and_the_messages_stay(
    telegram: BotApi, trial: Acquaintance
) -> None:
    telegram.people[ANNA].says("/start")
    telegram.people[BORIS].says("/start")
    telegram.people[ANNA].says("again")

    writers = await trial.writers(0)

    assert writers == [Writer(ANNA, "Anna", ANNA), Writer(BORIS, "Boris", BORIS)]
    assert telegram.updates.pending == 3


async def test_nobody_is_told_with_what_to_do(trial: Acquaintance) -> None:
    with pytest.raises(RefusedError, match="nobody has written to @test424242_bot") as told:
        await trial.writers(0)
    assert "https://t.me/test424242_bot" in told.value.hint


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (conflict, RefusedError, "another program reads the messages"),
        (dropped, PortError, "reach Telegram"),
    ],
)
async def test_what_stands_in_the_way_of_the_messages_is_told(
    telegram: BotApi, trial: Acquaintance, fault: object, kind: type[Exception], words: str
) -> None:
    telegram.fail("getUpdates", fault, times=9)  # type: ignore[arg-type]

    with pytest.raises(kind, match=words):
        await trial.writers(0)
