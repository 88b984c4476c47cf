"""A daemon looks when it starts, and then every hour, whether a store lacks anything."""

from datetime import timedelta

import pytest

from bot.domain.errors import PortError
from bot.entrypoints.catch_up import CatchUp
from tests.fakes_stack import NOW, FakeClock


class EndingClock(FakeClock):
    """It passes what it is to sleep at once, and ends the third time."""

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        if self.at - NOW > timedelta(hours=2):
            raise EndedError


class EndedError(Exception):
    pass


async def test_it_looks_at_once_and_every_hour() -> None:
    clock = EndingClock()
    looked: list[float] = []

    async def copy() -> None:
        looked.append((clock.at - NOW).total_seconds())

    with pytest.raises(EndedError):
        await CatchUp(copy, clock, {}).run()

    assert looked == [0, 3600, 7200]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PortError("read the journal: it is damaged"), "read the journal: it is damaged"),
        (ValueError("an error of ours"), "an error of akbot itself; the log says which"),
    ],
)
async def test_what_fails_ends_nothing_and_is_told_until_it_succeeds(
    error: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock, troubles = EndingClock(), dict[str, str]()
    told: list[list[str]] = []

    async def copy() -> None:
        told.append(list(troubles.values()))
        if clock.at == NOW:
            raise error

    with pytest.raises(EndedError):
        await CatchUp(copy, clock, troubles).run()

    assert told == [[], [f"copy to each store what it lacks: {words}"], []]
    assert str(error) in caplog.text


async def test_it_copies_nothing_while_people_are_at_work() -> None:
    clock = EndingClock()
    looked: list[float] = []

    async def copy() -> None:
        looked.append((clock.at - NOW).total_seconds())

    async def held() -> bool:
        return clock.at - NOW < timedelta(hours=2)

    with pytest.raises(EndedError):
        await CatchUp(copy, clock, {}, held).run()

    assert looked == [7200]
